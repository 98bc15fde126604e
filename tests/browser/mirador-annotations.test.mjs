// Writing annotations in Mirador, in a real browser. The store of annotations is that of the stand-in before the server
// (`stand-in.mjs`), which can be made to fail; all pages, pictures and manifests are the server's.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SERVER, coloursAt, launch, open, until } from './browser.mjs';
import { miradorPoints, miradorReady, singlePage } from './inside.mjs';
import { StandIn } from './stand-in.mjs';
import { AnnotationStore } from '../../web/test/store.mjs';

const TOKEN = 'a-token-for-tests';

let browser;
let standIn;
before(async () => {
  browser = await launch();
  standIn = await new StandIn(SERVER).start();
});
after(async () => {
  standIn?.stop();
  await browser?.close();
});

const manifestUrl = () => `${standIn.origin}/iiif/presentation/3/The%20Patient%20Eye/manifest`;
const viewerUrl = (viewer, canvas) => `/viewer/${viewer}?${new URLSearchParams({ manifest: manifestUrl(), ...(canvas ? { canvas } : {}) })}`;
const visit = (url, options = {}) => open(browser, url, { server: standIn.origin, ...options });

async function manifest() {
  return (await fetch(manifestUrl())).json();
}

test('the address of a published content state opens what it says, and that of a manifest opens the manifest', async () => {
  const canvasNow = () => Object.values(window.recto?.viewer.store.getState().windows ?? {})[0]?.canvasId;
  // The page goes to another address on its way.
  const canvasOf = (view) => until(() => view.page.evaluate(canvasNow).catch(() => undefined), 'Mirador has a canvas');
  const { items } = await manifest();
  for (const [state, canvas] of [[`${standIn.origin}/states/1`, items[2].id], [manifestUrl(), items[0].id]]) {
    const view = await visit(`/viewer/mirador?iiif-content=${encodeURIComponent(state)}`);
    assert.equal(await canvasOf(view), canvas);
    await view.page.waitForTimeout(800);
    await view.clean();
  }
});

const annotationTab = (page) => page.getByRole('tab', { name: 'Annotations' }).click();

async function editorOn(canvas, options) {
  const view = await visit(viewerUrl('mirador', canvas), options);
  await miradorReady(view.page);
  await annotationTab(view.page);
  await view.page.getByRole('button', { name: 'Create annotation' }).waitFor();
  return view;
}

async function startNote(page) {
  await page.getByRole('button', { name: 'Create annotation' }).click();
  await page.getByText('Note', { exact: true }).last().click();
  await page.locator('.ql-editor').waitFor();
}

async function drawRectangle(page, from, to) {
  await page.locator('.konvajs-content canvas').first().waitFor({ state: 'attached' });
  await page.waitForTimeout(1200);
  await page.getByRole('button', { name: 'Add a rectangle' }).click();
  await page.waitForTimeout(400);
  const [start, end] = await miradorPoints(page, [from, to]);
  await page.mouse.move(start.x, start.y);
  await page.mouse.down();
  await page.mouse.move((start.x + end.x) / 2, (start.y + end.y) / 2, { steps: 4 });
  await page.mouse.move(end.x, end.y, { steps: 4 });
  // On a busy machine the editor draws later than the mouse moves: it has to have seen the end before the button is let go.
  for (const nudge of [1, 0, 1, 0]) {
    await page.waitForTimeout(150);
    await page.mouse.move(end.x + nudge, end.y + nudge);
  }
  await page.waitForTimeout(300);
  await page.mouse.up();
  await page.waitForTimeout(300);
}

const save = (page) => page.getByRole('button', { name: 'Save', exact: true }).click();
const desk = (page, title) => page.getByRole('dialog', { name: title });

async function writeNote(page, text, rectangle) {
  await startNote(page);
  if (rectangle) await drawRectangle(page, ...rectangle);
  await page.locator('.ql-editor').fill(text);
  await save(page);
}

