// Every page for people, in a real browser, against a server that shows examples/ (its address in RECTO_URL).

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SERVER, checkPixels, imageRequest, launch, open, until } from './browser.mjs';

const EXAMPLES = ['Drawings', 'The Patient Eye', 'Saltmarch Isles', 'Index cards'];

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

/** The cards of a gallery page: label, link, kind, and whether the thumbnail has pixels. */
async function cards(page) {
  await page.evaluate(async () => {
    const pictures = [...document.querySelectorAll('.card img')];
    for (const picture of pictures) picture.loading = 'eager';
    await Promise.allSettled(pictures.map((picture) => picture.decode()));
  });
  return page.$$eval('.card', (all) => all.map((card) => {
    const picture = card.querySelector('img');
    return {
      label: card.querySelector('a').textContent.trim(),
      href: card.querySelector('a').href,
      isCollection: card.classList.contains('card-collection'),
      pixels: picture ? picture.naturalWidth : 0,
      alt: picture?.getAttribute('alt'),
    };
  }));
}

async function itemUrl(label) {
  const { page, context } = await open(browser, '/');
  const href = (await cards(page)).find((card) => card.label === label)?.href;
  await context.close();
  assert.ok(href, `the gallery shows ${label}`);
  return href;
}

async function field(page, id) {
  return page.$eval(`#${id}`, (input) => input.value);
}

async function viewerLink(label, viewer) {
  const { page, context } = await open(browser, await itemUrl(label));
  const href = await page.$eval(`a[href*="/viewer/${viewer}?"]`, (link) => link.href);
  await context.close();
  return href;
}

const tilesOf = async (view, service) => (await view.images()).filter(({ url }) => imageRequest(url).service === service);

test('the gallery shows every example and its folders, each with a thumbnail that loads', async () => {
  const waiting = ['/'];
  const labels = [];
  let collections = 0;
  while (waiting.length) {
    const view = await open(browser, waiting.shift());
    const shown = await cards(view.page);
    assert.ok(shown.length > 0, `${view.page.url()} shows something`);
    for (const card of shown) {
      assert.ok(card.pixels > 0, `the thumbnail of ${card.label} has pixels`);
      assert.equal(typeof card.alt, 'string', `${card.label} has a text alternative`);
      labels.push(card.label);
      if (card.isCollection) {
        collections += 1;
        waiting.push(card.href);
      }
    }
    assert.equal(await view.page.locator('h1').count(), 1);
    await view.shot(`gallery-${String(collections).padStart(2, '0')}`);
    await view.clean();
  }
  for (const example of EXAMPLES) assert.ok(labels.includes(example), `${example} is in the gallery`);
  assert.ok(collections >= 3, `folders of folders are collections (${collections})`);
});

test('nothing jumps while pages load', async () => {
  const item = await itemUrl('The Patient Eye');
  for (const url of ['/', item]) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    await context.addInitScript(() => {
      window.jumps = 0;
      new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.jumps += entry.value; }).observe({ type: 'layout-shift', buffered: true });
    });
    const page = await context.newPage();
    await page.goto(new URL(url, SERVER).href, { waitUntil: 'networkidle' });
    const jumps = await page.evaluate(() => window.jumps);
    assert.ok(jumps < 0.02, `${url} moved by ${jumps}`);
    await context.close();
  }
});

test('the gallery fits a telephone, follows the dark scheme and needs no scripts', async () => {
  const view = await open(browser, '/', { viewport: { width: 360, height: 740 }, colorScheme: 'dark', javaScriptEnabled: false });
  const { width, inner } = await view.page.evaluate(() => ({ width: document.documentElement.scrollWidth, inner: innerWidth })).catch(() => ({}));
  if (width) assert.ok(width <= inner, `${width} px wide in a window of ${inner}`);
  assert.ok((await view.page.locator('.card').count()) > 0);
  await view.shot('gallery-telephone-dark');
  await view.clean();
});

