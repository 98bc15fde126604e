// Chromium with ears: every page remembers what it asked for, what was answered and what it complained about.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const SERVER = new URL(process.env.RECTO_URL ?? 'http://127.0.0.1:8182').origin;
const OUTPUT = fileURLToPath(new URL('../../test-output/browser/', import.meta.url));

// Complaints of the viewers themselves that no server can prevent.
const KNOWN = [
  // Mirador 4.0.0 spreads a React key once; the development message is in its build.
  /React|Warning: .*(key|prop)/i,
];
// The Universal Viewer asks the page's server for this by mistake.
const KNOWN_PATHS = [/\/images\/data:image\/gif/];

export async function launch() {
  await mkdir(OUTPUT, { recursive: true });
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

/** A page with `answers`, `complaints` and `strangers` (requests to other hosts); `clean()` asserts that all is well. */
export async function open(browser, url, { server = SERVER, ...options } = {}) {
  const context = options.context ?? (await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options }));
  const page = await context.newPage();
  const seen = { answers: [], complaints: [], strangers: [], bodies: [] };
  page.on('request', (request) => {
    const target = new URL(request.url());
    if (/^https?:$/.test(target.protocol) && target.origin !== server) seen.strangers.push(request.url());
  });
  page.on('response', (response) => {
    seen.answers.push({ url: response.url(), status: response.status(), type: response.headers()['content-type'] ?? '' });
    const isImage = /\/default\.(jpg|png|webp)$/.test(new URL(response.url()).pathname);
    if (isImage && response.status() === 200) {
      seen.bodies.push(response.body().then((bytes) => ({ url: response.url(), bytes }), () => undefined));
    }
  });
  page.on('pageerror', (error) => seen.complaints.push(`uncaught: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    const where = message.location().url ?? '';
    if (KNOWN.some((known) => known.test(message.text())) || KNOWN_PATHS.some((known) => known.test(where))) return;
    seen.complaints.push(`${message.text()} (${where})`);
  });
  const answer = await page.goto(new URL(url, server).href, { waitUntil: 'load' });
  return {
    page,
    context,
    seen,
    answer,
    shot: (name) => page.screenshot({ path: `${OUTPUT}${name}.png` }),
    images: async () => (await Promise.all(seen.bodies)).filter(Boolean),
    async clean() {
      const bad = seen.answers.filter(({ url, status }) => status >= 400 && !KNOWN_PATHS.some((known) => known.test(decodeURIComponent(url))));
      assert.deepEqual(bad, [], 'every request is answered well');
      assert.deepEqual(seen.strangers, [], 'nothing is asked of other hosts');
      assert.deepEqual(seen.complaints, [], 'the console is quiet');
      await context.close();
    },
  };
}

/**
 * Which pixels of two screenshots differ within `frame`: the share of each box of `boxes`, and how many beside all boxes, with the first
 * of them. An edge of two pixels belongs to neither side.
 */
export async function changedPixels(page, one, other, { frame, boxes }) {
  const blank = await page.context().newPage();
  try {
    return await blank.evaluate(async ({ pngs, frame: whole, boxes: places }) => {
      const [first, second] = await Promise.all(pngs.map(async (data) => {
        const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
        const picture = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
        const context = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
        context.drawImage(picture, 0, 0);
        return context.getImageData(0, 0, picture.width, picture.height);
      }));
      const lies = (x, y, box, margin) => x >= box.x - margin && x + 1 <= box.x + box.w + margin && y >= box.y - margin && y + 1 <= box.y + box.h + margin;
      const counts = places.map(() => [0, 0]);
      let outside = 0;
      const strays = [];
      for (let y = Math.max(0, Math.ceil(whole.y)); y < Math.min(first.height, whole.y + whole.h); y += 1) {
        for (let x = Math.max(0, Math.ceil(whole.x)); x < Math.min(first.width, whole.x + whole.w); x += 1) {
          const at = (y * first.width + x) * 4;
          const hasChanged = [0, 1, 2].some((channel) => Math.abs(first.data[at + channel] - second.data[at + channel]) > 3);
          let isNear = false;
          for (const [index, box] of places.entries()) {
            isNear ||= lies(x, y, box, 2);
            if (!lies(x, y, box, -2)) continue;
            counts[index][0] += hasChanged ? 1 : 0;
            counts[index][1] += 1;
          }
          if (!hasChanged || isNear) continue;
          outside += 1;
          if (strays.length < 40) strays.push(`${x},${y}`);
        }
      }
      return { inside: counts.map(([changed, all]) => (all ? changed / all : 0)), outside, strays };
    }, { pngs: [one.toString('base64'), other.toString('base64')], frame, boxes });
  } finally {
    await blank.close();
  }
}

/** The colours of points of a page, as it is on the screen: `[red, green, blue]` each. */
export async function coloursAt(page, points) {
  const png = (await page.screenshot()).toString('base64');
  const blank = await page.context().newPage();
  try {
    return await blank.evaluate(async ({ png: data, points: places }) => {
      const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
      const picture = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
      const canvas = new OffscreenCanvas(picture.width, picture.height);
      const context = canvas.getContext('2d');
      context.drawImage(picture, 0, 0);
      return places.map(({ x, y }) => [...context.getImageData(Math.round(x), Math.round(y), 1, 1).data].slice(0, 3));
    }, { png, points });
  } finally {
    await blank.close();
  }
}

/** Width and height that a JPEG stream says it has. */
export function jpegSize(bytes) {
  let at = 2;
  while (at + 9 < bytes.length) {
    assert.equal(bytes[at], 0xff, 'a marker begins each segment');
    const marker = bytes[at + 1];
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return { width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
    }
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  throw new Error('no frame header');
}

/** The parts of an image request. */
export function imageRequest(url) {
  const [region, size, rotation, file] = new URL(url).pathname.split('/').slice(-4);
  const service = url.slice(0, url.length - [region, size, rotation, file].join('/').length - 1);
  return { service, region: decodeURIComponent(region), size: decodeURIComponent(size) };
}

/** Asserts that a JPEG answer has exactly the pixels its URL announces, by the arithmetic of info.json. Gives its scale factor. */
export function checkPixels({ url, bytes }, info) {
  const { region, size } = imageRequest(url);
  const [, , w, h] = region === 'full' ? [0, 0, info.width, info.height] : region.split(',').map(Number);
  const real = jpegSize(bytes);
  const [askedWidth, askedHeight] = size === 'max' || size === 'full' ? [w, h] : size.replace('^', '').split(',').map(Number);
  if (askedWidth) assert.equal(real.width, askedWidth, `width of ${url}`);
  if (askedHeight) assert.equal(real.height, askedHeight, `height of ${url}`);
  const factors = info.tiles?.[0]?.scaleFactors ?? [];
  return factors.find((factor) => Math.ceil(w / factor) === real.width && Math.ceil(h / factor) === real.height);
}

/** Waits until `condition` (an async function) gives something true. */
export async function until(condition, what, milliseconds = 20_000) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((done) => { setTimeout(done, 100); });
  }
}
