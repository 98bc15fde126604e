// The pictures of a Manifest (Presentation 3 or 2) in order, for viewers that show one image service at a time.

const list = (value) => (value === undefined || value === null ? [] : [value].flat());
const idOf = (value) => (typeof value === 'string' ? value : value?.id ?? value?.['@id']);

/** A label in the reader's language: a plain string, a language map or a version 2 value object. */
export function labelText(label) {
  if (!label) return '';
  if (typeof label === 'string') return label;
  if (Array.isArray(label)) return labelText(label[0]);
  if ('@value' in label) return label['@value'];
  const languages = [...navigator.languages.map((l) => l.split('-')[0]), 'none', ...Object.keys(label)];
  const key = languages.find((language) => language in label);
  return list(label[key]).join(' ');
}

const isImageService = (service) =>
  /ImageService[23]/.test(`${service?.type ?? ''} ${service?.['@type'] ?? ''}`) || /iiif\.io\/api\/image/.test(`${service?.profile ?? ''} ${service?.['@context'] ?? ''}`);

const infoOf = (body) => {
  const service = list(body?.service).find(isImageService);
  return service ? `${idOf(service).replace(/\/$/, '')}/info.json` : undefined;
};

function fromVersion3(canvas) {
  const bodies = list(canvas.items).flatMap((page) => list(page.items)).flatMap((annotation) => list(annotation.body));
  const bodyOf = (body) => (body.type === 'SpecificResource' ? body.source : body.type === 'Choice' ? list(body.items)[0] : body);
  return bodies.map(bodyOf).find(Boolean);
}

const fromVersion2 = (canvas) => list(canvas.images).map((annotation) => annotation.resource?.default ?? annotation.resource)[0];

/** `[{ canvas, label, info?, url? }]`: `info` where there is an image service, else the plain image's `url`. */
export function picturesOf(manifest) {
  const canvases = manifest.items ?? list(manifest.sequences)[0]?.canvases ?? [];
  return canvases.map((canvas) => {
    const body = manifest.items ? fromVersion3(canvas) : fromVersion2(canvas);
    return { canvas: idOf(canvas), label: labelText(canvas.label), info: infoOf(body), url: idOf(body) };
  });
}
