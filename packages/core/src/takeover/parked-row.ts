import { foldName } from "../capture/schema-row.js";
import { imageColumns } from "../capture/table-shape.js";
import type { RowChange } from "../tape/tape-change.js";
import { sameValue } from "../values/same-value.js";
import type { SqlRow, SqlValue } from "../values/sql-value.js";

/** By table, the columns whose values, alone or together, no two rows may share. Names as `foldName` writes them. */
export type UniqueColumns = ReadonlyMap<string, ReadonlySet<string>>;

/** Pairs of a table and a column of it that a unique index has, the key's own aside. */
export const UNIQUE_COLUMNS_SQL = `SELECT m.name, c.name FROM sqlite_schema m
  JOIN pragma_index_list(m.name) i JOIN pragma_index_info(i.name) c
  WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' AND i."unique" AND i.origin <> 'pk' AND c.name IS NOT NULL`;

/** Reads the rows of {@link UNIQUE_COLUMNS_SQL}. */
export function readUniqueColumns(rows: readonly SqlRow[]): UniqueColumns {
  const unique = new Map<string, Set<string>>();
  for (const [table, column] of rows) {
    const key = foldName(String(table));
    unique.set(key, (unique.get(key) ?? new Set()).add(foldName(String(column))));
  }
  return unique;
}

/** Numbers from here on are hardly anybody's; they are positive, since values often have to be. */
const FIRST_PARKED = 2n ** 62n;

/**
 * What a row is after an update, but with a number that no row has in each unique column that has changed; `undefined` where
 * none has. `place`: another one for each row of the table.
 */
export function parkedRow(
  { shape, before, after }: Extract<RowChange, { readonly type: "update" }>,
  unique: UniqueColumns,
  place: number,
): SqlRow | undefined {
  const columns = unique.get(foldName(shape.table));
  if (columns === undefined) return undefined;
  const key = new Set(shape.key.type === "columns" ? shape.key.columns.map(foldName) : []);
  let hasParked = false;
  const row = imageColumns(shape).map((name, index): SqlValue => {
    const value = after[index] as SqlValue;
    const folded = foldName(name);
    const isTaken = columns.has(folded) && !key.has(folded) && value !== null;
    if (!isTaken || sameValue(before[index] as SqlValue, value)) return value;
    hasParked = true;
    return FIRST_PARKED + BigInt(place);
  });
  return hasParked ? row : undefined;
}
