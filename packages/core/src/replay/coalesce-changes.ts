import { imageColumns, type TableShape } from "../capture/table-shape.js";
import type { RowChange, TapeChange } from "../tape/tape-change.js";
import type { SqlRow, SqlValue } from "../values/sql-value.js";

/**
 * The same end with fewer steps: the changes of one row become one, standing where the row's first change stood. A
 * row that was inserted with a value the remote refuses, and mended later, then never shows the refused value.
 *
 * Only a second try uses it: steps in the order they were made are right whenever the remote accepts them, while net
 * changes may collide with each other (two rows that swap a unique value). Nothing is moved across a schema change.
 */
export function coalesceChanges(changes: readonly TapeChange[]): TapeChange[] {
  const result: (TapeChange | undefined)[] = [];
  let places = new Map<string, number>();
  for (const change of changes) {
    if (change.type === "schema" || change.parked) {
      result.push(change);
      if (change.type === "schema") places = new Map();
      continue;
    }
    const keyBefore = change.type === "insert" ? undefined : keyOf(change.shape, change.before);
    const keyAfter = change.type === "delete" ? undefined : keyOf(change.shape, change.after);
    if (keyBefore === null || keyAfter === null) {
      result.push(change);
      continue;
    }
    const place = keyBefore === undefined ? places.get(keyAfter as string) : places.get(keyBefore);
    const earlier = place === undefined ? undefined : (result[place] as RowChange | undefined);
    if (place === undefined || earlier === undefined) {
      result.push(change);
      if (keyAfter !== undefined) places.set(keyAfter, result.length - 1);
      else if (keyBefore !== undefined) places.set(keyBefore, result.length - 1);
      continue;
    }
    result[place] = combine(earlier, change);
    if (keyBefore !== undefined && keyBefore !== keyAfter) places.delete(keyBefore);
    if (keyAfter !== undefined && result[place] !== undefined) places.set(keyAfter, place);
    else if (keyBefore !== undefined && result[place] !== undefined) places.set(keyBefore, place);
  }
  return result.filter((change): change is TapeChange => change !== undefined);
}

/** Two changes of one row as one; `undefined` when they cancel out. */
function combine(earlier: RowChange, later: RowChange): RowChange | undefined {
  const { changeId, parked, shape } = later;
  const base = { changeId, parked, shape };
  if (later.type === "delete") {
    return earlier.type === "insert" ? undefined : { ...base, type: "delete", before: earlier.before };
  }
  // After a delete too: the row may be gone where it lands, and an update would do nothing.
  if (earlier.type !== "update") return { ...base, type: "insert", after: later.after };
  return { ...base, type: "update", before: earlier.before, after: later.after };
}

/** Identity of a row as text: the table, and each key value with its type. A key with a NULL part names no one row. */
function keyOf(shape: TableShape, image: SqlRow): string | null {
  const names = imageColumns(shape);
  const key = shape.key.type === "rowid" ? [shape.key.alias] : shape.key.columns;
  const values = key.map((name) => image[names.indexOf(name)] as SqlValue);
  return values.includes(null) ? null : JSON.stringify([shape.table, ...values.map(keyPart)]);
}

function keyPart(value: SqlValue): string {
  if (value instanceof Uint8Array) return `x${value.join(",")}`;
  return `${typeof value} ${String(value)}`;
}
