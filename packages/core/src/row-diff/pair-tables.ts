import { foldName } from "../capture/schema-row.js";
import type { SchemaEntry } from "./image-schema.js";
import type { ImageState } from "./image-state.js";
import type { ScratchTables } from "./scratch-tables.js";
import type { TableLayout } from "./table-layout.js";

/** How ALTER TABLE … RENAME writes the name. */
const RENAMED = 'CREATE TABLE "';

/**
 * The tables before that have another name after, by that one folded. ALTER TABLE keeps the place of a table in the schema,
 * and its root page; a table that was made anew, where one was dropped, hardly has both.
 */
export function findRenamedTables(
  before: ImageState,
  after: ImageState,
  scratch: ScratchTables,
): ReadonlyMap<string, SchemaEntry> {
  const gone = new Map<number, SchemaEntry>();
  for (const [name, entry] of before.tables) {
    if (!after.tables.has(name)) gone.set(entry.root, entry);
  }
  const renamed = new Map<string, SchemaEntry>();
  for (const [name, entry] of after.tables) {
    const old = before.tables.has(name) ? undefined : gone.get(entry.root);
    if (old?.rowid !== entry.rowid || !entry.sql?.startsWith(RENAMED)) continue;
    if (areAlike(scratch.layoutOf(old), scratch.layoutOf(entry))) renamed.set(name, old);
  }
  return renamed;
}

/** Whether two tables can be one: they have the same key, and a column in common. */
function areAlike(before: TableLayout, after: TableLayout): boolean {
  const keyOf = ({ shape, isIndex, keyIsRowid }: TableLayout): string =>
    JSON.stringify([
      isIndex,
      keyIsRowid,
      shape.key.type === "columns" ? shape.key.columns.map(foldName) : [],
    ]);
  const names = new Set(before.shape.columns.map(foldName));
  return keyOf(before) === keyOf(after) && after.shape.columns.some((name) => names.has(foldName(name)));
}