test('an image opens in OpenSeadragon, zooms, and every tile has exactly its pixels', async () => {
  const view = await open(browser, await itemUrl('Saltmarch Isles'));
  const { page } = view;
  const service = await field(page, 'image-3');
  const info = await (await fetch(`${service}/info.json`)).json();
  assert.equal(info.id, service);
  await until(() => page.evaluate(() => window.recto?.viewer.world.getItemAt(0)?.getFullyLoaded()), 'the first view is complete');
  await view.shot('openseadragon-whole');
  const factorsOf = async () => (await tilesOf(view, service)).map((answer) => checkPixels(answer, info)).filter(Boolean);
  const before = new Set(await factorsOf());
  await page.evaluate(() => {
    const { viewport } = window.recto.viewer;
    viewport.zoomTo(viewport.imageToViewportZoom(1), viewport.imageToViewportCoordinates(5200, 7300), true);
  });
  await until(async () => new Set(await factorsOf()).has(1), 'tiles at full scale');
  await until(() => page.evaluate(() => window.recto.viewer.world.getItemAt(0).getFullyLoaded()), 'the near view is complete');
  await view.shot('openseadragon-near');
  // To the far corner, where tiles are cut by the image's edge.
  await page.evaluate(() => {
    const { viewport, world } = window.recto.viewer;
    const { x, y } = world.getItemAt(0).getContentSize();
    viewport.panTo(viewport.imageToViewportCoordinates(x - 200, y - 200), true);
  });
  await until(() => page.evaluate(() => window.recto.viewer.world.getItemAt(0).getFullyLoaded()), 'the corner is complete');
  const edge = (await tilesOf(view, service)).filter(({ url }) => {
    const [x, y, w, h] = imageRequest(url).region.split(',').map(Number);
    return x + w === info.width && y + h === info.height;
  });
  assert.ok(edge.length > 0, 'the last tile was asked for');
  const all = await tilesOf(view, service);
  for (const answer of all) checkPixels(answer, info);
  assert.ok(all.length > before.size + 4, `deeper tiles were fetched (${all.length} images)`);
  assert.ok(![...before].includes(1), 'the whole view did not need the full scale');
  await page.getByRole('button', { name: 'Turn right' }).click();
  await page.getByRole('button', { name: 'Whole image' }).click();
  await view.clean();
});

test('an object opens in Mirador, pages forward and zooms', async () => {
  const view = await open(browser, await itemUrl('The Patient Eye'));
  const { page } = view;
  const canvas = () => page.evaluate(() => Object.values(window.recto?.viewer.store.getState().windows ?? {})[0]?.canvasId);
  const first = await until(canvas, 'Mirador has a canvas');
  // Mirador asks for each page's info.json, then for its tiles (never whole images of the strip's size).
  const thumbnails = new Set(await page.$$eval('.strip img', (all) => all.flatMap((picture) => [picture.src, picture.currentSrc])));
  const pictures = () => view.seen.answers.filter(({ url, status }) => /default\.jpg$/.test(url) && status === 200 && !thumbnails.has(url)).length;
  await until(() => pictures() > 0, 'pictures of the first page');
  await page.waitForSelector('.openseadragon-canvas canvas');
  await page.waitForTimeout(1000);
  await view.shot('mirador-page-1');
  await page.getByRole('button', { name: 'Next item' }).first().click();
  const second = await until(async () => ((await canvas()) !== first ? canvas() : undefined), 'the next canvas');
  assert.notEqual(second, first);
  await page.waitForTimeout(500);
  const seen = view.seen.answers.length;
  for (let step = 0; step < 3; step += 1) await page.getByRole('button', { name: 'Zoom in' }).first().click();
  await until(async () => view.seen.answers.slice(seen).some(({ url, status }) => /default\.jpg$/.test(url) && status === 200), 'more tiles after zooming in');
  await page.waitForTimeout(800);
  await view.shot('mirador-page-2-near');
  assert.equal(await page.locator('.strip li').count() >= 8, true, 'a thumbnail for each page');
  await view.clean();
});

test('the address of a page opens the book there', async () => {
  const start = await open(browser, await itemUrl('The Patient Eye'));
  const third = await start.page.$$eval('.strip a', (links) => links[2].href);
  await start.context.close();
  const view = await open(browser, third);
  assert.equal(await view.page.locator('.strip a[aria-current]').count(), 1);
  const state = () => view.page.evaluate(() => Object.values(window.recto?.viewer.store.getState().windows ?? {})[0]?.canvasId);
  const canvas = await until(state, 'Mirador has a canvas');
  assert.equal(canvas, await view.page.$eval('[data-options]', (stage) => JSON.parse(stage.dataset.options).windows[0].canvasId));
  await view.clean();
});

