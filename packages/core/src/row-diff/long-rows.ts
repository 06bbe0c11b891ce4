import { PageDamage } from "../sqlite-format/page-source.js";
import type { ImagePages } from "./image-pages.js";
import type { ImageTrees } from "./image-trees.js";

/** Roots of the trees of an image. */
export interface TreeRoots {
  readonly tables: readonly number[];
  readonly indexes: readonly number[];
}

/** The long rows that go on in pages which were written. */
export interface LongRows {
  /**
   * The pages that they are in. Not all of these were written: SQLite writes over a value of the same length where it lies.
   */
  readonly pages: ReadonlySet<number>;
  /** The first of the pages that each goes on in. */
  readonly firstPages: ReadonlySet<number>;
}

/**
 * Finds them. Where rows in pages that were written do not account for all others that were written, all pages of tables are
 * read until the rest is found. Rows that have one of these if their pages lie side by side, as most do, are followed first.
 */
export function findLongRows(
  pages: ImagePages,
  trees: ImageTrees,
  { tables, indexes }: TreeRoots,
  changedPages: ReadonlySet<number>,
): LongRows {
  const search = new ChainSearch(
    pages,
    [...changedPages].filter((page) => trees.ownerOf(page) === 0),
  );
  const isTable = new Set(tables);
  const isIndex = new Set(indexes);
  search.lookInto([...changedPages].filter((page) => isTable.has(trees.ownerOf(page))));
  // Nothing is told of long keys in indexes, but then it is known whose their pages are.
  search.lookInto([...changedPages].filter((page) => isIndex.has(trees.ownerOf(page))));
  search.lookInto(tables.flatMap((root) => trees.pagesOf(root)).filter((page) => !changedPages.has(page)));
  return search.found;
}

/** The pages that a long row goes on in. */
interface Chain {
  /** The page that the row is in. */
  readonly page: number;
  readonly first: number;
  readonly length: number;
}

/** Looks for pages in what long rows go on in. */
class ChainSearch {
  readonly found: { readonly pages: Set<number>; readonly firstPages: Set<number> } = {
    pages: new Set(),
    firstPages: new Set(),
  };
  readonly #pages: ImagePages;
  /** Those that were not found yet. */
  readonly #wanted: Set<number>;
  /** All of them, in ascending order. */
  readonly #sorted: readonly number[];
  /** Each page belongs to one row, so nothing is followed twice, whatever the pages say. */
  readonly #followed: Set<number> = new Set();

  constructor(pages: ImagePages, wanted: Iterable<number>) {
    this.#pages = pages;
    this.#wanted = new Set(wanted);
    pages.removeUnused(this.#wanted);
    this.#sorted = [...this.#wanted].sort((one, other) => one - other);
  }

  /** Follows the rows of these pages, until all is found. */
  lookInto(pages: readonly number[]): void {
    const later: Chain[] = [];
    for (const page of pages) {
      for (const chain of this.#chainsOf(page)) {
        if (this.#isLikely(chain)) this.#follow(chain);
        else later.push(chain);
      }
    }
    for (const chain of later) this.#follow(chain);
  }

  *#chainsOf(page: number): Generator<Chain, void> {
    if (this.#wanted.size === 0) return;
    for (const { length, local, overflow } of this.#pages.readTreePage(page).payloads()) {
      const left = length - local.length;
      if (left > 0) yield { page, first: overflow, length: Math.ceil(left / (this.#pages.usable - 4)) };
    }
  }

  /** Whether a page that is looked for is among those that the row has if they lie side by side. */
  #isLikely({ first, length }: Chain): boolean {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle] as number) < first) low = middle + 1;
      else high = middle;
    }
    return (this.#sorted[low] ?? Number.POSITIVE_INFINITY) < first + length;
  }

  #follow(chain: Chain): void {
    if (chain.length > this.#pages.size) throw new PageDamage(`a row of ${chain.length} pages`);
    let page = chain.first;
    for (let left = chain.length; left > 0 && this.#wanted.size > 0; left--) {
      if (this.#followed.has(page)) throw new PageDamage(`page ${page} in two rows`);
      this.#followed.add(page);
      if (this.#wanted.delete(page)) {
        this.found.pages.add(chain.page);
        this.found.firstPages.add(chain.first);
      }
      // The last one leads nowhere.
      if (left === 1) break;
      const bytes = this.#pages.read(page);
      page = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    }
  }
}
