import { grownToHold } from "@tributary/core";
import type { PageRun } from "../revisions/page-runs.js";

const PAGES_PER_BLOCK = 1024;

const createSequences = (length: number): Float64Array<ArrayBuffer> => new Float64Array(length);

/**
 * For every page (one-based) the sequence of its last change in this history; 0 for those unchanged since it began. It
 * outlives checkpoints, which is what lets the WAL be bounded. Also keeps the maximum of each block of 1024 pages, so
 * that a pull costs what changed and not the size of the database.
 */
export class PageIndex {
  #lastChange = createSequences(PAGES_PER_BLOCK);
  #lastChangeInBlock = createSequences(16);

  /** Notes that a page changed. Sequences must not decrease from call to call. */
  mark(pageNumber: number, sequence: number): void {
    const block = blockOf(pageNumber);
    this.#lastChange = grownToHold(this.#lastChange, pageNumber, createSequences);
    this.#lastChangeInBlock = grownToHold(this.#lastChangeInBlock, block, createSequences);
    this.#lastChange[pageNumber] = sequence;
    this.#lastChangeInBlock[block] = sequence;
  }

  /** Takes over what an index said before. Sequences must not decrease from call to call for any one page. */
  markRun({ pageNumber, count, sequence }: PageRun): void {
    const end = pageNumber + count;
    this.#lastChange = grownToHold(this.#lastChange, end - 1, createSequences);
    this.#lastChange.fill(sequence, pageNumber, end);
    const lastBlock = blockOf(end - 1);
    this.#lastChangeInBlock = grownToHold(this.#lastChangeInBlock, lastBlock, createSequences);
    for (let block = blockOf(pageNumber); block <= lastBlock; block++) {
      this.#lastChangeInBlock[block] = Math.max(sequence, this.#lastChangeInBlock[block] as number);
    }
  }

  /** Ids (zero-based) of the pages changed after `sequence`, ascending, of a database of that many pages. */
  changedSince(sequence: number, databaseSize: number): Uint32Array {
    const ids: number[] = [];
    this.#visitChanged(sequence, databaseSize, (pageNumber) => ids.push(pageNumber - 1));
    return Uint32Array.from(ids);
  }

  /** The pages changed after `sequence`, ascending, with their last changes. */
  visitRunsSince(sequence: number, visit: (run: PageRun) => void): void {
    let start = 0;
    let end = 0;
    let runSequence = 0;
    const flush = (): void => {
      if (end > start) visit({ pageNumber: start, count: end - start, sequence: runSequence });
    };
    this.#visitChanged(sequence, this.#lastChange.length, (pageNumber) => {
      const changedIn = this.#lastChange[pageNumber] as number;
      if (pageNumber !== end || changedIn !== runSequence) {
        flush();
        start = pageNumber;
        runSequence = changedIn;
      }
      end = pageNumber + 1;
    });
    flush();
  }

  /** Forgets everything: a new history begins. */
  clear(): void {
    this.#lastChange = createSequences(PAGES_PER_BLOCK);
    this.#lastChangeInBlock = createSequences(16);
  }

  #visitChanged(sequence: number, lastPage: number, visit: (pageNumber: number) => void): void {
    for (let block = 0; block < this.#lastChangeInBlock.length; block++) {
      if ((this.#lastChangeInBlock[block] as number) <= sequence) continue;
      const end = Math.min((block + 1) * PAGES_PER_BLOCK, this.#lastChange.length, lastPage + 1);
      for (let pageNumber = block * PAGES_PER_BLOCK; pageNumber < end; pageNumber++) {
        if ((this.#lastChange[pageNumber] as number) > sequence) visit(pageNumber);
      }
    }
  }
}

function blockOf(pageNumber: number): number {
  return Math.floor(pageNumber / PAGES_PER_BLOCK);
}
