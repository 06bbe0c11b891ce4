const PAGE_SIZE = 4096;

/** A committed state of a database: its pages back to back. */
export interface Snapshot {
  readonly revision: string;
  readonly bytes: Uint8Array;
}

/**
 * Which pages changed between committed states. A revision is `EPOCH:SEQUENCE`; nothing is known of those of other
 * epochs.
 */
export class RevisionIndex {
  #epoch = 1;
  #sequence = 1;
  #bytes: Uint8Array;
  /** For each page id, the sequence number of the state in which it last changed. */
  #changedAt: number[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The newest state that was noted. */
  get current(): Snapshot {
    return { revision: `${this.#epoch}:${this.#sequence}`, bytes: this.#bytes };
  }

  /** Notes the present state; without a difference the revision stays. */
  note(bytes: Uint8Array): void {
    const before = this.#bytes;
    const changed: number[] = [];
    for (let from = 0; from < bytes.length; from += PAGE_SIZE) {
      const page = Buffer.from(bytes.buffer, bytes.byteOffset + from, PAGE_SIZE);
      if (!page.equals(before.subarray(from, from + PAGE_SIZE))) changed.push(from / PAGE_SIZE);
    }
    if (changed.length === 0 && bytes.length === before.length) return;
    this.#sequence++;
    for (const pageId of changed) this.#changedAt[pageId] = this.#sequence;
    this.#changedAt.length = bytes.length / PAGE_SIZE;
    this.#bytes = bytes;
  }

  /** Begins a new epoch: every revision told so far is unknown from now on. */
  forget(bytes: Uint8Array): void {
    this.#epoch++;
    this.#sequence = 1;
    this.#changedAt = [];
    this.#bytes = bytes;
  }

  /** Ids of the pages that are not as they were at a revision, ascending; all of them when the revision is unknown. */
  changedSince(revision: string | undefined): number[] {
    const [epoch, sequence] = (revision ?? "").split(":").map(Number);
    const isKnown = epoch === this.#epoch && sequence !== undefined && sequence <= this.#sequence;
    const pages: number[] = [];
    for (let pageId = 0; pageId < this.#bytes.length / PAGE_SIZE; pageId++) {
      if (!isKnown || (this.#changedAt[pageId] ?? 1) > sequence) pages.push(pageId);
    }
    return pages;
  }
}
