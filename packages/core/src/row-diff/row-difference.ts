import type { TableShape } from "../capture/table-shape.js";
import type { RowChange } from "../tape/tape-change.js";
import type { SqlRow } from "../values/sql-value.js";
import { sameImage } from "./row-images.js";

export function deletionOf(shape: TableShape, before: SqlRow): RowChange {
  return { type: "delete", changeId: 0, parked: false, shape, before };
}

export function insertOf(shape: TableShape, after: SqlRow): RowChange {
  return { type: "insert", changeId: 0, parked: false, shape, after };
}

/** None where both images are the same. */
export function* updateOf(shape: TableShape, before: SqlRow, after: SqlRow): Generator<RowChange, void> {
  if (!sameImage(before, after)) yield { type: "update", changeId: 0, parked: false, shape, before, after };
}
