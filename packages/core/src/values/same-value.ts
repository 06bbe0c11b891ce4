import type { SqlValue } from "./sql-value.js";

/** Whether two values are the same to the last bit: 1 and 1.0 are not, and neither are 0.0 and −0.0. */
export function sameValue(left: SqlValue, right: SqlValue): boolean {
  if (left instanceof Uint8Array && right instanceof Uint8Array) {
    return left.length === right.length && left.every((byte, index) => byte === right[index]);
  }
  return Object.is(left, right);
}
