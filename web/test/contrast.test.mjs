// The colours of our own pages against WCAG 2.2 AA, in both schemes: 4.5:1 for text, 3:1 for what shows the focus.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

const css = await readFile(new URL('../ui/recto.css', import.meta.url), 'utf8');

const variables = (text) => Object.fromEntries([...text.matchAll(/--([a-z-]+):\s*(#[0-9a-f]{6})\s*;/g)].map(([, name, value]) => [name, value]));
const roots = [...css.matchAll(/:root\s*\{([^}]*)\}/g)].map(([, text]) => variables(text));
const light = roots[0];
const dark = { ...light, ...roots[1] };

function luminance(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [more, less] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (more + 0.05) / (less + 0.05);
}

test('text can be read on every ground that it stands on', () => {
  assert.equal(roots.length, 2, 'a light and a dark scheme');
  assert.equal(Math.round(contrast('#000000', '#ffffff')), 21);
  for (const [scheme, colours] of [['light', light], ['dark', dark]]) {
    for (const ground of ['paper', 'sheet', 'well']) {
      for (const text of ['ink', 'muted', 'rubric']) {
        const ratio = contrast(colours[text], colours[ground]);
        assert.ok(ratio >= 4.5, `${text} on ${ground}, ${scheme}: ${ratio.toFixed(2)}`);
      }
    }
    assert.ok(contrast(colours['rubric-ink'], colours.rubric) >= 4.5, `strong buttons, ${scheme}`);
    assert.ok(contrast(colours['stage-ink'], colours.stage) >= 4.5, `messages on the stage, ${scheme}`);
  }
});
