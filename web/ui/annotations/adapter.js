// What Mirador's annotation editor calls to read and keep the annotations of one canvas, on a server that speaks the Web Annotation
// Protocol. Its calls always end with the page as it is then; whatever goes wrong is settled with the person at the desk
// (`dialogs.js`), and nothing that was written is lost on the way.

import { formerIds, holds, sameVersion } from './compare.js';
import { NOBODY, VERSION, marked, outgoing } from './editor-form.js';
import { AnnotationError } from './protocol.js';

/** How often a change is tried again when only the ETag was another. */
const MOST_TRIES = 4;

const copy = (value) => structuredClone(value);

export class AnnotationAdapter {
  #pageOf = undefined;
  #container = undefined;
  #versions = new Map();
  #latestOf = new Map();
  #queue = Promise.resolve();

  constructor(canvasId, { client, desk, drafts, user = NOBODY, newKey = () => crypto.randomUUID() }) {
    this.canvasId = canvasId;
    this.annotationPageId = `${canvasId}/annotations`;
    this.client = client;
    this.desk = desk;
    this.drafts = drafts;
    this.user = user;
    this.newKey = newKey;
  }

  getStorageAdapterUser() {
    return this.user;
  }

  /** The page with all annotations of the canvas; `null` when it cannot be read. */
  async all() {
    if (!this.client.serves(this.canvasId)) return null;
    try {
      return await this.#refreshed();
    } catch (error) {
      if (error.kind === 'sign-in') {
        if (await this.desk.signInToRead(error)) return this.all();
      } else if (error.kind !== 'gone') {
        this.desk.announce(`The annotations could not be read: ${error.message}`);
      }
      return this.#pageOf ? copy(this.#pageOf) : null;
    }
  }

  async get(id) {
    const page = await this.all();
    return page?.items.find((item) => item.id === id) ?? null;
  }

  create(annotation) {
    return this.#settled({ action: 'create', annotation: outgoing(annotation) });
  }

  update(annotation) {
    const seen = this.#versions.get(annotation[VERSION]) ?? this.#latest(annotation.id);
    return this.#settled({ action: 'update', annotation: outgoing(annotation, seen?.annotation), seen: seen?.annotation, etag: seen?.etag });
  }

  /** Deletes one annotation; one that is not on this canvas is left alone, since editors ask every canvas in view. */
  async delete(id) {
    const seen = this.#latest(id);
    if (!seen) return this.all();
    if (!(await this.desk.confirmDelete(seen.annotation))) return copy(this.#pageOf);
    return this.#settled({ action: 'delete', annotation: seen.annotation, seen: seen.annotation, etag: seen.etag });
  }

  /** Takes a page that was read elsewhere (Mirador reads it as well), and gives it with the marks that editing needs. */
  adopt(page) {
    if (page?.type !== 'AnnotationPage' || !Array.isArray(page.items)) return page;
    const container = [page.partOf].flat().map((part) => part?.id ?? part).find((id) => this.client.owns(id));
    this.#container = container ?? this.#container;
    this.#pageOf = { ...page, items: page.items.map((item) => this.#marked(item)) };
    return copy(this.#pageOf);
  }

  /** Goes on with a draft that an earlier window left. */
  resume(draft) {
    return this.#settled({ ...draft, isUncertain: true });
  }

  #marked(item) {
    if (!this.client.owns(item?.id)) return item;
    let latest = this.#latest(item.id);
    if (!latest || !sameVersion(latest.annotation, item)) latest = this.#note(item);
    return marked(latest.annotation, latest.version);
  }

  #latest(id) {
    return this.#latestOf.get(id);
  }