async function editNote(page, old, text) {
  const item = page.getByTestId('mirador-annotation-list-item').filter({ hasText: old });
  await item.hover();
  await item.getByRole('button', { name: 'Edit' }).click();
  const field = page.locator('.ql-editor');
  await field.waitFor();
  await field.fill(text);
}

const keptTexts = () => [...standIn.store.kept.values()].map(({ annotation }) => [annotation.body].flat()[0].value.replace(/<[^>]*>/g, ''));

test('a note is written in Mirador by somebody who signs in, and is there for everybody', async () => {
  standIn.store = new AnnotationStore({ tokens: [TOKEN] });
  const canvas = (await manifest()).items[1].id;
  const view = await editorOn(canvas);
  const { page } = view;
  await singlePage(page);
  await writeNote(page, 'A compass rose', [[300, 500], [900, 1100]]);
  const dialog = desk(page, 'Sign in to annotate');
  await dialog.waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'desk-token', 'the field has the focus');
  await view.shot('annotation-sign-in');
  await page.keyboard.type(TOKEN);
  await page.keyboard.press('Enter');
  await until(() => standIn.store.kept.size === 1, 'the annotation is kept');
  const [{ annotation }] = [...standIn.store.kept.values()];
  assert.match(`${annotation.target}`, /#xywh=\d+,\d+,\d+,\d+$/, JSON.stringify(annotation));
  assert.ok(annotation.target.startsWith(`${canvas}#`));
  const [x, y, w, h] = annotation.target.split('#xywh=')[1].split(',').map(Number);
  for (const [got, wanted] of [[x, 300], [y, 500], [x + w, 900], [y + h, 1100]]) assert.ok(Math.abs(got - wanted) <= 6, `${annotation.target}`);
  assert.equal(annotation.creator, undefined, 'who wrote it is the server’s to say');
  await page.getByText('A compass rose').first().waitFor();
  const refused = view.seen.answers.filter(({ status }) => status >= 400);
  assert.deepEqual(refused.map(({ status }) => status), [401], 'the server refused once');
  assert.equal(await page.evaluate(() => sessionStorage.getItem('recto-annotation-token')), TOKEN);
  assert.equal(await page.evaluate(() => localStorage.getItem('recto-annotation-drafts')), null);
  await view.context.close();
  // Somebody else, without a token, sees it where it was drawn.
  const reader = await editorOn(canvas);
  await singlePage(reader.page);
  await reader.page.getByText('A compass rose').first().waitFor();
  await reader.page.waitForTimeout(800);
  const [edge, middle] = await miradorPoints(reader.page, [[x + w / 2, y], [x + w / 2 + 30, y + 40]]);
  const around = [-2, -1, 0, 1, 2].map((step) => ({ x: edge.x, y: edge.y + step }));
  const colours = await coloursAt(reader.page, [...around, middle]);
  await reader.shot('annotation-drawn');
  const isLine = ([red, green, blue]) => blue > 180 && blue - red > 60;
  assert.ok(colours.slice(0, 5).some(isLine), `the upper edge is drawn: ${JSON.stringify(colours)}`);
  assert.ok(!isLine(colours[5]), 'and nothing inside');
  await reader.clean();
});

