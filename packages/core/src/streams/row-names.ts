import { foldName } from "../capture/schema-row.js";
import { imageColumns, type TableShape } from "../capture/table-shape.js";
import type { SqlRow, SqlValue } from "../values/sql-value.js";
import type { StreamChange } from "./change-package.js";

/**
 * The rows that a change is about, as texts that are equal where the rows may be the same: more rows are taken for the same
 * than are, because collations are not known. `undefined` where nothing tells: a schema change, or a row without a key.
 */
export function rowNames(change: StreamChange): readonly string[] | undefined {
  if (change.type === "schema") return undefined;
  const names: string[] = [];
  for (const image of [
    ...("before" in change ? [change.before] : []),
    ...("after" in change ? [change.after] : []),
  ]) {
    const name = nameOf(change.shape, image);
    if (name === undefined) return undefined;
    names.push(name);
  }
  return names;
}

function nameOf(shape: TableShape, image: SqlRow): string | undefined {
  if (shape.key.type === "rowid") return undefined;
  const columns = imageColumns(shape);
  const values = shape.key.columns.map((name) => image[columns.indexOf(name)] as SqlValue);
  return values.includes(null)
    ? undefined
    : JSON.stringify([foldName(shape.table), ...values.map(valueName)]);
}

function valueName(value: SqlValue): string {
  if (typeof value === "string") return `t${value.toLowerCase().trimEnd()}`;
  if (value instanceof Uint8Array) return `x${value.join(",")}`;
  return `n${Number(value)}`;
}
