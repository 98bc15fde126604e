// Comparing annotations: as a server may give them in a page and alone, and as they were written and came back.

/** What the server writes itself, whatever was sent; its own `@context` too. */
export const SERVERS_OWN = new Set(['@context', 'id', 'canonical', 'created', 'creator', 'generated', 'generator', 'modified', 'partOf', 'via']);

export function equal(a, b) {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object' || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]));
}

const without = (annotation, isLeftOut) => Object.fromEntries(Object.entries(annotation).filter(([key]) => !isLeftOut(key)));

const withType = (target) => (target && typeof target === 'object' && target.source && !target.type ? { ...target, type: 'SpecificResource' } : target);

/** An annotation as a page has it: without `@context`, with the motivation that Presentation asks for and the types of its targets. */
function inPage(annotation) {
  const { '@context': _, target, ...rest } = annotation;
  const targets = Array.isArray(target) ? target.map(withType) : withType(target);
  return { motivation: 'commenting', ...rest, ...(target === undefined ? {} : { target: targets }) };
}

/** Whether both are the same version, be it in a page or alone. */
export const sameVersion = (a, b) => equal(inPage(a), inPage(b));

/** Whether `kept` holds what was sent as `sent`, beside what the server adds. */
export function holds(kept, sent) {
  const wanted = without(sent, (key) => SERVERS_OWN.has(key));
  return Object.entries(wanted).every(([key, value]) => equal(kept[key], value));
}

/** The ids by which a client called an annotation before the server gave it one. */
export const formerIds = (annotation) => [annotation.via ?? []].flat();

/** The words of an annotation for people: its texts and tags, without markup. */
export function wordsOf(annotation) {
  const bodies = [annotation.body ?? []].flat();
  const texts = bodies.map((body) => (typeof body === 'string' ? body : body?.value ?? body?.id ?? '')).filter((text) => typeof text === 'string' && text);
  return texts.map((text) => text.replace(/<[^>]*>/g, ' ').replace(/&nbsp;/g, ' ').replace(/\s+/g, ' ').trim()).filter(Boolean).join(' · ');
}

/** Where on its canvas an annotation is, for people. */
export function placeOf(annotation) {
  const targets = [annotation.target ?? []].flat();
  for (const target of targets) {
    const selectors = [target?.selector ?? []].flat();
    const candidates = [typeof target === 'string' ? target : target?.id, ...selectors.map((selector) => selector?.value)];
    for (const text of candidates) {
      const found = typeof text === 'string' ? /xywh=(?:pixel:)?([\d.]+),([\d.]+),([\d.]+),([\d.]+)/.exec(text) : null;
      if (found) return `${Math.round(found[3])} × ${Math.round(found[4])} at ${Math.round(found[1])}, ${Math.round(found[2])}`;
    }
    if (selectors.some((selector) => selector?.type === 'SvgSelector' && selector.value)) return 'a drawn shape';
  }
  return 'the whole page';
}
