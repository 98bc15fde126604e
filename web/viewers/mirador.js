// Mirador from its ES modules, so that its annotation editor can share React and Mirador's own components with it.

import { OSDReferences, viewer } from 'mirador';

/** The plugins of the annotation editor, with its styles; loaded only where annotations can be written. */
async function annotationEditor() {
  const styles = document.createElement('link');
  styles.rel = 'stylesheet';
  styles.href = new URL('./annotation-editor.css', import.meta.url).href;
  document.head.append(styles);
  return (await import(new URL('./annotation-editor.js', import.meta.url).href)).default;
}

// `OSDReferences` leads to the OpenSeadragon viewer inside each window.
window.Mirador = { viewer, annotationEditor, OSDReferences };
