// A small annotation server for tests: the containers and pages that Recto's own has, and faults on demand.

import { randomUUID } from 'node:crypto';

const CONTENT_TYPE = 'application/ld+json; profile="http://www.w3.org/ns/anno.jsonld"';

export class AnnotationStore {
  /** `tokens` are accepted for writing; without any, everybody may write. */
  constructor({ tokens = [] } = {}) {
    this.tokens = tokens;
    this.kept = new Map();
    this.gone = new Set();
    this.log = [];
    this.faults = [];
    this.count = 0;
  }

  /** Answers below `/annotations/` and `…/canvas…/annotations`; false for anything else. */
  async answer(request, response, origin) {
    const path = new URL(request.url, origin).pathname;
    const isPage = /\/canvas\/[^/]+\/annotations$/.test(path);
    if (!isPage && !path.startsWith('/annotations/')) return false;
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString('utf8');
    this.log.push({ method: request.method, path, headers: request.headers, body });
    const fault = this.#faultFor(request.method);
    if (fault === 'lost request') return this.#hangUp(request);
    if (typeof fault === 'number') return this.#send(response, fault, { title: 'A fault', detail: `It answers ${fault} for once.` });
    const result = isPage ? this.#page(origin, path) : this.#change(request, origin, path, body);
    if (fault === 'lost answer') return this.#hangUp(request);
    if (fault === 'not JSON') {
      response.writeHead(result.status, { 'Content-Type': CONTENT_TYPE, ETag: '"x"' });
      response.end('<html>');
      return true;
    }
    return this.#send(response, result.status, result.value, result.headers);
  }

  /** The next request with this method fails so: a status, `lost request`, `lost answer`, `not JSON`. */
  fail(method, fault) {
    this.faults.push({ method, fault });
  }

  requests(method) {
    return this.log.filter((entry) => entry.method === method);
  }

  #faultFor(method) {
    const at = this.faults.findIndex((fault) => fault.method === method);
    return at < 0 ? undefined : this.faults.splice(at, 1)[0].fault;
  }

  #hangUp(request) {
    request.socket.destroy();
    return true;
  }

  #send(response, status, value, headers = {}) {
    response.writeHead(status, { 'Content-Type': status < 400 ? CONTENT_TYPE : 'application/problem+json', 'Cache-Control': 'no-cache', ...headers });
    response.end(value === undefined ? undefined : JSON.stringify(value));
    return true;
  }

  #page(origin, path) {
    const canvas = `${origin}${path.replace(/\/annotations$/, '')}`;
    const items = [...this.kept.values()].filter(({ annotation }) => JSON.stringify(annotation.target ?? '').includes(canvas)).map(({ annotation }) => annotation);
    const object = /\/([^/]+)\/canvas\//.exec(path)[1];
    const partOf = { id: `${origin}/annotations/${object}/`, type: 'AnnotationCollection' };
    return { status: 200, value: { '@context': 'http://iiif.io/api/presentation/3/context.json', id: `${origin}${path}`, type: 'AnnotationPage', partOf, items } };
  }

  #mayWrite(request) {
    return !this.tokens.length || this.tokens.includes((request.headers.authorization ?? '').replace(/^Bearer /, ''));
  }

  #change(request, origin, path, body) {
    const id = `${origin}${path}`;
    const problem = (status, detail) => ({ status, value: { title: 'Refused', detail } });
    if (request.method !== 'GET' && !this.#mayWrite(request)) return problem(401, 'This container is written to by people with a token.');
    if (path.endsWith('/')) {
      if (request.method !== 'POST') return problem(405, 'Only POST');
      const { id: via, ...given } = JSON.parse(body);
      const name = `${id}${randomUUID()}`;
      return this.#keep(name, { ...given, ...(via ? { via } : {}) }, 201, { Location: name });
    }
    if (this.gone.has(id)) return problem(410, 'It was deleted.');
    const kept = this.kept.get(id);
    if (!kept) return problem(404, 'There is no such annotation.');
    if (request.method === 'GET') return { status: 200, value: { '@context': 'http://www.w3.org/ns/anno.jsonld', ...kept.annotation }, headers: { ETag: kept.etag } };
    const match = request.headers['if-match'];
    if (!match) return problem(428, 'If-Match is missing.');
    if (match !== kept.etag) return problem(412, 'Somebody else changed it.');
    if (request.method === 'PUT') return this.#keep(id, JSON.parse(body), 200);
    this.kept.delete(id);
    this.gone.add(id);
    return { status: 204 };
  }

  #keep(id, given, status, headers = {}) {
    this.count += 1;
    const { '@context': _, ...rest } = given;
    const annotation = { ...rest, id, modified: new Date(1.7e12 + this.count * 1000).toISOString() };
    const etag = `"${this.count}"`;
    this.kept.set(id, { annotation, etag });
    return { status, value: { '@context': 'http://www.w3.org/ns/anno.jsonld', ...annotation }, headers: { ...headers, ETag: etag } };
  }
}
