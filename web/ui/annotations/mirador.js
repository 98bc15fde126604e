// Joins Mirador, its annotation editor and our adapter.

import { AnnotationAdapter } from './adapter.js';
import { Desk } from './dialogs.js';
import { Drafts } from './drafts.js';
import { AnnotationClient } from './protocol.js';

/** Mirador keeps the middle of two pages when one alone is shown, and half of the page to draw on would be out of sight. */
function centreAfterViewChange(store) {
  const viewOf = ({ windows }) => Object.fromEntries(Object.values(windows).map(({ id, view }) => [id, view]));
  let last = viewOf(store.getState());
  store.subscribe(() => {
    const now = viewOf(store.getState());
    for (const [id, view] of Object.entries(now)) {
      if (id in last && last[id] !== view) setTimeout(() => Mirador.OSDReferences.get(id)?.current?.viewport?.goHome(true), 250);
    }
    last = now;
  });
}

/** What Mirador needs to write annotations to the containers below `base`: its configuration, its plugins, and what to do once it runs. */
export async function annotationEditing(base, plugins) {
  const desk = new Desk();
  const drafts = new Drafts(window.localStorage);
  const client = new AnnotationClient({ base, token: () => desk.token });
  const adapters = new Map();
  const adapterOf = (canvasId) => {
    if (!adapters.has(canvasId)) adapters.set(canvasId, new AnnotationAdapter(canvasId, { client, desk, drafts }));
    return adapters.get(canvasId);
  };
  const canvasOf = (url) => url.replace(/\/annotations$/, '');
  const isPage = (url) => client.serves(url) && url.endsWith('/annotations');
  const config = {
    annotation: { adapter: adapterOf, exportLocalStorageAnnotations: false, readonly: false },
    requests: {
      preprocessors: [(url, options) => (isPage(url) ? { ...options, headers: { ...options.headers, ...client.signature(url) } } : options)],
      postprocessors: [(url, action) => (isPage(url) && action.annotationJson ? { ...action, annotationJson: adapterOf(canvasOf(url)).adopt(action.annotationJson) } : action)],
    },
  };
  const started = async ({ store }) => {
    centreAfterViewChange(store);
    const left = drafts.leftovers(base);
    if (!left.length) return;
    const choice = await desk.leftovers(left);
    for (const draft of left) {
      if (choice === 'discard') drafts.remove(draft);
      if (choice !== 'again') continue;
      const adapter = adapterOf(draft.canvas);
      const page = await adapter.resume(draft);
      if (page) store.dispatch({ type: 'mirador/RECEIVE_ANNOTATION', targetId: draft.canvas, annotationId: adapter.annotationPageId, annotationJson: page });
    }
  };
  return { config, plugins, started };
}
