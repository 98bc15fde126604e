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
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const seen = { answers: [], complaints: [], strangers: [], bodies: [] };
  page.on('request', (request) => {
    const target = new URL(request.url());
    if (/^https?:$/.test(target.protocol) && target.origin !== SERVER) seen.strangers.push(request.url());
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
  const answer = await page.goto(new URL(url, SERVER).href, { waitUntil: 'load' });
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
