import type { ImageDifference } from "../../../src/row-diff/image-difference.js";
import type { RowChange } from "../../../src/tape/tape-change.js";

/** A change as its kind and its images. */
export type ShortChange = readonly [RowChange["type"], ...(readonly unknown[])[]];

/** What a difference tells of rows, by table. Tables without changes are left out. */
export function shortChanges({ tables }: ImageDifference): Record<string, ShortChange[]> {
  const told = tables.map(({ shape, rows }) => [shape.table, [...rows()].map(shortChange)] as const);
  return Object.fromEntries(told.filter(([, rows]) => rows.length > 0));
}

function shortChange(change: RowChange): ShortChange {
  switch (change.type) {
    case "insert":
      return ["insert", change.after];
    case "update":
      return ["update", change.before, change.after];
    case "delete":
      return ["delete", change.before];
  }
}
