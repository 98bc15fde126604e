// Searching in Mirador and the Universal Viewer, in a real browser and with the server's own answers. What is marked is told from two
// pictures of the screen, with the marks and without, and compared with boxes that were noted when the page was made.

import assert from 'node:assert/strict';
import { access, readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SERVER, changedPixels, launch, open, until } from './browser.mjs';
import { miradorPoints, miradorReady, singlePage, uvPoints } from './inside.mjs';
import { serve } from './server.mjs';

const PATIENCE = 90_000;
const BOOK = 'The Patient Eye';
const LETTERS = /[^\p{L}]/gu;

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

const manifestOf = (origin, object) => `${origin}/iiif/presentation/3/${encodeURIComponent(object)}/manifest`;

/** The canvases of an object, once it can be searched: texts are read while the server runs. */
async function searchable(origin, object) {
  const manifest = await until(async () => {
    const answer = await fetch(manifestOf(origin, object));
    const document = answer.ok ? await answer.json() : {};
    return JSON.stringify(document.service ?? '').includes('SearchService1') && document;
  }, `${object} can be searched`, PATIENCE);
  return manifest.items.map(({ id }) => id);
}

const visit = (viewer, { origin = SERVER, object, canvas }) => (
  open(browser, `/viewer/${viewer}?${new URLSearchParams({ manifest: manifestOf(origin, object), canvas })}`, { server: origin })
);

/** The book's pages with each word and its box, as they were noted when they were drawn. */
async function drawnWords() {
  const file = fileURLToPath(new URL(`../../examples/${BOOK}/pages.words.json`, import.meta.url));
  return JSON.parse(await readFile(file, 'utf8')).pages.map(({ words }) => words);
}

/** The box around boxes. */
function around(boxes) {
  const [x, y] = [Math.min(...boxes.map((box) => box.x)), Math.min(...boxes.map((box) => box.y))];
  return { x, y, w: Math.max(...boxes.map((box) => box.x + box.w)) - x, h: Math.max(...boxes.map((box) => box.y + box.h)) - y };
}

const wordBoxes = (words, wanted) => words.filter(({ text }) => text.replace(LETTERS, '').toLowerCase() === wanted);

/** The boxes of a phrase, one a line. */
function phraseBoxes(words, phrase) {
  const wanted = phrase.split(' ');
  const found = [];
  for (let at = 0; at + wanted.length <= words.length; at += 1) {
    const run = words.slice(at, at + wanted.length);
    if (run.some(({ text }, index) => text.replace(LETTERS, '').toLowerCase() !== wanted[index])) continue;
    const tops = [...new Set(run.map(({ y }) => y))];
    found.push(...tops.map((top) => around(run.filter(({ y }) => y === top))));
  }
  return found;
}

/** Where a search must find its words is where the page has them. */
async function assertAnswered(origin, object, canvas, query, boxes) {
  const { resources } = await (await fetch(`${origin}/iiif/search/1/${encodeURIComponent(object)}/manifest?${new URLSearchParams({ q: query })}`)).json();
  const found = resources.map(({ on }) => on).filter((on) => on.startsWith(`${canvas}#xywh=`)).map((on) => on.split('#xywh=')[1].split(',').map(Number));
  assert.equal(found.length, boxes.length, `${query}: ${JSON.stringify(found)}`);
  for (const { x, y, w, h } of boxes) {
    const wanted = [x, y, x + w, y + h];
    const isFound = found.some(([left, top, width, height]) => [left, top, left + width, top + height].every((edge, index) => Math.abs(edge - wanted[index]) <= 1));
    assert.ok(isFound, `${query}: ${wanted} is in ${JSON.stringify(found)}`);
  }
}

const VIEWERS = {
  mirador: {
    name: 'Mirador',
    points: miradorPoints,
    async ready(page) {
      await miradorReady(page);
      await singlePage(page);
    },
    async search(page, query, { completes } = {}) {
      await page.getByRole('tab', { name: 'Search' }).click();
      const field = page.getByRole('combobox', { name: /search terms/i });
      if (completes) {
        await field.fill(query.slice(0, -2));
        await page.getByRole('option', { name: query }).waitFor({ timeout: PATIENCE });
      }
      await field.fill(query);
      await field.press('Enter');
      await page.getByText(/1 of \d+/).first().waitFor({ timeout: PATIENCE });
    },
    viewer: () => window.Mirador.OSDReferences.get(Object.keys(window.recto.viewer.store.getState().windows)[0]).current,
    // Marks are drawn on a canvas of their own, over the page.
    marks: () => [...document.querySelectorAll('.openseadragon-canvas div > canvas')].at(-1),
  },
  uv: {
    name: 'the Universal Viewer',
    points: uvPoints,
    async ready(page) {
      await page.locator('#searchWithinInput').waitFor({ timeout: PATIENCE });
      await until(() => page.evaluate(() => window.recto?.viewer._assignedContentHandler?.extension?.centerPanel?.viewer?.world.getItemCount() > 0), 'a page is open', PATIENCE);
    },
    async search(page, query) {
      const field = page.locator('#searchWithinInput');
      await field.fill(query);
      await field.press('Enter');
      await page.getByText(/\d+ results? found/).first().waitFor({ timeout: PATIENCE });
    },
    viewer: () => window.recto.viewer._assignedContentHandler.extension.centerPanel.viewer,
    marks: () => window.recto.viewer._assignedContentHandler.extension.centerPanel.viewer.overlaysContainer,
  },
};

