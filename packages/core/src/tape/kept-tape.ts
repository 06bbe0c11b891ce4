import type { Coroutine } from "../coroutine/coroutine.js";
import type { SqlRow } from "../values/sql-value.js";
import type { ReplayJournal } from "./replay-journal.js";
import type { ReplaySource } from "./replay-source.js";
import { rowBytes } from "./tape-cursor.js";

/** Longer tapes are read from their journal again, so that they take no more memory than a piece of it. Bytes. */
const MOST_KEPT_BYTES = 4 * 1024 * 1024;

/**
 * The rows that were just written to a journal, kept for the replay that follows: to read, check and decode them again
 * takes longer than to write them. Of a tape without change streams.
 */
export class KeptTape implements ReplaySource {
  readonly journal: ReplayJournal;
  readonly #pieces: (readonly SqlRow[])[] = [];
  #bytes = 0;
  #next = 0;

  constructor(journal: ReplayJournal) {
    this.journal = journal;
  }

  /** Whether all rows that were added are here. */
  get isWhole(): boolean {
    return this.#bytes <= MOST_KEPT_BYTES;
  }

  /** Adds the next rows, or lets go of all where they are too many. */
  add(rows: readonly SqlRow[]): void {
    if (!this.isWhole) return;
    for (const row of rows) this.#bytes += rowBytes(row);
    if (this.isWhole) this.#pieces.push(rows);
    else this.#pieces.length = 0;
  }

  // biome-ignore lint/correctness/useYield: a source may have to read; this one need not.
  *nextRows(): Coroutine<readonly SqlRow[]> {
    return this.#pieces[this.#next++] ?? [];
  }

  // biome-ignore lint/correctness/useYield: as above.
  *nextStreamRows(): Coroutine<readonly SqlRow[]> {
    return [];
  }

  rewind(): void {
    this.#next = 0;
  }

  *close(): Coroutine<void> {}
}
