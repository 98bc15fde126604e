// Reads an `iiif-content` value in every form of Content State API 1.0: a URL, JSON, or base64url of URI-encoded JSON;
// an Annotation (its target), a SpecificResource, a Range or Canvas with `partOf`, a Manifest, or the id of one.

const first = (value) => (Array.isArray(value) ? value[0] : value);
const idOf = (value) => (typeof value === 'string' ? value : value?.id ?? value?.['@id']);

function fromBase64Url(value) {
  const padded = value.replace(/-/g, '+').replace(/_/g, '/').padEnd(Math.ceil(value.length / 4) * 4, '=');
  const bytes = Uint8Array.from(atob(padded), (char) => char.charCodeAt(0));
  return decodeURIComponent(new TextDecoder().decode(bytes));
}

/** The content state as an object: `{ id }` for a bare URL. */
export function decodeContentState(value) {
  const given = value.trim();
  if (/^https?:\/\//i.test(given)) return { id: given };
  if (/^[[{"]/.test(given)) return JSON.parse(given);
  const text = fromBase64Url(given).trim();
  return /^https?:\/\//i.test(text) ? { id: text } : JSON.parse(text);
}

/** What a viewer needs of it: `{ manifest, canvas?, xywh? }`. Throws when the value says nothing that can be shown. */
export function resolveContentState(value) {
  let state = first(decodeContentState(value));
  let xywh;
  if (state?.type === 'Annotation' || state?.target) state = first(state.target);
  if (state?.type === 'SpecificResource' || state?.source) {
    const selector = [state.selector].flat().find((s) => s && (s.type === 'FragmentSelector' || /xywh=/.test(s.value ?? '')));
    xywh = /xywh=(?:pixel:)?([\d.,]+)/.exec(selector?.value ?? '')?.[1];
    state = first(state.source);
  }
  if (typeof state === 'string') state = { id: state };
  const whole = idOf(state);
  if (!whole) throw new Error('the content state names nothing to show');
  const [id, fragment = ''] = whole.split('#');
  xywh ??= /xywh=(?:pixel:)?([\d.,]+)/.exec(fragment)?.[1];
  const manifest = idOf(first(state.partOf));
  return manifest ? { manifest, canvas: id, xywh } : { manifest: id, xywh };
}