test('the server’s own store keeps what is written in Mirador', { skip: !process.env.RECTO_TOKENS && 'RECTO_TOKENS names no token' }, async () => {
  const own = `${SERVER}/iiif/presentation/3/The%20Patient%20Eye/manifest`;
  const canvas = (await (await fetch(own)).json()).items[7].id;
  const view = await open(browser, `/viewer/mirador?${new URLSearchParams({ manifest: own, canvas })}`);
  const { page } = view;
  await miradorReady(page);
  await annotationTab(page);
  await singlePage(page);
  await writeNote(page, 'Kept by the server', [[300, 500], [900, 1100]]);
  await desk(page, 'Sign in to annotate').waitFor();
  await page.keyboard.type(process.env.RECTO_TOKENS.split(' ')[0]);
  await page.keyboard.press('Enter');
  const kept = await until(async () => (await (await fetch(`${canvas}/annotations`, { cache: 'no-store' })).json()).items[0], 'it is kept');
  assert.match(JSON.stringify(kept.target), /#xywh=\d+,\d+,\d+,\d+"/);
  assert.match(JSON.stringify(kept.creator), /Anna/);
  await page.getByText('Kept by the server').first().waitFor();
  await view.shot('annotation-kept-by-the-server');
  const item = page.getByTestId('mirador-annotation-list-item').filter({ hasText: 'Kept by' });
  await item.hover();
  await item.getByRole('button', { name: 'Delete' }).click();
  await desk(page, 'Delete the annotation?').getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText('Showing 0 annotations').waitFor();
  assert.deepEqual((await (await fetch(`${canvas}/annotations`)).json()).items, []);
  await view.context.close();
});

test('two people change one note: the second sees both and keeps both', async () => {
  standIn.store = new AnnotationStore();
  const canvas = (await manifest()).items[2].id;
  const first = await editorOn(canvas);
  await singlePage(first.page);
  await writeNote(first.page, 'Begun', [[200, 200], [600, 500]]);
  await until(() => standIn.store.kept.size === 1, 'the note is kept');
  const second = await editorOn(canvas);
  await singlePage(second.page);
  await second.page.getByText('Begun').first().waitFor();
  await editNote(second.page, 'Begun', 'As the second has it');
  await editNote(first.page, 'Begun', 'As the first has it');
  await save(first.page);
  await until(() => keptTexts()[0] === 'As the first has it', 'the first is kept');
  await save(second.page);
  const dialog = desk(second.page, 'Two versions of one annotation');
  await dialog.waitFor();
  await second.shot('annotation-conflict');
  assert.deepEqual(await dialog.locator('.version-text').allTextContents(), ['As the second has it', 'As the first has it']);
  assert.deepEqual(await dialog.getByRole('button').allTextContents(), ['Keep both', 'Keep mine', 'Keep theirs', 'Decide later']);
  // The page behind cannot be reached, whichever way one goes.
  for (let step = 0; step < 8; step += 1) {
    await second.page.keyboard.press('Tab');
    assert.ok(await second.page.evaluate(() => document.activeElement === document.body || Boolean(document.activeElement.closest('dialog'))), 'the focus stays in the dialog');
  }
  await dialog.getByRole('button', { name: 'Keep both' }).click();
  await until(() => standIn.store.kept.size === 2, 'both are kept');
  assert.deepEqual(keptTexts(), ['As the first has it', 'As the second has it']);
  await second.page.getByText('As the second has it').first().waitFor();
  await first.clean();
  await second.context.close();
});

test('what could not be sent is kept in the browser, and sent when one comes back', async () => {
  standIn.store = new AnnotationStore();
  const canvas = (await manifest()).items[3].id;
  const view = await editorOn(canvas);
  const { page } = view;
  await singlePage(page);
  // A browser tries again by itself, on each connection that it used before, when one is gone.
  for (let time = 0; time < 12; time += 1) standIn.store.fail('POST', 'lost request');
  await writeNote(page, 'Not to be lost');
  const dialog = desk(page, 'No connection');
  await dialog.waitFor();
  await view.shot('annotation-no-connection');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.equal(standIn.store.kept.size, 0);
  standIn.store.faults = [];
  const again = await open(browser, viewerUrl('mirador', canvas), { server: standIn.origin, context: view.context });
  const left = desk(again.page, 'Unsaved annotations');
  await left.waitFor();
  assert.deepEqual(await left.locator('.version-text').allTextContents(), ['Not to be lost']);
  await left.getByRole('button', { name: 'Save now' }).click();
  await until(() => standIn.store.kept.size === 1, 'it is kept');
  assert.deepEqual(keptTexts(), ['Not to be lost']);
  await until(() => again.page.evaluate(() => localStorage.getItem('recto-annotation-drafts') === null), 'nothing is left over');
  await view.context.close();
});

test('a note that another program wrote is edited in the form, and keeps its place', async () => {
  standIn.store = new AnnotationStore();
  const canvas = (await manifest()).items[5].id;
  const id = `${standIn.origin}/annotations/The%20Patient%20Eye/given`;
  standIn.store.kept.set(id, { etag: '"given"', annotation: { id, type: 'Annotation', motivation: 'commenting', body: { type: 'TextualBody', value: 'Given by a program' }, target: `${canvas}#xywh=200,300,400,500` } });
  const view = await editorOn(canvas);
  const { page } = view;
  await singlePage(page);
  await editNote(page, 'Given by a program', 'Edited by a person');
  await save(page);
  await until(() => keptTexts()[0] === 'Edited by a person', 'the change is kept');
  const [{ annotation }] = [...standIn.store.kept.values()];
  assert.equal(annotation.target, `${canvas}#xywh=200,300,400,500`);
  await view.clean();
});

test('deleting asks first, and deletes', async () => {
  standIn.store = new AnnotationStore();
  const canvas = (await manifest()).items[4].id;
  const view = await editorOn(canvas);
  const { page } = view;
  await singlePage(page);
  await writeNote(page, 'To go', [[200, 200], [600, 500]]);
  await until(() => standIn.store.kept.size === 1, 'the note is kept');
  const item = page.getByTestId('mirador-annotation-list-item').filter({ hasText: 'To go' });
  for (const [answer, left] of [['Cancel', 1], ['Delete', 0]]) {
    await item.hover();
    await item.getByRole('button', { name: 'Delete' }).click();
    await desk(page, 'Delete the annotation?').getByRole('button', { name: answer, exact: true }).click();
    await until(() => standIn.store.kept.size === left, `${left} left after ${answer}`);
  }
  await page.getByText('Showing 0 annotations').waitFor();
  await view.clean();
});

test('where nobody may write, Mirador offers nothing to write with and loads no editor', async () => {
  const reading = await new StandIn(SERVER, { annotations: false }).start();
  try {
    const url = `/viewer/mirador?manifest=${encodeURIComponent(`${reading.origin}/iiif/presentation/3/The%20Patient%20Eye/manifest`)}`;
    const view = await open(browser, url, { server: reading.origin });
    await miradorReady(view.page);
    await annotationTab(view.page);
    await view.page.getByText(/Showing 0 annotations/).waitFor();
    assert.equal(await view.page.getByRole('button', { name: 'Create annotation' }).count(), 0);
    assert.deepEqual(view.seen.answers.filter(({ url: asked }) => /annotation-editor|ui-[0-9a-f]+\/annotations\//.test(asked)), []);
    await view.clean();
  } finally {
    reading.stop();
  }
});

test('questions fit a telephone', async () => {
  standIn.store = new AnnotationStore();
  const view = await visit(viewerUrl('mirador'), { viewport: { width: 360, height: 740 } });
  const { page } = view;
  await miradorReady(page);
  await page.evaluate(async () => {
    const module = document.querySelector('script[src*="/ui/"], script[src*="ui-"]').src;
    const { Desk } = await import(new URL('annotations/dialogs.js', module).href);
    const version = (value) => ({ body: { value }, target: 'https://a.example/canvas#xywh=1,2,3,4', modified: '2024-05-01T10:00:00Z' });
    new Desk().conflict({ action: 'update', mine: version('Mine '.repeat(60)), theirs: version('Averylongwordwithoutanyblank'.repeat(20)), seen: version('x') });
  });
  const dialog = desk(page, 'Two versions of one annotation');
  await dialog.waitFor();
  const { width, scroll, client } = await dialog.evaluate((node) => ({ width: node.getBoundingClientRect().width, scroll: node.scrollWidth, client: node.clientWidth }));
  assert.ok(width <= 360 && scroll <= client, `${width} px wide, ${scroll} in ${client}`);
  for (const button of await dialog.getByRole('button').all()) {
    const { height } = await button.boundingBox();
    assert.ok(height >= 44, 'buttons are large enough for fingers');
  }
  assert.equal(await page.evaluate(() => document.activeElement.id), 'desk-title', 'one begins to read at the top');
  await view.shot('annotation-conflict-telephone');
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page fits');
  await view.clean();
});