/** The frame of a viewer's page on the screen, without what Mirador lays over it. */
const frameOf = async (page, { viewer }) => (await page.evaluateHandle(viewer)).evaluate((osd) => {
  // Icons over the page are drawn a little differently each time.
  for (const control of document.querySelectorAll('[class*="mirador-canvas-nav"]')) control.style.visibility = 'hidden';
  const { x, y, width, height } = osd.element.getBoundingClientRect();
  return { x, y, w: width, h: height };
});

/** The Universal Viewer goes close to the first place; the whole page shows all. */
const showWhole = async (page, { viewer }) => (await page.evaluateHandle(viewer)).evaluate((osd) => { osd.viewport.goHome(true); });

/** Pictures of the screen with the marks and without, when nothing moves or loads any more. */
async function pictures(page, viewer, canvas, boxes) {
  return until(async () => {
    const isLoaded = await (await page.evaluateHandle(viewer.viewer)).evaluate((osd) => {
      const item = osd.world.getItemAt(0);
      return Boolean(item?.getFullyLoaded());
    });
    if (!isLoaded) return undefined;
    const frame = await frameOf(page, viewer);
    const ends = await viewer.points(page, boxes.flatMap(({ x, y, w, h }) => [[x, y], [x + w, y + h]]), canvas);
    if (ends.some(({ x, y }) => x < frame.x || y < frame.y || x > frame.x + frame.w || y > frame.y + frame.h)) {
      await showWhole(page, viewer);
      return undefined;
    }
    const show = async (visibility) => {
      const layer = await page.evaluateHandle(viewer.marks);
      await layer.evaluate((node, value) => { node.style.visibility = value; }, visibility);
      return page.screenshot();
    };
    const corners = () => viewer.points(page, [[0, 0], [100, 100]], canvas).then(JSON.stringify);
    const began = await corners();
    const marked = await show('');
    const bare = await show('hidden');
    const again = await show('');
    if ((await corners()) !== began || (await changedPixels(page, marked, again, { frame, boxes: [] })).outside > 0) return undefined;
    const isMarked = (await changedPixels(page, marked, bare, { frame, boxes: [] })).outside > 0;
    return isMarked && { marked, bare, frame };
  }, 'the view stands still with marks in it', PATIENCE);
}

/** Searches for something on a canvas and asserts that its boxes are marked there, and nothing else. */
async function assertMarks(kind, { origin = SERVER, object, canvas, query, boxes, shot, completes }) {
  await assertAnswered(origin, object, canvas, query, boxes);
  const viewer = VIEWERS[kind];
  const view = await visit(kind, { origin, object, canvas });
  const { page } = view;
  await viewer.ready(page);
  await viewer.search(page, query, { completes });
  const { marked, bare, frame } = await pictures(page, viewer, canvas, boxes);
  await view.shot(`search-${shot}-${kind}`);
  const onScreen = [];
  for (const { x, y, w, h } of boxes) {
    const [from, to] = await viewer.points(page, [[x, y], [x + w, y + h]], canvas);
    onScreen.push({ x: from.x, y: from.y, w: to.x - from.x, h: to.y - from.y });
  }
  const { inside, outside, strays } = await changedPixels(page, marked, bare, { frame, boxes: onScreen });
  for (const [index, share] of inside.entries()) {
    assert.ok(share > 0.95, `${query} is marked at ${JSON.stringify(boxes[index])}: ${share} of it in ${viewer.name}, on the screen at ${JSON.stringify(onScreen[index])}`);
  }
  assert.equal(outside, 0, `nothing else is marked for ${query} in ${viewer.name}, but ${strays.join(' ')} beside ${JSON.stringify(onScreen)}`);
  await view.clean();
}

for (const kind of ['mirador', 'uv']) {
  const { name } = VIEWERS[kind];

  test(`${name} marks a word of the example book at its place`, async () => {
    const canvas = (await searchable(SERVER, BOOK))[2];
    const boxes = wordBoxes((await drawnWords())[2], 'harbour');
    assert.equal(boxes.length, 1);
    await assertMarks(kind, { object: BOOK, canvas, query: 'harbour', boxes, shot: 'word', completes: true });
  });

  test(`${name} marks a phrase that goes over the end of a line in both lines`, async () => {
    const canvas = (await searchable(SERVER, BOOK))[2];
    const boxes = phraseBoxes((await drawnWords())[2], 'like one another');
    assert.equal(boxes.length, 2);
    await assertMarks(kind, { object: BOOK, canvas, query: '"like one another"', boxes, shot: 'phrase' });
  });
}

