// What a person wrote and the server does not have yet, kept in the browser until it does.

const KEY = 'recto-annotation-drafts';

/** How long a draft that is being sent is left to the window that sends it. */
const SENDING_MS = 60_000;

export class Drafts {
  constructor(storage, now = () => Date.now()) {
    this.storage = storage;
    this.now = now;
  }

  #read() {
    try {
      const list = JSON.parse(this.storage.getItem(KEY) ?? '[]');
      return Array.isArray(list) ? list.filter((draft) => draft && typeof draft.key === 'string') : [];
    } catch {
      return [];
    }
  }

  #write(list) {
    try {
      if (list.length) this.storage.setItem(KEY, JSON.stringify(list));
      else this.storage.removeItem(KEY);
    } catch {
      // Storage may be full or forbidden; the dialog on the page still has the text.
    }
  }

  /** Keeps a draft as it is now. */
  keep(draft, state) {
    const kept = { ...draft, state, since: this.now() };
    this.#write([...this.#read().filter(({ key }) => key !== draft.key), kept]);
  }

  remove(draft) {
    this.#write(this.#read().filter(({ key }) => key !== draft.key));
  }

  /** What was left unsaved for containers below `base`. */
  leftovers(base) {
    return this.#read().filter((draft) => draft.base === base && (draft.state !== 'sending' || this.now() - draft.since > SENDING_MS));
  }
}
