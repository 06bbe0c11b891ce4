import type { ImageState } from "./image-state.js";
import type { CellPlace } from "./image-trees.js";
import { findLongRows, type LongRows } from "./long-rows.js";

/** Which pages of two states of a database hold rows that the other one may not have. */
export class WrittenPages {
  readonly #before: ImageState;
  readonly #after: ImageState;
  /** Undefined: all. */
  readonly #changed: ReadonlySet<number> | undefined;
  readonly #longRows: LongRows | undefined;

  constructor(before: ImageState, after: ImageState, changed: ReadonlySet<number> | undefined) {
    this.#before = before;
    this.#after = after;
    this.#changed = changed;
    this.#longRows =
      changed === undefined ? undefined : findLongRows(after.pages, after.trees, after.roots, changed);
  }

  /**
   * Where such rows of a table are, by its two roots. `all`: wherever it has rows. `isIndex`: interior pages have rows too.
   */
  before(root: number, rootAfter: number, isIndex: boolean, all: boolean): Iterable<CellPlace> {
    const { trees } = this.#after;
    const isWanted = (page: number): boolean =>
      all || this.#isChanged(page) || trees.ownerOf(page) !== rootAfter;
    return this.#before.trees.places(root, isIndex, isWanted);
  }

  after(root: number, rootBefore: number, isIndex: boolean, all: boolean): Iterable<CellPlace> {
    const { trees } = this.#before;
    const isWanted = (page: number): boolean =>
      all || this.#isChanged(page) || trees.ownerOf(page) !== rootBefore;
    return this.#after.trees.places(root, isIndex, isWanted);
  }

  /** Whether there are any of a table. */
  hasAny(root: number, rootAfter: number): boolean {
    for (const _ of this.before(root, rootAfter, true, false)) return true;
    for (const _ of this.after(rootAfter, root, true, false)) return true;
    return false;
  }

  /** Whether none of the pages was written that a long row goes on in, from this one on. */
  readonly keepsChain = (firstPage: number): boolean =>
    this.#longRows !== undefined && !this.#longRows.firstPages.has(firstPage);

  #isChanged(page: number): boolean {
    return this.#changed === undefined || this.#changed.has(page) || this.#longRows?.pages.has(page) === true;
  }
}
