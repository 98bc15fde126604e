// What is inside Mirador and the Universal Viewer: where points of a canvas are on the screen, and what is marked there.

import { until } from './browser.mjs';

/** Where points of the canvas in view are on the screen, by the OpenSeadragon inside Mirador. */
export const miradorPoints = (page, points) => page.evaluate((given) => {
  const [windowId] = Object.keys(window.recto.viewer.store.getState().windows);
  const viewer = window.Mirador.OSDReferences.get(windowId).current;
  const { x: left, y: top, width } = viewer.viewport.getBounds(true);
  const frame = viewer.element.getBoundingClientRect();
  const scale = frame.width / width;
  return given.map(([x, y]) => ({ x: frame.x + (x - left) * scale, y: frame.y + (y - top) * scale }));
}, points);

/** The same for the Universal Viewer, which has another page beside the one of `canvas` where a book lies open. */
export const uvPoints = (page, points, canvas) => page.evaluate(({ given, name }) => {
  // The viewer inside is reached only through the Universal Viewer's own parts.
  const { viewer } = window.recto.viewer._assignedContentHandler.extension.centerPanel;
  const { x: left, y: top, width } = viewer.viewport.getBounds(true);
  const frame = viewer.element.getBoundingClientRect();
  const scale = frame.width / width;
  const items = Array.from({ length: viewer.world.getItemCount() }, (_, index) => viewer.world.getItemAt(index));
  const item = items.find(({ source }) => decodeURIComponent(source['@id'] ?? source.id ?? '').includes(`/${name}.`)) ?? items[0];
  return given.map(([x, y]) => {
    const place = item.imageToViewportCoordinates(x, y, true);
    return { x: frame.x + (place.x - left) * scale, y: frame.y + (place.y - top) * scale };
  });
}, { given: points, name: decodeURIComponent(canvas.split('/').at(-1)) });

export async function miradorReady(page) {
  await page.waitForSelector('.openseadragon-canvas canvas', { timeout: 60_000 });
  await until(() => page.evaluate(() => Object.values(window.recto?.viewer.store.getState().viewers ?? {})[0]?.zoom > 0), 'Mirador shows a page', 60_000);
  await page.waitForTimeout(1200);
}

/** Books open with two pages beside each other; this shows one. */
export async function singlePage(page) {
  await page.evaluate(() => {
    const { store } = window.recto.viewer;
    store.dispatch({ type: 'mirador/SET_WINDOW_VIEW_TYPE', viewType: 'single', windowId: Object.keys(store.getState().windows)[0] });
  });
  await page.waitForTimeout(800);
}
