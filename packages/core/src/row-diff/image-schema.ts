import { foldName, type SchemaRow } from "../capture/schema-row.js";
import { PageDamage } from "../sqlite-format/page-source.js";
import type { SqlValue } from "../values/sql-value.js";
import type { ImagePages } from "./image-pages.js";
import type { ImageTrees } from "./image-trees.js";
import { RowCursor } from "./row-cursor.js";

/** Of sqlite_schema. */
export const SCHEMA_ROOT = 1;

/** A row of sqlite_schema. */
export interface SchemaEntry extends SchemaRow {
  /** Of the row itself. */
  readonly rowid: bigint;
  /** The page where its tree begins; 0: it has none. */
  readonly root: number;
}

/** Reads sqlite_schema, in its order, and adds the trees that it names to `trees`. */
export function readSchemaEntries(pages: ImagePages, trees: ImageTrees): SchemaEntry[] {
  trees.add(SCHEMA_ROOT);
  const cursor = new RowCursor(
    pages,
    trees.places(SCHEMA_ROOT, false, () => true),
    false,
  );
  const entries: SchemaEntry[] = [];
  while (cursor.next()) {
    const { record } = cursor;
    const root = record.value(3);
    entries.push({
      rowid: cursor.rowid,
      type: String(record.value(0)),
      name: String(record.value(1)),
      table: String(record.value(2)),
      root: typeof root === "bigint" ? rootOf(root) : 0,
      sql: textOrNull(record.value(4)),
    });
  }
  for (const { root } of entries) {
    if (root > 0) trees.add(root);
  }
  const tables = entries.filter(({ type }) => type === "table" || type === "view");
  if (new Set(tables.map(({ name }) => foldName(name))).size !== tables.length)
    throw new PageDamage("two tables of one name");
  return entries;
}

function rootOf(root: bigint): number {
  if (root < 0n || root === 1n || root > 0xffff_ffffn) throw new PageDamage(`a tree in page ${root}`);
  return Number(root);
}

function textOrNull(value: SqlValue): string | null {
  return value === null ? null : String(value);
}