test('a word that is not there is said to be not there', async () => {
  const [canvas] = await searchable(SERVER, BOOK);
  const view = await visit('mirador', { object: BOOK, canvas });
  await miradorReady(view.page);
  await view.page.getByRole('tab', { name: 'Search' }).click();
  const field = view.page.getByRole('combobox', { name: /search terms/i });
  await field.fill('nowhere');
  await field.press('Enter');
  await view.page.getByText(/no results/i).waitFor({ timeout: PATIENCE });
  await view.clean();
});

const LINES = ['Nobody could say who had left the book-', 'case open, nor why the window stood', 'ajar on such a windy day.'];

/** A page drawn by the browser: its picture, its ALTO with the word that is broken, and the boxes of both halves. */
async function brokenWord() {
  const page = await (await browser.newContext()).newPage();
  const { png, lines } = await page.evaluate(async (texts) => {
    const canvas = new OffscreenCanvas(1200, 700);
    const context = canvas.getContext('2d');
    context.fillStyle = '#f6f1e4';
    context.fillRect(0, 0, 1200, 700);
    context.fillStyle = '#2a221c';
    context.font = '54px serif';
    const placed = texts.map((text, row) => {
      const baseline = 160 + row * 120;
      let x = 90;
      return text.split(' ').map((word) => {
        context.fillText(word, x, baseline);
        const { width } = context.measureText(word);
        const box = { text: word, x: Math.floor(x), y: baseline - 45, w: Math.ceil(width), h: 60 };
        x += width + 16;
        return box;
      });
    });
    const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer());
    return { png: [...bytes], lines: placed };
  }, LINES);
  await page.context().close();
  const place = ({ x, y, w, h }) => `HPOS="${x}" VPOS="${y}" WIDTH="${w}" HEIGHT="${h}"`;
  const [first, second] = [lines[0].at(-1), lines[1][0]];
  const part = (word) => {
    if (word === first) return `<String CONTENT="book" SUBS_TYPE="HypPart1" SUBS_CONTENT="bookcase" ${place(word)}/><HYP CONTENT="-"/>`;
    if (word === second) return `<String CONTENT="case" SUBS_TYPE="HypPart2" SUBS_CONTENT="bookcase" ${place(word)}/>`;
    return `<String CONTENT="${word.text}" ${place(word)}/>`;
  };
  const rows = lines.map((line) => `<TextLine ${place(around(line))}>${line.map(part).join('<SP/>')}</TextLine>`);
  const alto = `<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Description><MeasurementUnit>pixel</MeasurementUnit></Description>
<Layout><Page ID="page" PHYSICAL_IMG_NR="1" WIDTH="1200" HEIGHT="700"><PrintSpace><TextBlock ID="block">${rows.join('\n')}</TextBlock></PrintSpace></Page></Layout></alto>`;
  return { png: Buffer.from(png), alto, boxes: [first, second] };
}

test('a word that is broken at the end of a line is marked in both halves', async (context) => {
  const { png, alto, boxes } = await brokenWord();
  const server = await serve({ 'Broken/1.png': png, 'Broken/1.xml': alto });
  if (!server) return context.skip('RECTO names no program that could serve a page of the test');
  try {
    const [canvas] = await searchable(server.origin, 'Broken');
    for (const kind of ['mirador', 'uv']) {
      await assertMarks(kind, { origin: server.origin, object: 'Broken', canvas, query: 'bookcase', boxes, shot: 'broken-word' });
    }
  } finally {
    await server.stop();
  }
});

const DATA = process.env.RECTO_TEST_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));

test('words of a real page of 1784, whole and broken, are marked at their places', async (context) => {
  const folder = `${DATA}/ocr/kant-1784`;
  if (!(await access(folder).then(() => true, () => false))) return context.skip('there is no real data here (RECTO_TEST_DATA names its folder)');
  const page = { 'Kant/0017.tif': await readFile(`${folder}/OCR-D-IMG/INPUT_0017.tif`), 'Kant/0017.xml': await readFile(`${folder}/PAGE-words_0017.xml`) };
  const server = await serve(page);
  if (!server) return context.skip('RECTO names no program that could serve the real page');
  try {
    const [canvas] = await searchable(server.origin, 'Kant');
    const noted = JSON.parse(await readFile(`${DATA}/truth.json`, 'utf8')).find(({ file }) => file === 'ocr/kant-1784/PAGE-words_0017.xml').unique;
    const [x, y, w, h] = noted.find(({ text }) => text === 'Berliniſche').xywh;
    // "Unmündigkeit" stands there three times, twice of them broken. These boxes are those of the file's polygons.
    const broken = [[774, 1130, 148, 31], [113, 1179, 126, 36], [286, 1177, 254, 38], [790, 1270, 131, 34], [114, 1319, 112, 34]];
    for (const kind of ['mirador', 'uv']) {
      const common = { origin: server.origin, object: 'Kant', canvas };
      await assertMarks(kind, { ...common, query: 'Berliniſche', boxes: [{ x, y, w, h }], shot: 'real-word' });
      await assertMarks(kind, { ...common, query: 'Unmündigkeit', boxes: broken.map(([left, top, width, height]) => ({ x: left, y: top, w: width, h: height })), shot: 'real-broken-word' });
    }
  } finally {
    await server.stop();
  }
});
