const MAX_BOUNDARIES = 65_536;

/**
 * Change ids after which the tape may be split: the ends of local transactions, ascending. Kept in memory and bounded:
 * when there are too many, every other one is forgotten. A list that is too coarse makes bigger batches, never wrong
 * ones. One list serves all connections of a replica.
 */
export class TransactionBoundaries {
  #ids: number[] = [];

  /** A transaction has ended, and this is the last change on the tape. */
  note(changeId: number): void {
    const last = this.#ids.at(-1) ?? 0;
    if (changeId === last || changeId === 0) return;
    // Change ids only fall when the tape was restarted.
    if (changeId < last) this.#ids = [];
    this.#ids.push(changeId);
    if (this.#ids.length > MAX_BOUNDARIES) {
      const lastIndex = this.#ids.length - 1;
      this.#ids = this.#ids.filter((_, index) => (lastIndex - index) % 2 === 0);
    }
  }

  /** Forgets what lies beyond the end of the tape: nothing of a restarted tape is a boundary yet. */
  truncate(lastChangeId: number): void {
    if ((this.#ids.at(-1) ?? 0) > lastChangeId) this.#ids = this.#ids.filter((id) => id <= lastChangeId);
  }

  list(): readonly number[] {
    return [...this.#ids];
  }
}
