// The desk: where what cannot be settled without a person is asked. One dialog at a time, each with the words that were written.

import { placeOf, wordsOf } from './compare.js';

const TOKEN = 'recto-annotation-token';

function element(name, { text, children = [], ...attributes } = {}) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, '');
    else if (value !== undefined && value !== false) made.setAttribute(key, value);
  }
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

/** One version of an annotation, as a card; what is not kept yet has no time at which it was. */
function version(heading, annotation, isKept = true) {
  const words = annotation ? wordsOf(annotation) || 'No text' : 'Deleted';
  const said = [element('h3', { text: heading }), element('p', { class: 'version-text', text: words })];
  if (annotation) {
    const editor = annotation.lastEditor ?? annotation.creator?.name ?? (typeof annotation.creator === 'string' ? annotation.creator : undefined);
    const facts = [placeOf(annotation), isKept && annotation.modified && new Date(annotation.modified).toLocaleString(), isKept && editor].filter((fact) => fact && fact !== 'Invalid Date');
    said.push(element('p', { class: 'version-facts', text: facts.join(' · ') }));
  }
  return element('section', { class: 'version', children: said });
}

export class Desk {
  #last = Promise.resolve();
  #askedToRead = false;

  constructor(session = window.sessionStorage) {
    this.session = session;
  }

  get token() {
    try {
      return this.session.getItem(TOKEN) ?? undefined;
    } catch {
      return this.heldToken;
    }
  }

  #keepToken(token) {
    this.heldToken = token;
    try {
      this.session.setItem(TOKEN, token);
    } catch {
      // Without storage it holds until the page is left.
    }
  }

  announce(text) {
    const place = document.querySelector('[data-announce]');
    if (place) place.textContent = text;
    const old = document.querySelector('.desk-note');
    old?.remove();
    const note = element('p', { class: 'desk-note', text });
    document.body.append(note);
    setTimeout(() => note.remove(), 8000);
  }

  /** True when there is a token to try with. */
  async signIn(error) {
    const field = element('input', { id: 'desk-token', type: 'password', autocomplete: 'off', spellcheck: 'false', required: true, autofocus: true });
    const children = [element('label', { for: 'desk-token', text: 'Token' }), element('div', { class: 'copy-row', children: [field] })];
    const refused = this.token ? 'The token that this window has is not accepted.' : undefined;
    const choice = await this.#ask({
      title: 'Sign in to annotate',
      words: [refused ?? 'This server keeps annotations of people that it knows.', error?.status === 403 ? error.message : undefined, 'The token was given to you by who runs the server. It is forgotten when this window is closed.'],
      body: element('div', { class: 'copy', children }),
      choices: { in: 'Sign in', cancel: 'Cancel' },
    });
    const token = field.value.trim();
    if (choice !== 'in' || !token) return false;
    this.#keepToken(token);
    return true;
  }

  /** Reading asks once for each window; who does not sign in sees what everybody may see. */
  async signInToRead(error) {
    if (this.#askedToRead) return false;
    this.#askedToRead = true;
    return this.signIn(error);
  }

  async confirmDelete(annotation) {
    const body = version('This annotation', annotation);
    return (await this.#ask({ title: 'Delete the annotation?', words: [], body, choices: { delete: 'Delete', cancel: 'Cancel' } })) === 'delete';
  }

  /** `mine`, `theirs`, `both` or `later`. */
  conflict({ action, mine, theirs, seen }) {
    if (action === 'delete') {
      const body = element('div', { class: 'versions', children: [version('As you saw it', seen), version('As it is now', theirs)] });
      return this.#ask({ title: 'Somebody changed this annotation', words: ['It is not as you saw it when you deleted it.'], body, choices: { theirs: 'Keep it', mine: 'Delete it all the same' }, escape: 'theirs' });
    }
    const body = element('div', { class: 'versions', children: [version('Yours', mine, false), version('Theirs', theirs)] });
    const choices = theirs
      ? { both: 'Keep both', mine: 'Keep mine', theirs: 'Keep theirs', later: 'Decide later' }
      : { mine: 'Keep mine', theirs: 'Let it be deleted', later: 'Decide later' };
    const words = [theirs ? 'While you were writing, somebody else saved another version of this annotation.' : 'While you were writing, somebody else deleted this annotation.', 'Nothing is lost: choose which to keep.'];
    return this.#ask({ title: 'Two versions of one annotation', words, body, choices });
  }

  /** `again`, `later`, `discard` or `sign-in`. */
  failure(error, draft) {
    const verb = draft.action === 'delete' ? 'deleted' : 'saved';
    const titles = { offline: 'No connection', server: 'The server has a problem', malformed: 'The server answered in no known way', gone: 'This place is gone' };
    const words = [`The annotation is not ${verb} yet. ${error.message}`, error.hint, 'It stays in this browser until it is.'];
    const isBarred = error.status === 401 || error.status === 403;
    const choices = { ...(isBarred ? { 'sign-in': 'Sign in' } : {}), again: 'Try again', later: 'Try later', discard: 'Discard it' };
    return this.#ask({ title: titles[error.kind] ?? `The annotation was not ${verb}`, words, body: version(draft.action === 'delete' ? 'To be deleted' : 'Yours', draft.annotation, draft.action === 'delete'), choices });
  }

  /** What to do with drafts of an earlier window: `again`, `later` or `discard`. */
  leftovers(drafts) {
    const body = element('div', { class: 'versions', children: drafts.map((draft) => version({ create: 'New', update: 'Changed', delete: 'To be deleted' }[draft.action] ?? 'Annotation', draft.annotation)) });
    const words = [drafts.length === 1 ? 'An annotation was not saved when you were here last.' : `${drafts.length} annotations were not saved when you were here last.`];
    return this.#ask({ title: 'Unsaved annotations', words, body, choices: { again: 'Save now', later: 'Later', discard: 'Discard' } });
  }

  /** Asks after what was asked before. The first choice is the proposed one; Escape means `escape`, or the last. */
  #ask(question) {
    const answer = this.#last.then(() => this.#show(question));
    this.#last = answer.catch(() => {});
    return answer;
  }

  #show({ title, words, body, choices, escape }) {
    const names = Object.keys(choices);
    const before = document.activeElement;
    const leave = escape ?? (names.includes('later') ? 'later' : names.at(-1));
    const buttons = names.map((name, index) => element('button', { class: index ? 'button' : 'button button-strong', value: name, type: index ? 'button' : 'submit', text: choices[name] }));
    const form = element('form', { method: 'dialog', children: [element('h2', { id: 'desk-title', text: title, tabindex: '-1', autofocus: !body.querySelector('[autofocus]') }), ...words.filter(Boolean).map((text) => element('p', { text })), body, element('div', { class: 'buttons', children: buttons })] });
    const dialog = element('dialog', { class: 'desk', 'aria-labelledby': 'desk-title', children: [form] });
    document.body.append(dialog);
    return new Promise((resolve) => {
      for (const button of buttons.slice(1)) button.addEventListener('click', () => dialog.close(button.value));
      dialog.addEventListener('close', () => {
        dialog.remove();
        if (before?.isConnected) before.focus?.();
        resolve(names.includes(dialog.returnValue) ? dialog.returnValue : leave);
      });
      dialog.showModal();
    });
  }
}
