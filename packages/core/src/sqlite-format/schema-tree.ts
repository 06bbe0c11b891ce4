import type { Coroutine } from "../coroutine/coroutine.js";
import { PageDamage, type PageSource } from "./page-source.js";
import { parseSchemaRecord, type SchemaRecord } from "./schema-record.js";
import { type CellPayload, TreePage } from "./tree-page.js";

/** No row of the schema that can be needed is longer; SQLite's own limit for SQL text is 1 GB, its default a million bytes. */
const LONGEST_ROW = 0x4000_0000;

interface SchemaLeaf {
  readonly records: readonly SchemaRecord[];
  /** Pages that its long rows go on in. */
  readonly overflow: readonly number[];
}

/** The rows of sqlite_schema, read page by page past SQLite; from one state to the next only leaves that changed are read. */
export class SchemaTree {
  #leaves: Map<number, SchemaLeaf> = new Map();
  #pages: Set<number> = new Set();

  /** Whether the page is one of the schema's own. */
  has(pageNumber: number): boolean {
    return this.#pages.has(pageNumber);
  }

  /** Its own pages: those of the tree, and those that long rows go on in. */
  get pages(): ReadonlySet<number> {
    return this.#pages;
  }

  get records(): readonly SchemaRecord[] {
    return [...this.#leaves.values()].flatMap(({ records }) => records);
  }

  /** Reads what is not known, or was changed. False if nothing was. */
  *refresh(source: PageSource, changed: ReadonlySet<number>): Coroutine<boolean> {
    const known = this.#leaves;
    if (known.size > 0 && ![...this.#pages].some((page) => changed.has(page))) return false;
    this.#leaves = new Map();
    this.#pages = new Set();
    const open = [1];
    for (let page = open.pop(); page !== undefined; page = open.pop()) {
      this.#add(page);
      const leaf = known.get(page);
      if (leaf !== undefined && !changed.has(page) && !leaf.overflow.some((one) => changed.has(one))) {
        for (const one of leaf.overflow) this.#add(one);
        this.#leaves.set(page, leaf);
        continue;
      }
      const tree = new TreePage(yield* source.read(page), page, source.usable);
      if (!tree.isTable) throw new PageDamage("a schema that is an index");
      if (tree.isLeaf) this.#leaves.set(page, yield* this.#readLeaf(source, tree));
      else open.push(...tree.children());
    }
    return true;
  }

  *#readLeaf(source: PageSource, page: TreePage): Coroutine<SchemaLeaf> {
    const records: SchemaRecord[] = [];
    const overflow: number[] = [];
    for (const payload of page.payloads()) {
      const record = yield* this.#readRow(source, payload, overflow);
      records.push(parseSchemaRecord(record, source.encoding));
    }
    return { records, overflow };
  }

  *#readRow(
    source: PageSource,
    { length, local, overflow }: CellPayload,
    pages: number[],
  ): Coroutine<Uint8Array> {
    if (overflow === 0) return local;
    if (length > Math.min(LONGEST_ROW, source.size * source.usable))
      throw new PageDamage("a long schema row");
    const row = new Uint8Array(length);
    row.set(local);
    let end = local.length;
    for (let page = overflow; end < length; ) {
      this.#add(page);
      pages.push(page);
      const bytes = yield* source.read(page);
      const part = bytes.subarray(4, Math.min(source.usable, 4 + length - end));
      row.set(part, end);
      end += part.length;
      page = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    }
    return row;
  }

  /** Notes a page of the schema; a second time means that its pages lead in a circle. */
  #add(page: number): void {
    if (this.#pages.has(page)) throw new PageDamage(`page ${page} twice in the schema`);
    this.#pages.add(page);
  }
}
