// The annotation adapter of the pages against the server's own store, with two people who have tokens ($RECTO_TOKENS, two with a blank
// between them; without them the server lets nobody write and there is nothing to test).

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { AnnotationAdapter } from '../../web/ui/annotations/adapter.js';
import { Drafts } from '../../web/ui/annotations/drafts.js';
import { AnnotationClient } from '../../web/ui/annotations/protocol.js';
import { SERVER } from './browser.mjs';

const tokens = (process.env.RECTO_TOKENS ?? '').split(' ').filter(Boolean);
const skip = tokens.length < 2 && 'RECTO_TOKENS names no two tokens';

let canvas;
before(async () => {
  const manifest = await (await fetch(`${SERVER}/iiif/presentation/3/The%20Patient%20Eye/manifest`)).json();
  canvas = manifest.items[8].id;
  if (!skip) assert.ok(manifest.items[8].annotations.some(({ id }) => id === `${canvas}/annotations`), 'the manifest leads to the page');
});

const memory = () => {
  const items = new Map();
  return { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value), removeItem: (key) => items.delete(key) };
};

/** An editor of somebody who answers as told. */
function editor(token, answers = {}) {
  const asked = [];
  let held = token;
  const answer = (question, about, otherwise) => {
    asked.push({ question, ...about });
    return answers[question] ?? otherwise;
  };
  const desk = {
    signIn: async (error) => { held = answer('signIn', { error }); return Boolean(held); },
    signInToRead: async () => false,
    confirmDelete: async () => true,
    conflict: async (about) => answer('conflict', about, 'later'),
    failure: async (error) => answer('failure', { error }, 'discard'),
    announce: (text) => asked.push({ question: 'announce', text }),
  };
  const client = new AnnotationClient({ base: `${SERVER}/annotations/`, token: () => held });
  return { adapter: new AnnotationAdapter(canvas, { client, desk, drafts: new Drafts(memory()) }), asked };
}

const note = (text) => ({ id: `${canvas}/annotation/${crypto.randomUUID()}`, type: 'Annotation', motivation: 'commenting', body: [{ type: 'TextualBody', purpose: 'describing', value: `<p>${text}</p>` }], target: `${canvas}#xywh=10,20,30,40`, maeData: { templateType: 'multiple_body', tags: [], target: { drawingState: '{"shapes":[]}', scale: 1 }, textBody: { type: 'TextualBody', purpose: 'describing', value: `<p>${text}</p>` } } });
const textOf = (item) => [item.body].flat().find(({ purpose }) => purpose === 'describing').value.replace(/<[^>]*>/g, '');
const changed = (item, text) => ({ ...item, body: [{ ...[item.body].flat()[0], value: `<p>${text}</p>` }] });
const texts = (page) => page.items.map(textOf);

test('an annotation is created, changed and deleted, and who only read it changes it without a question', { skip }, async () => {
  const one = editor(tokens[0]);
  const created = await one.adapter.create(note('begun'));
  assert.deepEqual(one.asked, []);
  assert.deepEqual(texts(created), ['begun']);
  assert.equal(created.items[0].maeData.templateType, 'multiple_body', 'the editor gets its own data back');
  const two = editor(tokens[1]);
  const seen = (await two.adapter.all()).items[0];
  assert.deepEqual(texts(await two.adapter.update(changed(seen, 'by the second'))), ['by the second']);
  assert.deepEqual(two.asked, [], 'what a page adds to an annotation is no change of it');
  assert.deepEqual((await two.adapter.delete(seen.id)).items, []);
  assert.deepEqual(two.asked, []);
});

test('without a token the server asks for one', { skip }, async () => {
  const nobody = editor(undefined, { signIn: tokens[0] });
  const page = await nobody.adapter.create(note('signed'));
  assert.deepEqual(nobody.asked.map(({ question, error }) => [question, error.status]), [['signIn', 401]]);
  assert.deepEqual(texts(page), ['signed']);
  await nobody.adapter.delete(page.items[0].id);
});

test('two versions of one annotation are found out, and both are kept', { skip }, async () => {
  const one = editor(tokens[0]);
  const two = editor(tokens[1], { conflict: 'both' });
  const mine = (await one.adapter.create(note('begun'))).items[0];
  const theirs = (await two.adapter.all()).items[0];
  await one.adapter.update(changed(mine, 'of the first'));
  const page = await two.adapter.update(changed(theirs, 'of the second'));
  assert.deepEqual(two.asked.map(({ question }) => question), ['conflict']);
  assert.deepEqual(texts(page).sort(), ['of the first', 'of the second']);
  for (const item of page.items) await two.adapter.delete(item.id);
  assert.deepEqual((await two.adapter.all()).items, []);
});
