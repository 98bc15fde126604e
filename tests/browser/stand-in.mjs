// Stands between a browser and a running server, and puts its own store of annotations in the place of the server's:
// one that a test can look into, and that fails when it is told to.

import { createServer, request as ask } from 'node:http';
import { AnnotationStore } from '../../web/test/store.mjs';

const read = async (stream) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};

export class StandIn {
  constructor(server, { store = new AnnotationStore(), annotations = true } = {}) {
    this.behind = new URL(server);
    this.store = store;
    this.annotations = annotations;
    this.http = createServer((request, response) => { this.#answer(request, response).catch((error) => { response.destroy(error); }); });
  }

  async start() {
    await new Promise((done) => { this.http.listen(0, '127.0.0.1', done); });
    this.origin = `http://127.0.0.1:${this.http.address().port}`;
    return this;
  }

  stop() {
    this.http.closeAllConnections();
    this.http.close();
  }

  async #answer(request, response) {
    if (await this.store.answer(request, response, this.origin)) return;
    const url = new URL(request.url, this.origin);
    if (url.pathname === '/states/1') return this.#json(response, await this.#contentState());
    const behind = await this.#forward(request);
    const headers = { ...behind.headers };
    let body = await read(behind);
    const isManifest = /^\/iiif\/presentation\/3\/[^/]+\/manifest$/.test(url.pathname);
    if (behind.statusCode === 200 && isManifest) body = Buffer.from(JSON.stringify(this.#withPages(JSON.parse(body))));
    if (/^text\/html/.test(headers['content-type'])) {
      const own = this.annotations ? ` data-annotations="${this.origin}/annotations/"` : '';
      body = Buffer.from(body.toString('utf8').replace(/ data-annotations="[^"]*"/, '').replace('data-viewer="mirador"', `$&${own}`));
    }
    for (const name of ['content-length', 'transfer-encoding', 'connection', 'etag']) delete headers[name];
    response.writeHead(behind.statusCode, { ...headers, 'content-length': body.length });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  /** The server is asked under our own address, so that all its URLs lead here. */
  #forward(request) {
    const headers = { ...request.headers, host: new URL(this.origin).host, 'accept-encoding': 'identity', connection: 'close' };
    delete headers['if-none-match'];
    return new Promise((done, failed) => {
      const forwarded = ask({ host: this.behind.hostname, port: this.behind.port, path: request.url, method: request.method, headers }, done);
      forwarded.on('error', failed);
      request.pipe(forwarded);
    });
  }

  #withPages(manifest) {
    const withPage = (canvas) => {
      const page = { id: `${canvas.id}/annotations`, type: 'AnnotationPage' };
      return { ...canvas, annotations: [...(canvas.annotations ?? []).filter(({ id }) => id !== page.id), page] };
    };
    return { ...manifest, items: manifest.items.map(withPage) };
  }

  /** An Annotation with a content state: a part of the third page. */
  async #contentState() {
    const manifest = `${this.origin}/iiif/presentation/3/The%20Patient%20Eye/manifest`;
    const canvas = (await (await fetch(manifest)).json()).items[2].id;
    const target = { id: `${canvas}#xywh=200,300,600,400`, type: 'Canvas', partOf: [{ id: manifest, type: 'Manifest' }] };
    return { '@context': 'http://iiif.io/api/presentation/3/context.json', id: `${this.origin}/states/1`, type: 'Annotation', motivation: ['contentState'], target };
  }

  #json(response, value) {
    response.writeHead(200, { 'content-type': 'application/ld+json', 'access-control-allow-origin': '*' });
    response.end(JSON.stringify(value));
  }
}