test('the Universal Viewer opens the book', async () => {
  const view = await open(browser, await viewerLink('The Patient Eye', 'uv'));
  await until(() => view.page.evaluate(() => document.querySelectorAll('.openseadragon-canvas canvas, .openseadragon-container canvas').length > 0), 'the viewer has a canvas');
  await until(async () => (await view.images()).some(({ url }) => !/\/full\/90,\//.test(url)), 'it shows a page');
  const { width, height } = await view.page.locator('.openseadragon-container').first().boundingBox();
  assert.ok(width > 600 && height > 500, `the picture has room (${width} × ${height})`);
  await view.page.waitForTimeout(1500);
  await view.shot('universal-viewer');
  await view.clean();
});

test('Leaflet opens an image and its tiles have their pixels', async () => {
  const view = await open(browser, await viewerLink('Saltmarch Isles', 'leaflet'));
  await until(() => view.page.evaluate(() => document.querySelectorAll('img.leaflet-tile-loaded').length > 3), 'tiles are loaded');
  await view.page.getByRole('button', { name: 'Zoom in' }).click();
  await view.page.waitForTimeout(1200);
  const images = await view.images();
  const service = imageRequest(images[0].url).service;
  const info = await (await fetch(`${service}/info.json`)).json();
  for (const answer of images) checkPixels(answer, info);
  await view.shot('leaflet');
  await view.clean();
});

test('OpenSeadragon pages through a manifest of either version', async () => {
  const item = await open(browser, await itemUrl('The Patient Eye'));
  const manifests = [await field(item.page, 'manifest-3'), await field(item.page, 'manifest-2')];
  await item.context.close();
  for (const manifest of manifests) {
    const view = await open(browser, `/viewer/openseadragon?manifest=${encodeURIComponent(manifest)}`);
    await until(() => view.page.evaluate(() => window.recto?.viewer.world.getItemCount() === 1), `${manifest} opens`);
    await view.page.getByRole('button', { name: 'Page after' }).click();
    await until(async () => /2 of \d+/.test(await view.page.locator('.tools output').textContent()), 'the second page');
    await until(() => view.page.evaluate(() => window.recto.viewer.world.getItemAt(0)?.getFullyLoaded()), 'the second page is drawn');
    await view.clean();
  }
});

test('a content state opens its region, in every form', async () => {
  const item = await open(browser, await itemUrl('The Patient Eye'));
  const manifest = await field(item.page, 'manifest-3');
  await item.context.close();
  const canvas = (await (await fetch(manifest)).json()).items[3].id;
  const target = { id: `${canvas}#xywh=200,300,600,400`, type: 'Canvas', partOf: [{ id: manifest, type: 'Manifest' }] };
  const annotation = { '@context': 'http://iiif.io/api/presentation/3/context.json', id: `${SERVER}/state/1`, type: 'Annotation', motivation: ['contentState'], target };
  const encode = (state) => Buffer.from(encodeURIComponent(JSON.stringify(state))).toString('base64url');
  for (const state of [JSON.stringify(annotation), encode(annotation), encode(target)]) {
    const view = await open(browser, `/viewer/openseadragon?iiif-content=${encodeURIComponent(state)}`);
    await until(async () => /4 of \d+/.test(await view.page.locator('.tools output').textContent({ timeout: 5000 })), 'the fourth page');
    const bounds = await until(() => view.page.evaluate(() => {
      const { viewer } = window.recto;
      if (!viewer.world.getItemCount()) return undefined;
      const { x, y, width, height } = viewer.viewport.viewportToImageRectangle(viewer.viewport.getBounds(true));
      return { x, y, width, height };
    }), 'the image is open');
    assert.ok(bounds.x <= 201 && bounds.x + bounds.width >= 799, JSON.stringify(bounds));
    assert.ok(bounds.width < 1100, 'the view is near');
    await view.clean();
  }
  const mirador = await open(browser, `/viewer/mirador?iiif-content=${encode(annotation)}`);
  const opened = await until(() => mirador.page.evaluate(() => Object.values(window.recto?.viewer.store.getState().windows ?? {})[0]?.canvasId), 'Mirador has a canvas');
  assert.equal(opened, canvas);
  await mirador.page.waitForTimeout(1500);
  await mirador.shot('mirador-content-state');
  await mirador.clean();
});

test('pages and viewers fit a telephone and can be used with the keyboard alone', async () => {
  const item = await itemUrl('The Patient Eye');
  const link = await viewerLink('The Patient Eye', 'openseadragon');
  for (const url of [item, `${item}?iiif-content=x`, link, await viewerLink('The Patient Eye', 'mirador'), '/viewer/uv']) {
    const view = await open(browser, url, { viewport: { width: 360, height: 740 } });
    const { page } = view;
    await page.waitForTimeout(1500);
    const { width, inner } = await page.evaluate(() => ({ width: document.documentElement.scrollWidth, inner: innerWidth }));
    assert.ok(width <= inner, `${url} is ${width} px wide in a window of ${inner}`);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.className), 'skip', 'the first stop leads past the masthead');
    const box = await page.locator('.skip').boundingBox();
    assert.ok(box.y >= 0, 'and is seen while it has the focus');
    await view.context.close();
  }
  const manifest = new URL(await viewerLink('The Patient Eye', 'mirador')).searchParams.get('manifest');
  const view = await open(browser, `/viewer/openseadragon?manifest=${encodeURIComponent(manifest)}`);
  await until(() => view.page.evaluate(() => window.recto?.viewer.world.getItemCount() === 1), 'the viewer is open');
  const after = view.page.getByRole('button', { name: 'Page after' });
  await after.focus();
  assert.notEqual(await after.evaluate((node) => getComputedStyle(node).outlineStyle), 'none', 'the focus is seen');
  await view.page.keyboard.press('Enter');
  await until(async () => /2 of \d+/.test(await view.page.locator('.tools output').textContent()), 'the next page');
  await view.clean();
});

