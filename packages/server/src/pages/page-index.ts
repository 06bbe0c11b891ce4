import { grownToHold } from "@tributary/core";

const PAGES_PER_BLOCK = 1024;

const createSequences = (length: number): Float64Array<ArrayBuffer> => new Float64Array(length);

/**
 * For every page (one-based) the sequence of its last change in this epoch; 0 for those unchanged since it began. It
 * outlives checkpoints, which is what lets the WAL be bounded. Also keeps the maximum of each block of 1024 pages, so
 * that a pull costs what changed and not the size of the database.
 */
export class PageIndex {
  #lastChange = createSequences(PAGES_PER_BLOCK);
  #lastChangeInBlock = createSequences(16);

  /** Notes that a page changed. Sequences must not decrease from call to call. */
  mark(pageNumber: number, sequence: number): void {
    const block = Math.floor(pageNumber / PAGES_PER_BLOCK);
    this.#lastChange = grownToHold(this.#lastChange, pageNumber, createSequences);
    this.#lastChangeInBlock = grownToHold(this.#lastChangeInBlock, block, createSequences);
    this.#lastChange[pageNumber] = sequence;
    this.#lastChangeInBlock[block] = sequence;
  }

  /** Ids (zero-based) of the pages changed after `sequence`, ascending, of a database of that many pages. */
  changedSince(sequence: number, databaseSize: number): Uint32Array {
    const ids: number[] = [];
    for (let block = 0; block < this.#lastChangeInBlock.length; block++) {
      if ((this.#lastChangeInBlock[block] as number) <= sequence) continue;
      const end = Math.min((block + 1) * PAGES_PER_BLOCK, this.#lastChange.length, databaseSize + 1);
      for (let pageNumber = block * PAGES_PER_BLOCK; pageNumber < end; pageNumber++) {
        if ((this.#lastChange[pageNumber] as number) > sequence) ids.push(pageNumber - 1);
      }
    }
    return Uint32Array.from(ids);
  }

  /** Forgets everything: a new epoch begins. */
  clear(): void {
    this.#lastChange = createSequences(PAGES_PER_BLOCK);
    this.#lastChangeInBlock = createSequences(16);
  }
}
