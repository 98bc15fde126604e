// Starts the viewer that the page names in `data-viewer`, with the options that the server wrote for it into `data-options`: the
// server reads all forms in which a link may ask for something, since viewers differ.

import { picturesOf, labelText } from './presentation.js';

const stage = document.querySelector('[data-viewer]');
const isEmbedded = stage.dataset.embedded !== undefined;

function say(text) {
  const message = stage.querySelector('[data-message]');
  message.textContent = text;
  message.hidden = !text;
}

async function fetchJson(url) {
  const answer = await fetch(url, { headers: { Accept: 'application/ld+json, application/json' } });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return answer.json();
}

/**
 * What a bare URL on this server leads to is only known when it was fetched: an Annotation with a content state goes to the server
 * once more, to be read there like any other; all else is opened as it is.
 */
async function resolved(url) {
  const document = await fetchJson(url);
  const motivations = [document.motivation ?? []].flat();
  if (document.type !== 'Annotation' || !motivations.includes('contentState')) return;
  const query = new URLSearchParams(location.search);
  query.set('iiif-content', btoa(encodeURIComponent(JSON.stringify(document))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, ''));
  location.replace(`${location.pathname}?${query}`);
  await new Promise(() => {});
}

/** The pictures to page through, and the place to begin at. */
async function pictures(target) {
  if (target.info) return { list: [{ info: target.info, label: '' }], at: 0 };
  const manifest = await fetchJson(target.manifest);
  const list = picturesOf(manifest).filter((picture) => picture.info || picture.url);
  if (!list.length) throw new Error('the manifest holds no picture that this viewer can show');
  if (!isEmbedded) document.title = `${labelText(manifest.label)} · ${document.title}`;
  return { list, at: Math.max(0, list.findIndex((picture) => picture.canvas === target.canvas)) };
}

/** The rectangle to look at, in pixels of an image of this size. */
function box(xywh, size) {
  const [, unit, numbers] = /^(percent:|pixel:)?(.*)$/.exec(xywh ?? '');
  const [x, y, w, h] = numbers.split(',').map(Number);
  if (!(w > 0 && h > 0)) return undefined;
  if (unit !== 'percent:') return { x, y, w, h };
  return { x: (x * size.x) / 100, y: (y * size.y) / 100, w: (w * size.x) / 100, h: (h * size.y) / 100 };
}

const SHAPES = {
  'Zoom in': 'M12 5v14M5 12h14',
  'Zoom out': 'M5 12h14',
  'Whole image': 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
  'Turn right': 'M19 8a8 8 0 1 0 1 6M20 3v6h-6',
  'Full screen': 'M14 10l6-6M15 4h5v5M10 14l-6 6M4 15v5h5',
  'Page before': 'M15 5l-7 7 7 7',
  'Page after': 'M9 5l7 7-7 7',
};

function addTools(actions) {
  const bar = document.createElement('div');
  bar.className = 'tools';
  bar.setAttribute('role', 'group');
  bar.setAttribute('aria-label', 'Viewer');
  for (const [name, act] of Object.entries(actions)) {
    const button = document.createElement('button');
    button.type = 'button';
    button.title = name;
    button.setAttribute('aria-label', name);
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('viewBox', '0 0 24 24');
    svg.setAttribute('aria-hidden', 'true');
    svg.append(document.createElementNS('http://www.w3.org/2000/svg', 'path'));
    svg.firstChild.setAttribute('d', SHAPES[name]);
    button.append(svg);
    button.addEventListener('click', act);
    bar.append(button);
  }
  stage.append(bar);
  return bar;
}

/** Adds page buttons when there is more than one picture; `show(index)` opens one. */
function paging(list, start, show, actions) {
  let at = start;
  const go = (to) => {
    at = Math.min(list.length - 1, Math.max(0, to));
    show(at);
    place.textContent = list[at].label ? `${list[at].label} (${at + 1} of ${list.length})` : `${at + 1} of ${list.length}`;
    const [before, after] = bar.querySelectorAll('[title^="Page "]');
    before.disabled = at === 0;
    after.disabled = at === list.length - 1;
  };
  const place = document.createElement('output');
  const pages = list.length > 1 ? { 'Page before': () => go(at - 1), 'Page after': () => go(at + 1) } : {};
  const bar = addTools({ ...actions, ...pages });
  if (list.length > 1) {
    bar.append(place);
    go(at);
  } else {
    show(at);
  }
}

async function openseadragon(target, view) {
  const { list, at } = await pictures(target);
  const own = (url) => new URL(url, location.href).origin === location.origin;
  const viewer = OpenSeadragon({
    element: view,
    showNavigationControl: false,
    showNavigator: true,
    navigatorPosition: 'BOTTOM_RIGHT',
    navigatorAutoFade: true,
    animationTime: 0.7,
    blendTime: 0.15,
    maxZoomPixelRatio: 4,
    minZoomImageRatio: 0.8,
    visibilityRatio: 0.6,
    crossOriginPolicy: own(list[at].info ?? list[at].url) ? 'Anonymous' : false,
    drawer: ['canvas'],
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
  });
  let isFirst = true;
  viewer.addHandler('open-failed', () => say('The image could not be opened.'));
  viewer.addHandler('open', () => {
    say('');
    const region = isFirst ? box(target.xywh, viewer.world.getItemAt(0).getContentSize()) : undefined;
    isFirst = false;
    if (region) viewer.viewport.fitBounds(viewer.viewport.imageToViewportRectangle(region.x, region.y, region.w, region.h), true);
  });
  paging(list, at, (index) => viewer.open(list[index].info ?? { type: 'image', url: list[index].url }), {
    'Zoom in': () => viewer.viewport.zoomBy(1.6),
    'Zoom out': () => viewer.viewport.zoomBy(1 / 1.6),
    'Whole image': () => viewer.viewport.goHome(),
    'Turn right': () => viewer.viewport.setRotation(viewer.viewport.getRotation() + 90),
    'Full screen': () => (document.fullscreenElement ? document.exitFullscreen() : stage.requestFullscreen()),
  });
  window.recto = { viewer };
}

