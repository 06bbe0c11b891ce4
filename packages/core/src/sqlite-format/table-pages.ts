import type { Coroutine } from "../coroutine/coroutine.js";
import { removeFreePages } from "./free-pages.js";
import { findOverflowRoots } from "./overflow-roots.js";
import { PageDamage, PageSource, type ReadPage } from "./page-source.js";
import { SchemaTree } from "./schema-tree.js";
import { TableNames } from "./table-names.js";
import { TreeMap } from "./tree-map.js";

/** What is known of one state. The schema and the map move on with each call. */
interface KnownState {
  readonly schema: SchemaTree;
  readonly map: TreeMap;
  readonly names: TableNames;
}

const NONE: ReadonlySet<number> = new Set();

/**
 * Tells which tables changed pages belong to, by the b-trees of the database, of which it reads and remembers interior pages
 * only. It never tells fewer tables than have changed; where it cannot know, because pages are damaged or a page of a long
 * row was written and nothing else of that row, it tells of all of them.
 */
export class TablePages {
  readonly #readPage: ReadPage;
  #known: KnownState | undefined;

  /** `readPage` gives pages of the state that the calls are about, the newest one. It must not change during a call. */
  constructor(readPage: ReadPage) {
    this.#readPage = readPage;
  }

  /** Whether the state before the next pull is known. */
  get isLoaded(): boolean {
    return this.#known !== undefined;
  }

  /**
   * Reads what there is to know of the state before the first pull. Without it, a first pull that changes the schema has
   * changed all tables. `databaseSize` in pages.
   */
  *load(databaseSize: number): Coroutine<void> {
    this.forget();
    if (databaseSize === 0) return;
    try {
      const source = yield* PageSource.open(this.#readPage, databaseSize);
      const state = yield* readSchema(source, undefined, NONE);
      yield* readTrees(source, state, NONE);
      this.#known = state;
    } catch (error) {
      // A damaged database is not known; the next call finds that out for itself, and says so.
      if (!(error instanceof PageDamage)) throw error;
    }
  }

  /** Forgets what is known: after pages have changed of which `changedTables` was not told. */
  forget(): void {
    this.#known = undefined;
  }

  /**
   * The tables that have changed with these pages (by number, from 1), which led from the state of the call before to the
   * present one of `databaseSize` pages; ordered, each once. Tables that were made or dropped, and views that are others now,
   * are among them. Left out are those of SQLite and of Tributary itself. A virtual table is told of together with the
   * tables that it keeps its content in. Throws what `readPage` throws, and has forgotten everything then.
   */
  *changedTables(changedPages: Uint32Array, databaseSize: number): Coroutine<readonly string[]> {
    const before = this.#known;
    this.#known = undefined;
    const changed = new Set(changedPages);
    const names = new Set<string>();
    const all = new Set(before?.names.all);
    try {
      if (databaseSize === 0) return sorted(all);
      const source = yield* PageSource.open(this.#readPage, databaseSize);
      const state = yield* readSchema(source, before, changed);
      for (const name of state.names.all) all.add(name);
      yield* readTrees(source, state, changed);
      if (before !== undefined && before.names !== state.names)
        state.names.addDifferences(names, before.names);
      const isUnknown =
        (before === undefined && changedPages.some((page) => state.schema.has(page))) ||
        !(yield* addOwners(names, source, state, changed));
      this.#known = state;
      return sorted(isUnknown ? new Set([...names, ...all]) : names);
    } catch (error) {
      if (error instanceof PageDamage) return sorted(new Set([...names, ...all]));
      throw error;
    }
  }
}

/** Goes on from what was known before, which is of no use afterwards. */
function* readSchema(
  source: PageSource,
  before: KnownState | undefined,
  changed: ReadonlySet<number>,
): Coroutine<KnownState> {
  const { schema, map } = before ?? { schema: new SchemaTree(), map: new TreeMap() };
  const isOther = yield* schema.refresh(source, changed);
  const names = before === undefined || isOther ? new TableNames(schema.records) : before.names;
  return { schema, map, names };
}

function* readTrees(
  source: PageSource,
  { schema, map, names }: KnownState,
  changed: ReadonlySet<number>,
): Coroutine<void> {
  yield* map.update(source, new Set(names.tableOfRoot.keys()), changed);
  for (const page of schema.pages) {
    if (map.rootOf(page) !== undefined) throw new PageDamage(`page ${page} of the schema in a tree`);
  }
}

/**
 * Adds the tables of all pages; false if it cannot be said for each which that is. Whose a page was before does not count: to
 * give a page away, a table has to change one that it keeps, be it the root, or its row of the schema.
 */
function* addOwners(
  names: Set<string>,
  source: PageSource,
  known: KnownState,
  changed: ReadonlySet<number>,
): Coroutine<boolean> {
  const unknown = addTreeOwners(names, known, changed);
  for (const page of unknown) {
    if (page > source.size || source.isBookkeeping(page)) unknown.delete(page);
  }
  if (unknown.size === 0) return true;
  for (const root of yield* findOverflowRoots(source, known.map, changed, unknown)) {
    known.names.addTo(names, known.names.tableOfRoot.get(root) as string);
  }
  if (unknown.size > 0) yield* removeFreePages(source, unknown);
  return unknown.size === 0;
}

/** Adds the tables of the pages that are part of trees, and gives the others. */
function addTreeOwners(names: Set<string>, known: KnownState, changed: ReadonlySet<number>): Set<number> {
  const unknown = new Set<number>();
  const roots = new Set<number>();
  for (const page of changed) {
    if (known.schema.has(page)) continue;
    const root = known.map.rootOf(page);
    if (root === undefined) unknown.add(page);
    else roots.add(root);
  }
  for (const root of roots) known.names.addTo(names, known.names.tableOfRoot.get(root) as string);
  return unknown;
}

function sorted(names: ReadonlySet<string>): readonly string[] {
  return [...names].sort();
}
