import type { Coroutine } from "../coroutine/coroutine.js";
import { grownToHold } from "../values/grown-to-hold.js";
import { PageDamage, type PageSource } from "./page-source.js";
import { TreePage } from "./tree-page.js";

/** A b-tree of SQLite has no more levels. */
const MAX_LEVELS = 20;

/** An interior page. */
interface TreeNode {
  /** Of its children, and one more: leaves have 0. */
  readonly level: number;
  readonly children: Uint32Array;
}

/**
 * Which b-tree a page is part of: the parent of each page, known from the interior pages alone. Costs four bytes a page and
 * a little for each interior page. From one state to the next, it reads the interior pages that changed, and those that
 * have become reachable by them.
 */
export class TreeMap {
  /** By page number; 0: no child of any page. */
  #parents: Uint32Array = new Uint32Array(0);
  readonly #nodes: Map<number, TreeNode> = new Map();
  #roots: ReadonlySet<number> = new Set();

  /** The root of the tree that the page is part of; `undefined`: it is part of none. */
  rootOf(pageNumber: number): number | undefined {
    let page = pageNumber;
    for (let level = 0; level <= MAX_LEVELS && page !== 0; level++) {
      if (this.#roots.has(page)) return page;
      page = this.#parents[page] ?? 0;
    }
    return undefined;
  }

  /**
   * Moves on to another state, with these roots, in which these pages are others. After a failure, be it `PageDamage` or one
   * of reading, the map is of no use any more.
   */
  *update(source: PageSource, roots: ReadonlySet<number>, changed: ReadonlySet<number>): Coroutine<void> {
    const update = new TreeUpdate(source, roots, changed, this.#nodes, this.#resized(source.size));
    const known = this.#roots;
    this.#roots = roots;
    for (const page of [...this.#nodes.keys()]) {
      if (page > source.size || (known.has(page) && !roots.has(page))) update.drop(page);
    }
    yield* update.run([...roots].filter((root) => !known.has(root) || changed.has(root)));
  }

  #resized(size: number): Uint32Array {
    this.#parents = grownToHold(this.#parents, size, (length) => new Uint32Array(length));
    this.#parents.fill(0, size + 1);
    return this.#parents;
  }
}

/** One move of a `TreeMap`. Each interior page is read once at the most, so it ends whatever the pages say. */
class TreeUpdate {
  readonly #source: PageSource;
  readonly #roots: ReadonlySet<number>;
  readonly #changed: ReadonlySet<number>;
  readonly #nodes: Map<number, TreeNode>;
  readonly #parents: Uint32Array;
  readonly #visited: Set<number> = new Set();
  /** Interior pages that lost their parent; some get another one. */
  readonly #released: number[] = [];
  /** Pages that got a parent while they still had one. */
  readonly #contested: { readonly page: number; readonly parent: number }[] = [];

  constructor(
    source: PageSource,
    roots: ReadonlySet<number>,
    changed: ReadonlySet<number>,
    nodes: Map<number, TreeNode>,
    parents: Uint32Array,
  ) {
    this.#source = source;
    this.#roots = roots;
    this.#changed = changed;
    this.#nodes = nodes;
    this.#parents = parents;
  }

  *run(roots: readonly number[]): Coroutine<void> {
    for (const root of roots) {
      const parent = this.#parents[root] as number;
      if (parent !== 0) this.#contested.push({ page: root, parent });
      this.#parents[root] = 0;
    }
    for (const root of roots) {
      const page = yield* this.#read(root);
      if (page.isLeaf) this.drop(root);
      else yield* this.#place(root, yield* this.#levelAbove(page.children()[0] as number, 1), page);
    }
    // From the top down: once all pages of a level are as they are now, what they have let go is known to be gone.
    const dirty = [...this.#nodes].filter(([page]) => this.#changed.has(page));
    let level = MAX_LEVELS;
    for (const [page, node] of dirty.sort(([, one], [, other]) => other.level - one.level)) {
      if (node.level < level) this.#dropReleased();
      level = node.level;
      if (this.#visited.has(page) || this.#nodes.get(page) !== node) continue;
      if (this.#isLoose(page)) this.drop(page);
      else yield* this.#place(page, level, yield* this.#read(page));
    }
    this.#dropReleased();
    for (const { page, parent } of this.#contested) {
      if (this.#nodes.get(parent)?.children.includes(page))
        throw new PageDamage(`page ${page} has two parents`);
    }
  }

  /** Forgets an interior page, and lets go of its children. */
  drop(page: number): void {
    const node = this.#nodes.get(page);
    if (node === undefined) return;
    this.#nodes.delete(page);
    this.#release(page, node);
  }

  *#read(page: number): Coroutine<TreePage> {
    return new TreePage(yield* this.#source.read(page), page, this.#source.usable);
  }

  /** The level of a page above this one. Trees are as deep everywhere, so one path tells. */
  *#levelAbove(page: number, depth: number): Coroutine<number> {
    if (depth > MAX_LEVELS) throw new PageDamage("a tree without leaves");
    if (!this.#changed.has(page)) {
      const node = this.#nodes.get(page);
      if (node !== undefined) return node.level + 1;
      if ((this.#parents[page] ?? 0) !== 0) return 1;
    }
    const tree = yield* this.#read(page);
    if (tree.isLeaf) return 1;
    return 1 + (yield* this.#levelAbove(tree.children()[0] as number, depth + 1));
  }

  /** Takes down what an interior page says now. */
  *#place(page: number, level: number, tree: TreePage): Coroutine<void> {
    if (tree.isLeaf) throw new PageDamage(`page ${page} is a leaf`);
    if (this.#visited.has(page)) throw new PageDamage(`page ${page} twice`);
    this.#visited.add(page);
    const old = this.#nodes.get(page);
    if (old !== undefined) this.#release(page, old);
    const children = tree.children();
    this.#nodes.set(page, { level, children });
    for (const child of children) this.#claim(child, page);
    // Those that are known at their level already are looked at in their turn, if they changed.
    for (const child of children) {
      if (level === 1) this.drop(child);
      else if (this.#nodes.get(child)?.level !== level - 1) {
        const below = yield* this.#read(child);
        if (below.isTable !== tree.isTable) throw new PageDamage(`page ${child} of another kind`);
        yield* this.#place(child, level - 1, below);
      }
    }
  }

  #claim(child: number, parent: number): void {
    if (child < 2 || child > this.#source.size || this.#roots.has(child))
      throw new PageDamage(`page ${child} below page ${parent}`);
    const before = this.#parents[child] as number;
    if (before === parent) throw new PageDamage(`page ${child} twice below page ${parent}`);
    if (before !== 0) this.#contested.push({ page: child, parent: before });
    this.#parents[child] = parent;
  }

  #release(page: number, node: TreeNode): void {
    for (const child of node.children) {
      if (this.#parents[child] !== page) continue;
      this.#parents[child] = 0;
      if (node.level > 1) this.#released.push(child);
    }
  }

  #dropReleased(): void {
    for (let page = this.#released.pop(); page !== undefined; page = this.#released.pop()) {
      if (this.#isLoose(page)) this.drop(page);
    }
  }

  /** Whether an interior page is part of no tree. */
  #isLoose(page: number): boolean {
    return this.#parents[page] === 0 && !this.#roots.has(page);
  }
}
