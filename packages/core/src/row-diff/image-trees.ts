import { LOCK_BYTE_PAGE } from "../sqlite-format/database-header.js";
import { PageDamage } from "../sqlite-format/page-source.js";
import type { TreePage } from "../sqlite-format/tree-page.js";
import type { ImagePages } from "./image-pages.js";

/** A b-tree of SQLite has no more levels. */
const MAX_LEVELS = 20;

/** Where cells with rows are: all of a leaf, or one of an interior page. */
export interface CellPlace {
  readonly page: number;
  /** Undefined: all cells of the page. */
  readonly cell: number | undefined;
}

/** Trees of another state of the same database, whose pages are the same but for those that changed. */
export interface KnownTrees {
  readonly trees: ImageTrees;
  readonly changedPages: ReadonlySet<number>;
}

/**
 * Which b-tree each page of an image is part of. Of the pages it reads interior ones only, and of these none that a known
 * state has as well. Costs four bytes a page, and four more for each child of an interior page.
 */
export class ImageTrees {
  readonly #pages: ImagePages;
  readonly #known: KnownTrees | undefined;
  /** By page number: the root of its tree; 0: part of none. */
  readonly #owners: Uint32Array;
  /** Children of interior pages. */
  readonly #children: Map<number, Uint32Array> = new Map();

  constructor(pages: ImagePages, known?: KnownTrees) {
    this.#pages = pages;
    this.#known = known;
    this.#owners = new Uint32Array(pages.size + 1);
  }

  /** Adds a tree, each once. */
  add(root: number): void {
    this.#walk(root, root, this.#levelOf(root));
  }

  /** The root of the tree that the page is part of; 0: it is part of none. */
  ownerOf(page: number): number {
    return this.#owners[page] ?? 0;
  }

  /** All pages of a tree, in no particular order. */
  pagesOf(root: number): number[] {
    const pages: number[] = [];
    const open = [root];
    for (let page = open.pop(); page !== undefined; page = open.pop()) {
      pages.push(page);
      const children = this.#children.get(page);
      if (children !== undefined) open.push(...children);
    }
    return pages;
  }

  /**
   * Where the rows of a tree are, in the order of their keys, in pages for which `isWanted`. Interior pages have rows in
   * indexes only (`isIndex`), one between each two children.
   */
  *places(root: number, isIndex: boolean, isWanted: (page: number) => boolean): Generator<CellPlace, void> {
    const children = this.#children.get(root);
    if (children === undefined) {
      if (isWanted(root)) yield { page: root, cell: undefined };
      return;
    }
    const hasRows = isIndex && isWanted(root);
    for (let index = 0; index < children.length; index++) {
      yield* this.places(children[index] as number, isIndex, isWanted);
      if (hasRows && index < children.length - 1) yield { page: root, cell: index };
    }
  }

  /** Trees are as deep everywhere, so one path tells. */
  #levelOf(root: number): number {
    let page = root;
    for (let level = 0; level <= MAX_LEVELS; level++) {
      if (this.#isKnownLeaf(page)) return level;
      const children = this.#knownChildren(page) ?? childrenOf(this.#pages.readTreePage(page));
      if (children === undefined) return level;
      page = children[0] as number;
    }
    throw new PageDamage("a tree without leaves");
  }

  #walk(root: number, page: number, level: number): void {
    // A page at two places would let the walk go in circles.
    if (page < 1 || page > this.#pages.size || page === LOCK_BYTE_PAGE || this.#owners[page] !== 0)
      throw new PageDamage(`page ${page} at two places, or at none`);
    this.#owners[page] = root;
    if (level === 0) return;
    let children = this.#knownChildren(page);
    if (children === undefined) {
      children = childrenOf(this.#pages.readTreePage(page));
      if (children === undefined) throw new PageDamage(`page ${page} is a leaf`);
    }
    this.#children.set(page, children);
    for (const child of children) this.#walk(root, child, level - 1);
  }

  #knownChildren(page: number): Uint32Array | undefined {
    if (this.#known === undefined || this.#known.changedPages.has(page)) return undefined;
    return this.#known.trees.#children.get(page);
  }

  #isKnownLeaf(page: number): boolean {
    if (this.#known === undefined || this.#known.changedPages.has(page)) return false;
    const { trees } = this.#known;
    return trees.ownerOf(page) !== 0 && !trees.#children.has(page);
  }
}

function childrenOf(page: TreePage): Uint32Array | undefined {
  return page.isLeaf ? undefined : page.children();
}
