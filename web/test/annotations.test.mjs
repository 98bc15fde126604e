// The annotation adapter against a server of its own: two editors, lost connections, sign-in, answers that make no sense.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, beforeEach, test } from 'node:test';
import { AnnotationAdapter } from '../ui/annotations/adapter.js';
import { placeOf, sameVersion, wordsOf } from '../ui/annotations/compare.js';
import { Drafts } from '../ui/annotations/drafts.js';
import { marked, outgoing } from '../ui/annotations/editor-form.js';
import { AnnotationClient } from '../ui/annotations/protocol.js';
import { AnnotationStore } from './store.mjs';

let store;
const server = createServer((request, response) => { void store.answer(request, response, origin).then((known) => { if (!known) response.writeHead(404).end(); }); });
await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
const origin = `http://127.0.0.1:${server.address().port}`;
const canvas = `${origin}/iiif/presentation/3/books%2Fone/canvas/p1`;
const base = `${origin}/annotations/`;
const container = `${base}books%2Fone/`;
after(() => { server.closeAllConnections(); server.close(); });
beforeEach(() => { store = new AnnotationStore(); });

class Memory {
  #items = new Map();
  getItem(key) { return this.#items.get(key) ?? null; }
  setItem(key, value) { this.#items.set(key, value); }
  removeItem(key) { this.#items.delete(key); }
}

/** A person at the desk who answers as told, and remembers what was asked. */
class Person {
  constructor(answers = {}) {
    this.answers = answers;
    this.asked = [];
    this.token = undefined;
  }
  #answer(question, about, otherwise) {
    this.asked.push({ question, ...about });
    const answer = this.answers[question];
    const next = Array.isArray(answer) ? answer.shift() : answer;
    return typeof next === 'function' ? next(about) : next ?? otherwise;
  }
  async signIn(error) {
    const token = this.#answer('signIn', { error });
    if (token) this.token = token;
    return Boolean(token);
  }
  async signInToRead(error) { return this.signIn(error); }
  async confirmDelete(annotation) { return this.#answer('confirmDelete', { annotation }, true); }
  async conflict(about) { return this.#answer('conflict', about, 'later'); }
  async failure(error, draft) { return this.#answer('failure', { error, draft: structuredClone(draft) }, 'later'); }
  announce(text) { this.asked.push({ question: 'announce', text }); }
  questions() { return this.asked.map(({ question }) => question); }
}

function editor(answers, storage = new Memory()) {
  const person = new Person(answers);
  const client = new AnnotationClient({ base, token: () => person.token });
  const drafts = new Drafts(storage);
  const adapter = new AnnotationAdapter(canvas, { client, desk: person, drafts });
  return { person, client, drafts, adapter, storage };
}

let count = 0;
function note(text, target = `${canvas}#xywh=10.4,20.6,30.2,40`) {
  count += 1;
  return { id: `${canvas}/annotation/${count}`, type: 'Annotation', motivation: 'commenting', body: { type: 'TextualBody', value: text }, target, maeData: { templateType: 'text', target: {} } };
}

const textOf = ({ body }) => [body].flat()[0].value;
const texts = (page) => page.items.map(textOf);
const keptTexts = () => [...store.kept.values()].map(({ annotation }) => textOf(annotation));

/** One annotation on the server, as an editor sees it. */
async function begun({ adapter }) {
  const page = await adapter.create(note('first'));
  return structuredClone(page.items[0]);
}

const changed = (annotation, text) => ({ ...annotation, body: { ...[annotation.body].flat()[0], value: text } });

test('a new annotation goes to the container that the page names, and the page comes back with it', async () => {
  const { adapter, person, drafts } = editor();
  assert.deepEqual((await adapter.all()).items, []);
  const page = await adapter.create(note('a <b>word</b>'));
  const [post] = store.requests('POST');
  assert.equal(post.path, '/annotations/books%2Fone/');
  assert.match(post.headers['content-type'], /^application\/ld\+json; profile="http:\/\/www\.w3\.org\/ns\/anno\.jsonld"/);
  assert.deepEqual(texts(page), ['a <b>word</b>']);
  assert.ok(page.items[0].id.startsWith(container), page.items[0].id);
  assert.equal(page.items[0].target, `${canvas}#xywh=10,20,31,41`, 'whole numbers that hold the drawn rectangle');
  assert.equal(page.id, adapter.annotationPageId);
  assert.deepEqual(drafts.leftovers(base), []);
  assert.deepEqual(person.asked, []);
});

test('a change is sent under the ETag of the version seen, without our own marks', async () => {
  const one = editor();
  const annotation = await begun(one);
  const page = await one.adapter.update(changed(annotation, 'second'));
  assert.deepEqual(texts(page), ['second']);
  const [put] = store.requests('PUT');
  assert.equal(put.headers['if-match'], '"1"');
  assert.equal(JSON.parse(put.body).rectoVersion, undefined);
  const again = await one.adapter.update(changed(page.items[0], 'third'));
  assert.deepEqual(texts(again), ['third']);
  assert.deepEqual(store.requests('PUT').map(({ headers }) => headers['if-match']), ['"1"', '"2"']);
});

test('an annotation that was only read is changed after a look at its ETag', async () => {
  await begun(editor());
  const two = editor();
  const [annotation] = (await two.adapter.all()).items;
  const page = await two.adapter.update(changed(annotation, 'by the second'));
  assert.deepEqual(texts(page), ['by the second']);
  assert.deepEqual(two.person.asked, []);
});

test('what other programs made and the form cannot hold is opened as JSON, and the mark for that is not sent', async () => {
  store.kept.set(`${container}other`, { etag: '"o"', annotation: { id: `${container}other`, type: 'Annotation', motivation: 'tagging', body: { value: 'tag', language: 'la' }, target: canvas } });
  const { adapter } = editor();
  const [annotation] = (await adapter.all()).items;
  assert.deepEqual(annotation.maeData, { templateType: 'iiif' });
  await adapter.update(changed(annotation, 'other tag'));
  assert.deepEqual(JSON.parse(store.requests('PUT')[0].body), { id: `${container}other`, type: 'Annotation', motivation: 'tagging', body: { value: 'other tag', language: 'la' }, target: canvas });
});

for (const [choice, expected, drafts] of [
  ['mine', ['mine'], 0],
  ['theirs', ['theirs'], 0],
  ['both', ['theirs', 'mine'], 0],
  ['later', ['theirs'], 1],
]) {
  test(`two editors change one annotation; the second chooses "${choice}"`, async () => {
    const one = editor();
    const two = editor({ conflict: choice });
    await begun(one);
    const [seenByOne] = (await one.adapter.all()).items;
    const [seenByTwo] = (await two.adapter.all()).items;
    await one.adapter.update(changed(seenByOne, 'theirs'));
    const page = await two.adapter.update(changed(seenByTwo, 'mine'));
    assert.deepEqual(two.person.questions(), ['conflict']);
    const [{ mine, theirs, seen }] = two.person.asked;
    assert.deepEqual([mine, theirs, seen].map(textOf), ['mine', 'theirs', 'first']);
    assert.deepEqual(keptTexts(), expected);
    assert.deepEqual(texts(page), expected);
    const left = two.drafts.leftovers(base);
    assert.equal(left.length, drafts);
    if (drafts) assert.equal(left[0].annotation.body.value, 'mine');
    assert.equal(new Set([...store.kept.keys()]).size, expected.length, 'a copy has an id of its own');
  });
}

test('a version that was read anew meanwhile does not hide a conflict from a form that began earlier', async () => {
  const one = editor();
  const two = editor({ conflict: 'both' });
  await begun(one);
  const [form] = (await two.adapter.all()).items;
  const [seen] = (await one.adapter.all()).items;
  await one.adapter.update(changed(seen, 'theirs'));
  await two.adapter.all();
  await two.adapter.update(changed(form, 'mine'));
  assert.deepEqual(two.person.questions(), ['conflict']);
  assert.deepEqual(keptTexts(), ['theirs', 'mine']);
});

test('a third change while the dialog is open is asked about again', async () => {
  const one = editor();
  const annotation = await begun(one);
  const interrupted = async () => {
    const latest = (await one.adapter.all()).items[0];
    await one.adapter.update(changed(latest, `${textOf(latest)}!`));
    return 'mine';
  };
  const two = editor({ conflict: [interrupted, 'mine'] });
  const [seen] = (await two.adapter.all()).items;
  await one.adapter.update(changed(annotation, 'theirs'));
  await two.adapter.update(changed(seen, 'mine'));
  assert.deepEqual(two.person.asked.map(({ theirs }) => textOf(theirs)), ['theirs', 'theirs!']);
  assert.deepEqual(keptTexts(), ['mine']);
});

test('what somebody deleted while it was edited can be kept as a new annotation, or let go', async () => {
  for (const [choice, expected] of [['mine', ['mine']], ['theirs', []]]) {
    store = new AnnotationStore();
    const one = editor();
    const annotation = await begun(one);
    const two = editor({ conflict: choice });
    const [seen] = (await two.adapter.all()).items;
    await one.adapter.delete(annotation.id);
    const page = await two.adapter.update(changed(seen, 'mine'));
    assert.equal(two.person.asked[0].theirs, undefined);
    assert.deepEqual(texts(page), expected);
  }
});

test('deleting asks first, sends the ETag, and leaves other canvases alone', async () => {
  const refusing = editor({ confirmDelete: false });
  const annotation = await begun(refusing);
  assert.equal((await refusing.adapter.delete(annotation.id)).items.length, 1);
  assert.deepEqual(store.requests('DELETE'), []);
  const { adapter } = editor();
  await adapter.all();
  assert.equal((await adapter.delete(`${container}elsewhere`)).items.length, 1);
  assert.deepEqual((await adapter.delete(annotation.id)).items, []);
  assert.deepEqual(store.requests('DELETE').map(({ headers }) => headers['if-match']), ['"1"']);
});

test('deleting what was changed meanwhile asks with both versions', async () => {
  for (const [choice, expected] of [['theirs', ['theirs']], ['mine', []]]) {
    store = new AnnotationStore();
    const one = editor();
    const annotation = await begun(one);
    const two = editor({ conflict: choice });
    await two.adapter.all();
    await one.adapter.update(changed(annotation, 'theirs'));
    const page = await two.adapter.delete(annotation.id);
    assert.equal(two.person.asked[1].action, 'delete');
    assert.deepEqual(texts(page), expected);
  }
});

test('deleting what is gone already is done', async () => {
  const one = editor();
  const annotation = await begun(one);
  const two = editor();
  await two.adapter.all();
  await one.adapter.delete(annotation.id);
  assert.deepEqual((await two.adapter.delete(annotation.id)).items, []);
  assert.deepEqual(two.person.questions(), ['confirmDelete']);
});

test('a connection that is lost before the server heard anything: trying again saves once', async () => {
  const { adapter, person, drafts } = editor({ failure: 'again' });
  store.fail('POST', 'lost request');
  const page = await adapter.create(note('kept'));
  assert.deepEqual(texts(page), ['kept']);
  assert.deepEqual(person.questions(), ['failure']);
  assert.equal(person.asked[0].error.kind, 'offline');
  assert.deepEqual(drafts.leftovers(base), []);
});

test('a connection that is lost behind the server’s work: trying again makes no second annotation', async () => {
  const { adapter } = editor({ failure: 'again' });
  store.fail('POST', 'lost answer');
  const page = await adapter.create(note('once'));
  assert.deepEqual(texts(page), ['once']);
  assert.equal(store.kept.size, 1);
  const one = page.items[0];
  store.fail('PUT', 'lost answer');
  assert.deepEqual(texts(await adapter.update(changed(one, 'changed once'))), ['changed once']);
  assert.equal(store.requests('PUT').length, 1, 'the change was found to be there');
  store.fail('DELETE', 'lost answer');
  assert.deepEqual((await adapter.delete(one.id)).items, []);
});

test('what is put off stays in the browser, and another window can save it', async () => {
  const storage = new Memory();
  const one = editor({ failure: 'later' }, storage);
  store.fail('POST', 'lost request');
  await one.adapter.create(note('for later'));
  assert.deepEqual(keptTexts(), []);
  const two = editor({}, storage);
  const [left] = two.drafts.leftovers(base);
  assert.equal(left.annotation.body.value, 'for later');
  assert.deepEqual(two.drafts.leftovers('http://elsewhere.example/annotations/'), []);
  assert.deepEqual(texts(await two.adapter.resume(left)), ['for later']);
  assert.deepEqual(two.drafts.leftovers(base), []);
});

test('a draft that another window is sending is not offered, until that window is surely gone', () => {
  let now = 1000;
  const drafts = new Drafts(new Memory(), () => now);
  drafts.keep({ key: 'a', base }, 'sending');
  assert.deepEqual(drafts.leftovers(base), []);
  now += 61_000;
  assert.equal(drafts.leftovers(base).length, 1);
});

test('a server that wants a token is asked again with it, and only it gets the token', async () => {
  store = new AnnotationStore({ tokens: ['good'] });
  const { adapter, person, client } = editor({ signIn: ['bad', 'good'] });
  const page = await adapter.create(note('signed'));
  assert.deepEqual(texts(page), ['signed']);
  assert.deepEqual(person.questions(), ['signIn', 'signIn']);
  assert.deepEqual(store.requests('POST').map(({ headers }) => headers.authorization), [undefined, 'Bearer bad', 'Bearer good']);
  assert.deepEqual(client.signature('https://elsewhere.example/annotations/x/'), {});
  assert.deepEqual(client.signature(`${origin}.evil.example/annotations/`), {});
  assert.deepEqual(client.signature('not a URL'), {});
});

test('who does not sign in loses nothing', async () => {
  store = new AnnotationStore({ tokens: ['good'] });
  const { adapter, drafts } = editor({ signIn: undefined, failure: 'later' });
  await adapter.create(note('unsigned'));
  assert.equal(drafts.leftovers(base)[0].annotation.body.value, 'unsigned');
});

test('refusals say what the server said, and can be given up', async () => {
  for (const status of [400, 403, 413, 500, 503]) {
    store = new AnnotationStore();
    const { adapter, person, drafts } = editor({ failure: 'discard' });
    store.fail('POST', status);
    await adapter.create(note('refused'));
    assert.equal(person.asked[0].error.message, `It answers ${status} for once.`);
    assert.equal(person.asked[0].error.kind, status >= 500 ? 'server' : 'refused');
    assert.deepEqual(drafts.leftovers(base), []);
  }
});

test('answers that make no sense are told, and the annotation is found where it was kept', async () => {
  const { adapter, person } = editor({ failure: 'again' });
  store.fail('POST', 'not JSON');
  assert.deepEqual(texts(await adapter.create(note('kept'))), ['kept']);
  assert.equal(person.asked[0].error.kind, 'malformed');
  assert.equal(store.kept.size, 1);
  store.fail('GET', 'not JSON');
  const page = await adapter.all();
  assert.deepEqual(texts(page), ['kept'], 'the page as it was read last');
  assert.match(person.asked.at(-1).text, /could not be read/);
});

test('pages that are not what they should be are refused in words', async () => {
  const answers = [[], null, 7, { type: 'Manifest' }, { type: 'AnnotationPage', items: {} }, { type: 'AnnotationPage', items: [], next: 'http://' }];
  for (const value of answers) {
    const client = new AnnotationClient({ base, fetch: async () => new Response(JSON.stringify(value)) });
    await assert.rejects(client.page(`${canvas}/annotations`), (error) => error.kind === 'malformed', JSON.stringify(value));
  }
  const endless = new AnnotationClient({ base, fetch: async (url) => new Response(JSON.stringify({ type: 'AnnotationPage', items: [null, 'x', { id: 3 }, { id: 'y' }], next: url })) });
  assert.equal((await endless.page(`${canvas}/annotations`)).page.items.length, 100, 'no endless walk');
});

test('nothing is written outside this server’s containers', async () => {
  const client = new AnnotationClient({ base, fetch: () => assert.fail('nothing is sent') });
  for (const url of ['https://elsewhere.example/annotations/x/', `${base}../secret/`, `${origin}/other/`, undefined]) {
    await assert.rejects(client.create(url, {}), (error) => error.kind === 'refused', String(url));
    await assert.rejects(client.replace(url, {}, '"1"'), (error) => error.kind === 'refused');
    await assert.rejects(client.remove(url, '"1"'), (error) => error.kind === 'refused');
  }
  const person = new Person({ failure: 'discard' });
  const foreign = new AnnotationAdapter('https://elsewhere.example/canvas/1', { client, desk: person, drafts: new Drafts(new Memory()) });
  assert.equal(await foreign.all(), null);
  await foreign.create({ body: { value: 'x' } });
  assert.match(person.asked[0].error.message, /another server/);
});

test('a weak ETag of a compressing proxy is sent as the server’s own', async () => {
  const client = new AnnotationClient({ base, fetch: async () => new Response(JSON.stringify({ id: `${container}a` }), { headers: { ETag: 'W/"7"' } }) });
  assert.equal((await client.read(`${container}a`)).etag, '"7"');
});

test('words and places of annotations are told without markup', () => {
  assert.equal(wordsOf({ body: [{ value: '<p>A&nbsp;<i>note</i></p>' }, { value: 'tag' }, null, 'https://example.org/x'] }), 'A note · tag · https://example.org/x');
  assert.equal(wordsOf({}), '');
  assert.equal(placeOf({ target: { source: canvas, selector: [{ type: 'SvgSelector', value: '<svg/>' }] } }), 'a drawn shape');
  assert.equal(placeOf({ target: `${canvas}#xywh=1,2,3.4,4` }), '3 × 4 at 1, 2');
  assert.equal(placeOf({ target: canvas }), 'the whole page');
  assert.ok(sameVersion({ '@context': 'x', a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }));
  assert.ok(!sameVersion({ a: [1] }, { a: { 0: 1 } }));
  assert.ok(sameVersion({ target: [{ source: canvas }] }, { motivation: 'commenting', target: [{ type: 'SpecificResource', source: canvas }] }), 'what a page adds is no change');
  assert.ok(!sameVersion({ motivation: 'tagging' }, {}));
});

const drawn = (shapes, selector = [{ type: 'SvgSelector', value: "<svg><path stroke='rgb(255,0,0' fill='rgb(1,2,3)' stroke-dasharray=''/></svg>" }, { type: 'FragmentSelector', value: `${canvas}#` }]) => ({
  type: 'Annotation', maeData: { templateType: 'multiple_body', target: { drawingState: JSON.stringify({ shapes }) } }, target: { source: canvas, selector },
});

test('one upright rectangle is sent as a fragment of whole numbers, however it was drawn', () => {
  const rectangle = { type: 'rectangle', x: 460.68, y: 820.92, width: 508.54, height: 329.05, scaleX: 1, scaleY: 1 };
  assert.equal(outgoing(drawn([rectangle])).target, `${canvas}#xywh=460,820,510,330`);
  assert.equal(outgoing(drawn([{ ...rectangle, x: 100, y: 90, width: -50, height: -20, scaleX: 2, rotation: 0 }])).target, `${canvas}#xywh=0,70,100,20`);
  assert.equal(outgoing(drawn([{ ...rectangle, rotation: 30 }])).target.source, canvas);
});

test('other shapes stay SVG that viewers can read, and no shape is the whole canvas', () => {
  const ellipse = { type: 'ellipse', x: 1, y: 2 };
  assert.deepEqual(outgoing(drawn([ellipse])).target.selector, [{ type: 'SvgSelector', value: "<svg><path stroke='rgb(255,0,0)' fill='rgb(1,2,3)'/></svg>" }]);
  assert.equal(outgoing(drawn([], [{ type: 'SvgSelector' }, { type: 'FragmentSelector', value: `${canvas}#` }])).target, canvas);
  const timed = [{ type: 'FragmentSelector', value: `${canvas}#t=1,2` }];
  assert.deepEqual(outgoing(drawn([], timed)).target.selector, timed);
});

test('a drawing that cannot be read stays as it is, and so does what other programs wrote', () => {
  const mae = (target) => outgoing({ maeData: { templateType: 'text', target: { drawingState: '{' } }, target }).target;
  assert.equal(mae(`${canvas}#xywh=1.2.3,2,3,4`), `${canvas}#xywh=1.2.3,2,3,4`);
  assert.equal(mae(`${canvas}#xywh=-3.5,-1,10,10`), `${canvas}#xywh=0,0,7,9`);
  const foreign = { id: 'x', type: 'Annotation', target: `${canvas}#xywh=1.5,2.5,3,4`, body: [] };
  assert.deepEqual(outgoing(marked(foreign, '1')), foreign);
  assert.equal(outgoing({}).type, 'Annotation');
});

test('a text with tags and a rectangle of another program is opened in the form, and nothing more is', () => {
  const body = [{ type: 'TextualBody', value: 'a < b' }, { type: 'TextualBody', purpose: 'tagging', value: 'sign' }];
  const { maeData } = marked({ id: 'x', body, target: `${canvas}#xywh=1,2,30,40` }, '1');
  assert.deepEqual([maeData.templateType, maeData.textBody.value, maeData.tags], ['multiple_body', '<p>a &lt; b</p>', [{ label: 'sign', value: 'sign' }]]);
  const [shape] = JSON.parse(maeData.target.drawingState).shapes;
  assert.deepEqual([shape.type, shape.x, shape.y, shape.width, shape.height], ['rectangle', 1, 2, 30, 40]);
  const sent = outgoing({ id: 'x', maeData, body: [maeData.textBody], target: { source: canvas, selector: [{ type: 'SvgSelector', value: '<svg/>' }] } });
  assert.equal(sent.target, `${canvas}#xywh=1,2,30,40`, 'it comes back where it was');
  assert.equal(sent.body[0].format, 'text/html');
  const isForm = (annotation) => marked({ id: 'x', ...annotation }, '1').maeData.templateType !== 'iiif';
  assert.ok(isForm({ body: { value: 'x' }, target: canvas }));
  assert.deepEqual(marked({ id: 'x', body: { value: 'x' }, target: canvas }, '1').body, [{ value: 'x', purpose: 'describing' }], 'as a list, as the form reads it');
  for (const annotation of [
    { body: { value: 'x' }, target: `${canvas}#t=1,2` },
    { body: { value: 'x' }, target: { source: canvas } },
    { body: { value: 'x' } },
    { body: [{ value: 'x' }, { value: 'y' }], target: canvas },
    { body: { type: 'Image', id: 'https://a.example/x.jpg' }, target: canvas },
    { body: 'https://a.example/x', target: canvas },
    { target: canvas },
  ]) assert.ok(!isForm(annotation), JSON.stringify(annotation));
});

test('the form finds its text in tags alone, and the purposes of others come back', () => {
  const tag = { type: 'TextualBody', purpose: 'tagging', value: 'sign' };
  const text = { type: 'TextualBody', purpose: 'describing', value: '<p>Words</p>' };
  const form = marked({ id: 'x', body: tag, target: canvas }, '1');
  assert.deepEqual(form.body, [{ type: 'TextualBody', purpose: 'describing', value: '' }, tag]);
  assert.deepEqual(outgoing(form).body, [tag], 'no empty text is sent');
  const empty = { ...text, value: '<p><br></p>' };
  assert.deepEqual(outgoing({ ...form, body: [empty, tag] }).body, [tag]);
  assert.equal(outgoing({ ...form, body: [empty] }).body.length, 1, 'but something is');
  for (const purpose of ['commenting', undefined]) {
    const seen = { id: 'x', body: { type: 'TextualBody', value: 'Words', ...(purpose ? { purpose } : {}) }, target: canvas };
    const sent = outgoing({ ...marked(seen, '1'), body: [text, tag] }, seen);
    assert.deepEqual(sent.body, [{ type: 'TextualBody', value: '<p>Words</p>', format: 'text/html', ...(purpose ? { purpose } : {}) }, tag]);
  }
});

test('who wrote an annotation is the server’s to say', () => {
  const seen = { id: 'x', creator: { id: 'https://a.example/me', name: 'Ada' }, created: '2024-05-01T00:00:00Z', body: [] };
  const form = marked(seen, '3');
  assert.equal(form.creator, 'Ada');
  assert.deepEqual(outgoing({ ...form, body: ['b'], lastEditor: 'Anonymous', modified: 'now' }, seen), { ...seen, type: 'Annotation', body: ['b'] });
  assert.equal(outgoing({ creator: 'Anonymous' }).creator, undefined);
});