  #note(annotation, etag) {
    const version = `${this.#versions.size + 1}`;
    const { '@context': _, ...kept } = copy(annotation);
    const noted = { version, annotation: kept, etag };
    this.#versions.set(version, noted);
    this.#latestOf.set(kept.id, noted);
    return noted;
  }

  async #refreshed() {
    const { page, container } = await this.client.page(this.annotationPageId);
    this.#container = container ?? this.#container;
    this.#pageOf = { ...page, id: page.id ?? this.annotationPageId, items: page.items.map((item) => this.#marked(item)) };
    return copy(this.#pageOf);
  }

  /** One thing after the other, so that a person is asked one question at a time; then the page as it is. */
  #settled(given) {
    const draft = { key: this.newKey(), base: this.client.base, canvas: this.canvasId, ...given };
    const done = this.#queue.then(() => this.#untilSettled(draft));
    this.#queue = done.catch(() => {});
    return done.catch((error) => this.desk.announce(`The annotation could not be kept: ${error.message}`)).then(() => this.all());
  }

  async #untilSettled(draft) {
    for (;;) {
      this.drafts.keep(draft, 'sending');
      let step;
      try {
        await this.#send(draft);
        step = 'done';
      } catch (error) {
        this.drafts.keep(draft, 'kept');
        step = await this.#afterFailure(draft, error);
      }
      if (step !== 'again') {
        if (step !== 'later') this.drafts.remove(draft);
        return;
      }
    }
  }

  /** Asks the person what is to become of a draft that was not kept. Gives `again`, `later`, `done` or `discard`. */
  async #afterFailure(draft, error) {
    if (error.kind === 'changed') return this.#afterConflict(draft, error);
    if (error.kind === 'sign-in') return (await this.desk.signIn(error)) ? 'again' : this.#told(draft, error);
    // Only where no answer came it is not known whether the server has it.
    draft.isUncertain ||= error.kind === 'offline' || error.kind === 'malformed';
    return this.#told(draft, error);
  }

  async #told(draft, error) {
    const choice = await this.desk.failure(error, draft);
    if (choice !== 'sign-in') return choice;
    return (await this.desk.signIn(error)) ? 'again' : 'later';
  }

  async #afterConflict(draft, { theirs }) {
    const choice = await this.desk.conflict({ action: draft.action, mine: draft.annotation, theirs: theirs?.annotation, seen: draft.seen });
    if (choice === 'mine' && theirs) {
      draft.seen = theirs.annotation;
      draft.etag = theirs.etag;
      return 'again';
    }
    if (choice === 'both' || choice === 'mine') {
      draft.action = 'create';
      draft.isCopy = true;
      return 'again';
    }
    return choice === 'theirs' ? 'discard' : 'later';
  }

  /** Changes or deletes under the ETag of the version that the person saw. */
  async #send(draft) {
    if (draft.action === 'create') return this.#sendNew(draft);
    for (let tries = 1; ; tries += 1) {
      const mustLook = tries > 1 || !draft.etag || draft.isUncertain;
      if (mustLook && (await this.#isSettled(draft))) return undefined;
      try {
        if (draft.action === 'delete') return await this.client.remove(draft.annotation.id, draft.etag);
        const kept = await this.client.replace(draft.annotation.id, draft.annotation, draft.etag);
        return void this.#note(kept.annotation, kept.etag);
      } catch (error) {
        if (error.kind !== 'changed' && error.kind !== 'gone') throw error;
        if (tries === MOST_TRIES) throw Object.assign(error, { kind: 'refused' });
      }
    }
  }

  /**
   * Looks at what the server has now. True when there is nothing left to do; false when it is what the person saw, whose ETag is then
   * known; else fails as `changed` with their version, or with none where they deleted it.
   */
  async #isSettled(draft) {
    let theirs;
    try {
      theirs = await this.client.read(draft.annotation.id);
    } catch (error) {
      if (error.kind !== 'gone') throw error;
      if (draft.action === 'delete') return true;
      throw Object.assign(error, { kind: 'changed' });
    }
    if (draft.isUncertain && draft.action === 'update' && holds(theirs.annotation, draft.annotation)) {
      // The answer to an earlier try was lost on its way; the change was not.
      this.#note(theirs.annotation, theirs.etag);
      return true;
    }
    if (draft.seen && !sameVersion(theirs.annotation, draft.seen)) {
      throw Object.assign(new AnnotationError('changed', 'Somebody else changed this annotation.'), { theirs });
    }
    draft.etag = theirs.etag;
    return false;
  }

  async #sendNew(draft) {
    if (!this.client.serves(this.canvasId)) throw new AnnotationError('refused', 'This page belongs to another server, which keeps its annotations itself.');
    if (draft.isUncertain || !this.#container) await this.#refreshed();
    if (draft.isUncertain && this.#pageOf.items.some((item) => formerIds(item).includes(draft.annotation.id))) return undefined;
    if (draft.isCopy) {
      // A copy is an annotation of its own: the server's ids belong to the other version.
      const { via: _, canonical: __, ...rest } = draft.annotation;
      draft.annotation = { ...rest, id: `${this.canvasId}/annotation/${draft.key}` };
      draft.isCopy = false;
    }
    const kept = await this.client.create(this.#container, draft.annotation);
    return void this.#note(kept.annotation, kept.etag);
  }
}
