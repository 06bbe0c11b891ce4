import { foldName } from "../capture/schema-row.js";
import { PUSH_POSITION_TABLE, RESERVED_PREFIX } from "../tape/tape-schema.js";
import { PageDamage } from "./page-source.js";
import type { SchemaRecord } from "./schema-record.js";

/** Under which names a schema's tables are told of. */
export class TableNames {
  /** By the root of each tree: the table that it belongs to. */
  readonly tableOfRoot: ReadonlyMap<number, string>;
  readonly #virtual: readonly string[];
  readonly #records: readonly SchemaRecord[];

  constructor(records: readonly SchemaRecord[]) {
    this.#records = records;
    const trees = records.filter(({ root }) => root > 0);
    this.tableOfRoot = new Map(trees.map(({ root, table }) => [root, table]));
    if (this.tableOfRoot.size !== trees.length) throw new PageDamage("two trees with one root");
    this.#virtual = records
      .filter(({ type, root }) => type === "table" && root === 0)
      .map(({ name }) => name);
  }

  /** All tables that may be told of. */
  get all(): ReadonlySet<string> {
    const names = new Set<string>();
    for (const { type, name } of this.#records) {
      if (type === "table") this.addTo(names, name);
    }
    return names;
  }

  /** Adds a table, and the virtual table that keeps its content in it (`docs_data` is one of `docs`). */
  addTo(names: Set<string>, table: string): void {
    if (isHidden(table)) return;
    names.add(table);
    for (const virtual of this.#virtual) {
      if (foldName(table).startsWith(`${foldName(virtual)}_`)) names.add(virtual);
    }
  }

  /** Adds the tables and views whose rows of the schema, or those of their indexes and triggers, are in one of both only. */
  addDifferences(names: Set<string>, other: TableNames): void {
    for (const [one, another] of [[this, other] as const, [other, this] as const]) {
      const known = new Set(another.#records.map(idOf));
      for (const record of one.#records) {
        if (!known.has(idOf(record))) one.addTo(names, record.table);
      }
    }
  }
}

function idOf({ type, name, table, root, digest }: SchemaRecord): string {
  return JSON.stringify([type, name, table, root, digest]);
}

/** Tables of SQLite, of a replica's bookkeeping and of the push protocol. */
function isHidden(table: string): boolean {
  const name = foldName(table);
  return name.startsWith(RESERVED_PREFIX) || name.startsWith("sqlite_") || name === PUSH_POSITION_TABLE;
}
