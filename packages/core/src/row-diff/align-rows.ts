import { PageDamage } from "../sqlite-format/page-source.js";
import { compareKeys } from "./compare-keys.js";
import type { ImageRecord } from "./record.js";
import type { RowCursor } from "./row-cursor.js";
import type { KeyTerm } from "./table-layout.js";

/** At which of two cursors a row is: at both, if it is stored under the same key. */
export type RowSide = "before" | "after" | "both";

/**
 * Goes through two states of a table at once, in the order of what its rows are stored by: `key`, or their rowids if it is
 * undefined. With each step the cursors stand at the rows that it tells of. Rows in another order are `PageDamage`.
 */
export function alignRows(
  before: RowCursor | undefined,
  after: RowCursor,
  key: readonly KeyTerm[] | undefined,
): Generator<RowSide, void> {
  if (key === undefined) return align<bigint>(before, after, (cursor) => cursor.rowid, compareRowids);
  const compare = (left: ImageRecord, right: ImageRecord): number => compareKeys(left, right, key);
  return align(before, after, (cursor) => cursor.record, compare);
}

/** All rows of both, as if none was in both: where they are not stored in one order. */
export function* unalignedRows(before: RowCursor | undefined, after: RowCursor): Generator<RowSide, void> {
  while (before?.next()) yield "before";
  while (after.next()) yield "after";
}

function* align<Key>(
  before: RowCursor | undefined,
  after: RowCursor,
  keyOf: (cursor: RowCursor) => Key,
  compare: (left: Key, right: Key) => number,
): Generator<RowSide, void> {
  const move = (cursor: RowCursor, from: Key | undefined): Key | undefined => {
    if (!cursor.next()) return undefined;
    const key = keyOf(cursor);
    if (from !== undefined && compare(from, key) >= 0) throw new PageDamage("rows out of their order");
    return key;
  };
  let left = before && move(before, undefined);
  let right = move(after, undefined);
  while (left !== undefined || right !== undefined) {
    const order = left === undefined ? 1 : right === undefined ? -1 : compare(left, right);
    yield order < 0 ? "before" : order > 0 ? "after" : "both";
    if (order <= 0) left = before && move(before, left);
    if (order >= 0) right = move(after, right);
  }
}

function compareRowids(left: bigint, right: bigint): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
