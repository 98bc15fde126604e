// Annotations as Mirador's annotation editor writes them, and as everybody else reads them.
//
// The editor keeps all it needs to edit again in `maeData`, and draws what it makes of that as SVG. A plain rectangle is better said
// as a fragment, which every viewer and every search understands; and some of what it writes no viewer can read.

import { SERVERS_OWN } from './compare.js';

/** Which version of an annotation an editor began with; never sent. */
export const VERSION = 'rectoVersion';

/** Lets the editor edit what it did not make, as JSON; never sent. */
const FOREIGN = { templateType: 'iiif' };

/** The name by which the editor calls whom it does not know. */
export const NOBODY = 'Anonymous';

const isForeignMark = (data) => data?.templateType === FOREIGN.templateType && Object.keys(data).length === 1;

/** `xywh` of whole numbers around a rectangle. */
function wholeNumbers(x, y, w, h) {
  const left = Math.max(0, Math.floor(x));
  const top = Math.max(0, Math.floor(y));
  return `xywh=${left},${top},${Math.max(1, Math.ceil(x + w) - left)},${Math.max(1, Math.ceil(y + h) - top)}`;
}

const withWholeNumbers = (text) => text.replace(/xywh=(?:pixel:)?(-?[\d.]+),(-?[\d.]+),([\d.]+),([\d.]+)/, (all, ...parts) => {
  const numbers = parts.slice(0, 4).map(Number);
  return numbers.every(Number.isFinite) ? wholeNumbers(...numbers) : all;
});

/** The rectangle, where all that was drawn is one rectangle that stands upright. */
function onlyRectangle(data) {
  let shapes;
  try {
    shapes = JSON.parse(data?.target?.drawingState ?? '{}').shapes ?? [];
  } catch {
    return undefined;
  }
  const [shape] = shapes;
  if (shapes.length !== 1 || shape?.type !== 'rectangle' || shape.rotation) return undefined;
  const numbers = [shape.x, shape.y, shape.width * (shape.scaleX ?? 1), shape.height * (shape.scaleY ?? 1)];
  const [x, y, w, h] = numbers;
  if (!numbers.every(Number.isFinite)) return undefined;
  // Drawn to the left or upwards, its sides are negative.
  return wholeNumbers(Math.min(x, x + w), Math.min(y, y + h), Math.abs(w), Math.abs(h));
}