async function leaflet(target, view) {
  const { list, at } = await pictures(target);
  const map = L.map(view, { center: [0, 0], crs: L.CRS.Simple, zoom: 0, zoomControl: false, attributionControl: false });
  let layer;
  const show = (index) => {
    if (!list[index].info) return say('Leaflet shows only pictures that have an image service.');
    say('');
    layer?.remove();
    layer = L.tileLayer.iiif(list[index].info, { crossOrigin: true }).addTo(map);
  };
  paging(list, at, show, { 'Zoom in': () => map.zoomIn(), 'Zoom out': () => map.zoomOut() });
  window.recto = { map };
}

/** What Mirador shows of annotations: all motivations of the Web Annotation Vocabulary, since it shows none that is not named. */
const SHOWN_MOTIVATIONS = ['assessing', 'bookmarking', 'classifying', 'commenting', 'describing', 'editing', 'highlighting', 'identifying', 'linking', 'moderating', 'questioning', 'replying', 'tagging']
  .flatMap((word) => [word, `oa:${word}`]).concat('sc:painting');

/**
 * After a login Mirador 4.0.0 has the new info.json but keeps the tile source of the refused one, and never asks for the tiles
 * again. Dropping the info response and giving it back makes it build a new one.
 */
function reopenAfterLogin(store) {
  const refused = new Set();
  store.subscribe(() => {
    const { infoResponses, windows } = store.getState();
    for (const response of Object.values(infoResponses)) {
      if (response.degraded) {
        refused.add(response.id);
      } else if (refused.has(response.id) && response.json && !response.isFetching) {
        refused.delete(response.id);
        const again = { type: 'mirador/RECEIVE_INFO_RESPONSE', infoId: response.id, infoJson: response.json, ok: true, tokenServiceId: response.tokenServiceId, windowId: Object.keys(windows)[0] };
        setTimeout(() => {
          store.dispatch({ type: 'mirador/REMOVE_INFO_RESPONSE', infoId: response.id });
          setTimeout(() => store.dispatch(again), 50);
        }, 0);
      }
    }
  });
}

/** Whether a page of another site shows this one in a frame: nobody is asked to sign in there. */
function isFramedByOthers() {
  try {
    return window.top.location.origin !== location.origin;
  } catch {
    return true;
  }
}

async function mirador(options, view) {
  const editing = stage.dataset.annotations && !isFramedByOthers()
    ? await (await import('./annotations/mirador.js')).annotationEditing(stage.dataset.annotations, await Mirador.annotationEditor())
    : undefined;
  view.id ||= 'recto-mirador';
  const viewer = Mirador.viewer({
    id: view.id,
    selectedTheme: matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light',
    window: { allowClose: !isEmbedded, allowMaximize: !isEmbedded, allowFullscreen: true, sideBarOpen: !isEmbedded && innerWidth > 900, highlightAllAnnotations: Boolean(editing) },
    workspace: { showZoomControls: true },
    // A telephone has no room beside a book for what opens others.
    workspaceControlPanel: { enabled: !isEmbedded && (innerWidth > 600 || !options.windows.length) },
    thumbnailNavigation: { defaultPosition: isEmbedded ? 'off' : 'far-bottom' },
    annotations: { htmlSanitizationRuleSet: 'iiif', filteredMotivations: SHOWN_MOTIVATIONS },
    ...editing?.config,
    ...options,
    windows: options.windows.map((window) => ({ ...window, maximized: isEmbedded })),
  }, editing?.plugins);
  reopenAfterLogin(viewer.store);
  say('');
  window.recto = { viewer };
  await editing?.started(viewer);
}

function universalViewer({ manifest, canvasId, xywh }, view) {
  const adapter = new UV.IIIFURLAdapter(true);
  view.id ||= 'recto-uv';
  view.classList.add('uv');
  const data = adapter.getInitialData({
    manifest,
    iiifManifestId: manifest,
    embedded: false,
    ...(canvasId ? { canvasId } : {}),
    ...(xywh ? { xywh } : {}),
  });
  const viewer = UV.init(view.id, data);
  adapter.bindTo(viewer);
  say('');
  window.recto = { viewer };
}

const STARTERS = { openseadragon, leaflet, mirador, uv: universalViewer };

async function start() {
  if (window.top !== window) document.documentElement.classList.add('framed');
  if (stage.dataset.resolve) await resolved(stage.dataset.resolve);
  await STARTERS[stage.dataset.viewer](JSON.parse(stage.dataset.options), stage.querySelector('[data-view]'));
}

start().catch((error) => {
  say(`This could not be opened: ${error.message}.`);
});
