// The Web Annotation Protocol as a client speaks it: pages are read; annotations are created, replaced and deleted under their
// ETags. Every failure is an `AnnotationError` of a kind that says what can be done about it.

const MEDIA_TYPE = 'application/ld+json; profile="http://www.w3.org/ns/anno.jsonld"';

/** The most pages that are followed by `next`. */
const MOST_PAGES = 100;

/**
 * Kinds: `offline` (no answer came), `sign-in` (401), `refused` (403 and other refusals), `changed` (412: somebody else was faster),
 * `gone` (404, 410), `server` (5xx), `malformed` (an answer that cannot be understood).
 */
export class AnnotationError extends Error {
  constructor(kind, message, { status, hint } = {}) {
    super(message);
    this.name = 'AnnotationError';
    this.kind = kind;
    this.status = status;
    this.hint = hint;
  }
}

const KIND_OF_STATUS = { 401: 'sign-in', 404: 'gone', 410: 'gone', 412: 'changed' };

/** The words of a problem answer; most servers send `application/problem+json`. */
async function problemOf(answer) {
  const text = await answer.text().catch(() => '');
  try {
    const { title, detail, hint } = JSON.parse(text);
    const words = [detail, title].find((part) => typeof part === 'string' && part);
    return { words, hint: typeof hint === 'string' ? hint : undefined };
  } catch {
    return {};
  }
}

async function failureOf(answer) {
  const { words, hint } = await problemOf(answer);
  const kind = KIND_OF_STATUS[answer.status] ?? (answer.status >= 500 ? 'server' : 'refused');
  return new AnnotationError(kind, words ?? `The server answered ${answer.status}.`, { status: answer.status, hint });
}

async function jsonOf(answer, what) {
  let value;
  try {
    value = await answer.json();
  } catch (error) {
    // The connection may end in the middle of an answer; what was sent had arrived all the same.
    if (error instanceof SyntaxError) throw new AnnotationError('malformed', `The server's answer for ${what} is not JSON.`);
    throw new AnnotationError('offline', 'The connection ended before the answer was complete.');
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new AnnotationError('malformed', `The server's answer for ${what} is not an object.`);
  return value;
}

const idOf = (value) => (typeof value === 'string' ? value : value?.id);

export class AnnotationClient {
  /** `base` is where this server keeps containers: nothing is written elsewhere, and the token goes to no other origin. */
  constructor({ base, token = () => undefined, fetch = (...args) => globalThis.fetch(...args) }) {
    this.base = base;
    this.origin = new URL(base).origin;
    this.token = token;
    this.fetch = fetch;
  }

  /** Whether a URL is one of this server's containers or in one. */
  owns(url) {
    return typeof url === 'string' && url.startsWith(this.base) && !url.slice(this.base.length).split('/').includes('..');
  }

  /** Whether a URL is of this server at all. */
  serves(url) {
    return URL.canParse(url) && new URL(url).origin === this.origin;
  }

  /** The headers that sign a request in, for URLs that the token may be sent to. */
  signature(url) {
    const token = this.token();
    return token && this.serves(url) ? { Authorization: `Bearer ${token}` } : {};
  }

  async #ask(url, method, { headers, body } = {}) {
    let answer;
    try {
      answer = await this.fetch(url, { method, headers: { Accept: MEDIA_TYPE, ...this.signature(url), ...headers }, body, cache: method === 'GET' ? 'no-cache' : 'no-store' });
    } catch {
      throw new AnnotationError('offline', 'The server could not be reached.');
    }
    if (!answer.ok) throw await failureOf(answer);
    return answer;
  }

  /** A canvas's annotation page with the items of all its pages, and the container that new ones go to. */
  async page(url) {
    const first = await jsonOf(await this.#ask(url, 'GET'), 'the annotation page');
    if (first.type !== 'AnnotationPage') throw new AnnotationError('malformed', 'The server gave something else than an annotation page.');
    const items = [];
    let page = first;
    for (let count = 1; ; count += 1) {
      if (page.items !== undefined && !Array.isArray(page.items)) throw new AnnotationError('malformed', 'The items of the annotation page are no list.');
      items.push(...(page.items ?? []).filter((item) => item && typeof item === 'object' && typeof item.id === 'string'));
      const next = idOf(page.next);
      if (!next || count === MOST_PAGES) break;
      if (!URL.canParse(next, url)) throw new AnnotationError('malformed', 'The next annotation page has no address.');
      page = await jsonOf(await this.#ask(new URL(next, url).href, 'GET'), 'a further annotation page');
    }
    const container = [first.partOf].flat().map(idOf).find((id) => this.owns(id));
    return { page: { ...first, items }, container };
  }

  async #annotationOf(answer, url) {
    const annotation = await jsonOf(answer, 'the annotation');
    const id = annotation.id ?? url;
    if (!this.owns(id)) throw new AnnotationError('malformed', 'The server gave an annotation without an address of its own.');
    // Compressing proxies make ETags weak, and a weak one never matches in `If-Match`; the server's own is the same without its mark.
    const etag = answer.headers.get('ETag')?.replace(/^W\//, '');
    return { annotation: { ...annotation, id }, etag };
  }

  async read(url) {
    return this.#annotationOf(await this.#ask(url, 'GET'), url);
  }

  async create(container, annotation) {
    if (!this.owns(container)) throw new AnnotationError('refused', 'This page belongs to another server, which keeps its annotations itself.');
    const answer = await this.#ask(container, 'POST', { headers: { 'Content-Type': MEDIA_TYPE }, body: JSON.stringify(annotation) });
    const location = answer.headers.get('Location');
    return this.#annotationOf(answer, location ? new URL(location, container).href : undefined);
  }

  async replace(url, annotation, etag) {
    if (!this.owns(url)) throw new AnnotationError('refused', 'This annotation is kept by another server.');
    const headers = { 'Content-Type': MEDIA_TYPE, ...(etag ? { 'If-Match': etag } : {}) };
    return this.#annotationOf(await this.#ask(url, 'PUT', { headers, body: JSON.stringify(annotation) }), url);
  }

  async remove(url, etag) {
    if (!this.owns(url)) throw new AnnotationError('refused', 'This annotation is kept by another server.');
    await this.#ask(url, 'DELETE', { headers: etag ? { 'If-Match': etag } : {} });
  }
}