test('addresses can be copied, and the drag-and-drop icon names the manifest', async () => {
  const view = await open(browser, await itemUrl('The Patient Eye'), { permissions: ['clipboard-read', 'clipboard-write'] });
  const { page } = view;
  for (const id of ['manifest-3', 'manifest-2', 'image-3', 'image-2']) {
    const url = await field(page, id);
    await page.locator(`button[data-copy="${id}"]`).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), url, id);
    assert.equal((await fetch(url)).status, 200, `${url} answers`);
  }
  const link = page.locator('a[data-drag]');
  const href = new URL(await link.getAttribute('href'));
  assert.equal(href.searchParams.get('manifest'), await field(page, 'manifest-3'));
  assert.equal(await link.locator('img').getAttribute('draggable'), 'false');
  const dragged = await link.evaluate((node) => {
    const event = new DragEvent('dragstart', { bubbles: true, dataTransfer: new DataTransfer() });
    node.dispatchEvent(event);
    return event.dataTransfer.getData('text/plain');
  });
  const state = JSON.parse(dragged);
  assert.deepEqual([state.type, state.partOf[0].id], ['Canvas', await field(page, 'manifest-3')], 'viewers that read content states get one');
  assert.ok(href.searchParams.get('iiif-content'), 'and so do those that take the link');
  await page.locator('.panels').scrollIntoViewIfNeeded();
  await view.shot('item-panels');
  await view.clean();
});

test('downloads are what they say', async () => {
  const view = await open(browser, await itemUrl('The Patient Eye'));
  const links = await view.page.$$eval('.downloads a', (all) => all.map((link) => ({ href: link.href, text: link.textContent })));
  assert.ok(links.length > 0);
  for (const { href, text } of links) {
    const answer = await fetch(href);
    assert.equal(answer.status, 200, href);
    const { jpegSize } = await import('./browser.mjs');
    const { width, height } = jpegSize(Buffer.from(await answer.arrayBuffer()));
    assert.match(text.replace(/[\s\u202f]/g, ''), new RegExp(`${width}×${height}`), text);
  }
  await view.clean();
});

test('what cannot be opened is said in words', async () => {
  const missing = await open(browser, '/items/no-such-thing', { extraHTTPHeaders: { Accept: 'text/html' } });
  assert.equal(missing.answer.status(), 404);
  assert.equal(await missing.page.locator('h1').count(), 1);
  await missing.shot('not-found');
  await missing.context.close();
  const broken = await open(browser, `/viewer/openseadragon?manifest=${encodeURIComponent(`${SERVER}/iiif/presentation/3/no-such-thing/manifest`)}`);
  await until(async () => /could not be opened/.test(await broken.page.locator('[data-message]').textContent()), 'a message');
  assert.deepEqual(broken.seen.strangers, []);
  await broken.context.close();
  const malformed = await open(browser, '/viewer/mirador?iiif-content=JTdCJ');
  assert.equal(malformed.answer.status(), 400);
  assert.match(await malformed.page.getByRole('alert').textContent(), /cut off/);
  await malformed.shot('malformed-content-state');
  await malformed.context.close();
  const empty = await open(browser, '/viewer/uv');
  assert.equal(await empty.page.locator('form input[name=manifest]').count(), 1);
  await empty.clean();
});
