import type { WalHeader } from "../sqlite-format/wal-header.js";
import { startOfLog, type WalCommit, type WalCommitPoint } from "../sqlite-format/wal-scanner.js";
import { GrowableWords } from "./growable-words.js";

/**
 * Which frame of one generation of a log holds which page, at the end of any of its commits. Knows no bytes.
 * Frames are counted from 1; a limit of 0 is the state before the first.
 */
export class FrameIndex {
  readonly header: WalHeader;
  #end: WalCommitPoint;
  // Words by frame; the frame 0 that is none takes the first place.
  readonly #pages: GrowableWords = new GrowableWords();
  /** The frame before with the same page, or 0. */
  readonly #previous: GrowableWords = new GrowableWords();
  readonly #newest: Map<number, number> = new Map();
  /** Last frame and database size of each commit, ascending. */
  readonly #commitEnds: GrowableWords = new GrowableWords();
  readonly #commitSizes: GrowableWords = new GrowableWords();

  constructor(header: WalHeader) {
    this.header = header;
    this.#end = startOfLog(header);
    this.#pages.push(0);
    this.#previous.push(0);
  }

  /** The end of the last commit. */
  get end(): WalCommitPoint {
    return this.#end;
  }

  /** Committed frames. */
  get frames(): number {
    return this.#end.frames;
  }

  /** Adds the next commits, the last of which ends at `end`. */
  add(commits: readonly WalCommit[], end: WalCommitPoint): void {
    for (const { firstFrame, pageNumbers, databaseSize } of commits) {
      for (const [index, page] of pageNumbers.entries()) {
        this.#pages.push(page);
        this.#previous.push(this.#newest.get(page) ?? 0);
        this.#newest.set(page, firstFrame + index);
      }
      this.#commitEnds.push(firstFrame + pageNumbers.length - 1);
      this.#commitSizes.push(databaseSize);
    }
    this.#end = end;
  }

  /** The newest frame of a page among the first `limit` frames, or 0. */
  frameOf(page: number, limit: number = this.frames): number {
    let frame = this.#newest.get(page) ?? 0;
    while (frame > limit) frame = this.#previous.at(frame);
    return frame;
  }

  /** The page that a frame holds. */
  pageOf(frame: number): number {
    return this.#pages.at(frame);
  }

  /** The pages that the frames behind `after`, up to and with `until`, hold: each once. */
  pagesBetween(after: number, until: number = this.frames): Set<number> {
    const pages = new Set<number>();
    for (let frame = after + 1; frame <= until; frame++) pages.add(this.#pages.at(frame));
    return pages;
  }

  /** Size of the database after the last commit among the first `limit` frames; `undefined` when there is none. */
  sizeAt(limit: number = this.frames): number | undefined {
    const index = this.#commitsUpTo(limit) - 1;
    return index < 0 ? undefined : this.#commitSizes.at(index);
  }

  /** The smallest size that a commit behind `after` has left the database at; `Infinity` when there is none. */
  smallestSizeAfter(after: number): number {
    let smallest = Number.POSITIVE_INFINITY;
    for (let index = this.#commitsUpTo(after); index < this.#commitSizes.length; index++) {
      smallest = Math.min(smallest, this.#commitSizes.at(index));
    }
    return smallest;
  }

  /** Whether the frames behind `after`, up to and with `until`, are one commit. */
  isOneCommit(after: number, until: number): boolean {
    const index = this.#commitsUpTo(after);
    const startsThere = after === 0 || (index > 0 && this.#commitEnds.at(index - 1) === after);
    return startsThere && index < this.#commitEnds.length && this.#commitEnds.at(index) === until;
  }

  /** Number of commits that end among the first `limit` frames. */
  #commitsUpTo(limit: number): number {
    let low = 0;
    let high = this.#commitEnds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#commitEnds.at(middle) <= limit) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
