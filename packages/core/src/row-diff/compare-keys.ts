import { PageDamage } from "../sqlite-format/page-source.js";
import type { SqlValue } from "../values/sql-value.js";
import type { ImageRecord } from "./record.js";
import type { KeyTerm } from "./table-layout.js";

const UPPER_A = 0x41;
const UPPER_Z = 0x5a;
const SPACE = 0x20;

/**
 * The order of two rows of an index, of texts in UTF-8: NULL, numbers, texts by their collation, blobs
 * (https://www.sqlite.org/datatype3.html#comparison_expressions). Below 0: `left` comes first. The key is what a record
 * begins with; its collations must be known.
 */
export function compareKeys(left: ImageRecord, right: ImageRecord, key: readonly KeyTerm[]): number {
  if (Math.min(left.length, right.length) < key.length) throw new PageDamage("a row without its key");
  for (const [position, { collation, descending }] of key.entries()) {
    const order = compareAt(left, right, position, collation);
    if (order !== 0) return descending ? -order : order;
  }
  return 0;
}

function compareAt(
  left: ImageRecord,
  right: ImageRecord,
  position: number,
  collation: string | undefined,
): number {
  const [one, other] = [left.kind(position), right.kind(position)];
  if (one !== other) return one - other;
  if (one === 0) return 0;
  if (one === 1) return compareNumbers(left.value(position), right.value(position));
  return compareBytes(left.content(position), right.content(position), one === 2 ? collation : "binary");
}

function compareNumbers(left: SqlValue, right: SqlValue): number {
  // Integers and reals compare exactly here, as they do in SQLite.
  const [one, other] = [left as bigint | number, right as bigint | number];
  return one < other ? -1 : one > other ? 1 : 0;
}

function compareBytes(left: Uint8Array, right: Uint8Array, collation: string | undefined): number {
  const [leftEnd, rightEnd] =
    collation === "rtrim" ? [trimmed(left), trimmed(right)] : [left.length, right.length];
  const end = Math.min(leftEnd, rightEnd);
  const folds = collation === "nocase";
  for (let index = 0; index < end; index++) {
    const one = left[index] as number;
    const other = right[index] as number;
    if (one === other) continue;
    const order = folds ? folded(one) - folded(other) : one - other;
    if (order !== 0) return order;
  }
  return leftEnd - rightEnd;
}

function folded(byte: number): number {
  return byte >= UPPER_A && byte <= UPPER_Z ? byte | SPACE : byte;
}

function trimmed(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === SPACE) end--;
  return end;
}
