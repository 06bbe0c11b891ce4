import { SyncError } from "../errors/sync-error.js";
import type { SqlRow, SqlValue } from "../values/sql-value.js";
import { decodeUtf8, encodeUtf8 } from "../values/utf8.js";

/**
 * Rows of values as bytes, for the replay journal: a row is a value count (u16), then the values, each a tag byte and
 * what the tag says; numbers little-endian. NULL: nothing. Integer: i64. Real: f64. Text and blob: u32 length, bytes.
 */
const TAG = { null: 0, integer: 1, real: 2, text: 3, blob: 4 } as const;

/** Encodes rows one after another. */
export function encodeRows(rows: readonly SqlRow[]): Uint8Array {
  let bytes = new Uint8Array(64 * 1024);
  let view = new DataView(bytes.buffer);
  let end = 0;
  const reserve = (count: number): void => {
    if (end + count <= bytes.length) return;
    const larger = new Uint8Array(Math.max(bytes.length * 2, end + count));
    larger.set(bytes);
    bytes = larger;
    view = new DataView(bytes.buffer);
  };
  const write = (value: SqlValue): void => {
    reserve(9);
    if (value === null) bytes[end++] = TAG.null;
    else if (typeof value === "bigint") {
      bytes[end] = TAG.integer;
      view.setBigInt64(end + 1, value, true);
      end += 9;
    } else if (typeof value === "number") {
      bytes[end] = TAG.real;
      view.setFloat64(end + 1, value, true);
      end += 9;
    } else {
      const text = typeof value === "string";
      const content = text ? encodeUtf8(value) : value;
      reserve(5 + content.length);
      bytes[end] = text ? TAG.text : TAG.blob;
      view.setUint32(end + 1, content.length, true);
      bytes.set(content, end + 5);
      end += 5 + content.length;
    }
  };
  for (const row of rows) {
    reserve(2);
    view.setUint16(end, row.length, true);
    end += 2;
    row.forEach(write);
  }
  return bytes.subarray(0, end);
}

/**
 * Decodes what {@link encodeRows} wrote. The caller has checked the bytes' checksum; bytes that are no rows all the same
 * fail with `damaged-file`.
 */
export function decodeRows(bytes: Uint8Array): SqlRow[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rows: SqlRow[] = [];
  let at = 0;
  /** Passes over some bytes, and gives where they begin. */
  const take = (count: number): number => {
    if (at + count > bytes.length) throw damaged("end inside a value");
    at += count;
    return at - count;
  };
  const read = (): SqlValue => {
    const tag = bytes[take(1)];
    switch (tag) {
      case TAG.null:
        return null;
      case TAG.integer:
        return view.getBigInt64(take(8), true);
      case TAG.real:
        return view.getFloat64(take(8), true);
      case TAG.text:
      case TAG.blob: {
        const length = view.getUint32(take(4), true);
        const start = take(length);
        const content = bytes.subarray(start, start + length);
        return tag === TAG.text ? decodeUtf8(content) : content;
      }
      default:
        throw damaged(`have a value of the unknown kind ${tag}`);
    }
  };
  while (at < bytes.length) {
    const count = view.getUint16(take(2), true);
    const row: SqlValue[] = [];
    while (row.length < count) row.push(read());
    rows.push(row);
  }
  return rows;
}

function damaged(what: string): SyncError {
  return new SyncError(
    "damaged-file",
    `The rows of a replay journal ${what}, though their checksum holds. Keep all files of the replica.`,
  );
}