/** SVG with its colours closed and without the empty dashes that the editor's drawing library leaves in it. */
const mended = (svg) => svg.replace(/(['"])(rgba?\([\d.,\s]+)\1/g, '$1$2)$1').replace(/ stroke-dasharray=(['"])\1/g, '');

function targetOf(target, data) {
  if (typeof target === 'string') return withWholeNumbers(target);
  const source = typeof target?.source === 'string' ? target.source : undefined;
  if (!source || !Array.isArray(target.selector) || !data) return target;
  const rectangle = onlyRectangle(data);
  if (rectangle) return `${source}#${rectangle}`;
  const selector = target.selector.flatMap((one) => {
    if (one?.type === 'SvgSelector') return one.value ? [{ ...one, value: mended(one.value) }] : [];
    return one?.type === 'FragmentSelector' && /#$/.test(one.value ?? '#') ? [] : [one];
  });
  return selector.length ? { ...target, selector } : source;
}

const escaped = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

/** Body keys that the editor's form can hold; an annotation with others is edited as JSON, so that nothing of it is lost. */
const FORM_KEYS = new Set(['type', 'value', 'purpose', 'format']);

const isPlainBody = (body) => body && typeof body === 'object' && (body.type ?? 'TextualBody') === 'TextualBody' && typeof body.value === 'string' && Object.keys(body).every((key) => FORM_KEYS.has(key));

/**
 * The editor's own data for what another program wrote: one text, tags, and at most one rectangle. `undefined` for anything more,
 * which the form could not give back.
 */
function formOf({ body, target }) {
  const bodies = [body ?? []].flat();
  if (!bodies.length || !bodies.every(isPlainBody)) return undefined;
  const texts = bodies.filter(({ purpose }) => purpose !== 'tagging');
  const [, , numbers] = (typeof target === 'string' && /^([^#]+)(?:#xywh=(?:pixel:)?(\d+,\d+,\d+,\d+))?$/.exec(target)) || [];
  if (texts.length > 1 || typeof target !== 'string' || (target.includes('#') && !numbers)) return undefined;
  const [x, y, width, height] = (numbers ?? '').split(',').map(Number);
  const shape = { type: 'rectangle', id: 'given', x, y, width, height, scaleX: 1, scaleY: 1, fill: 'rgba(100,100,100, 0)', stroke: 'rgba(255,0, 0, 0.5)', strokeWidth: 5 };
  const [text = { value: '' }] = texts;
  const isHtml = text.format === 'text/html' || /^\s*</.test(text.value);
  return {
    templateType: 'multiple_body',
    tags: bodies.filter(({ purpose }) => purpose === 'tagging').map(({ value }) => ({ label: value, value })),
    target: { drawingState: JSON.stringify({ currentShape: null, isDrawing: false, shapes: numbers ? [shape] : [] }), scale: 1 },
    textBody: { type: 'TextualBody', purpose: text.purpose ?? 'describing', value: isHtml ? text.value : `<p>${escaped(text.value)}</p>` },
  };
}

const isTag = (body) => body?.purpose === 'tagging';
const isText = (body) => body?.purpose === 'describing';

/** Bodies as the editor's form looks for them: a list with one text that describes, even where there are only tags. */
function bodiesForForm(body) {
  const bodies = [body ?? []].flat();
  if (bodies.some(isText)) return bodies;
  const at = bodies.findIndex((one) => one && typeof one === 'object' && !isTag(one));
  if (at < 0) return [{ type: 'TextualBody', purpose: 'describing', value: '' }, ...bodies];
  return bodies.with(at, { ...bodies[at], purpose: 'describing' });
}

/** Bodies as they are sent: without an empty text, and with the purpose that the text had before the form. */
function bodiesFromForm(bodies, seen) {
  const before = [seen?.body ?? []].flat().filter((one) => one && typeof one === 'object' && !isTag(one));
  return bodies
    .filter((body) => !isText(body) || bodies.length === 1 || String(body.value ?? '').replace(/<[^>]*>/g, '').trim())
    .map(withFormat)
    .map((body) => {
      if (!isText(body) || before.length !== 1 || before[0].purpose === 'describing') return body;
      const { purpose: _, ...rest } = body;
      return before[0].purpose ? { ...rest, purpose: before[0].purpose } : rest;
    });
}

/** The editor writes HTML and does not say so. */
const withFormat = (body) => (body?.type === 'TextualBody' && !body.format && /^\s*</.test(body.value ?? '') ? { ...body, format: 'text/html' } : body);

/** An annotation as it is sent. What the server writes itself stays as it was `seen`. */
export function outgoing(annotation, seen) {
  const sent = structuredClone(annotation);
  delete sent[VERSION];
  if (isForeignMark(sent.maeData)) delete sent.maeData;
  else if (sent.maeData) {
    sent.target = targetOf(sent.target, sent.maeData);
    if (Array.isArray(sent.body)) sent.body = bodiesFromForm(sent.body, seen);
  }
  for (const key of ['creator', 'lastEditor']) if (sent[key] === NOBODY) delete sent[key];
  for (const key of SERVERS_OWN) {
    if (key === 'id' || !seen) continue;
    if (Object.hasOwn(seen, key)) sent[key] = structuredClone(seen[key]);
    else delete sent[key];
  }
  if (seen && !Object.hasOwn(seen, 'creationDate')) delete sent.creationDate;
  sent.type ??= 'Annotation';
  return sent;
}

/** An annotation as the editor wants it, marked with the version that it is. */
export function marked(annotation, version) {
  const given = { ...structuredClone(annotation), [VERSION]: version };
  if (!given.maeData?.templateType) given.maeData = formOf(annotation) ?? { ...FOREIGN };
  if (!isForeignMark(given.maeData)) given.body = bodiesForForm(given.body);
  // The editor shows names of people, no objects.
  if (given.creator && typeof given.creator !== 'string') given.creator = [given.creator].flat()[0]?.name ?? [given.creator].flat()[0]?.id;
  if (given.creator) given.creationDate ??= given.created ? new Date(given.created).toLocaleString() : '';
  return given;
}
