import type { SqlValue } from "@tributary/core";

/** Makes the blobs of a row plain `Uint8Array`s, in place: better-sqlite3 gives `Buffer`s. */
export function plainBytes(row: SqlValue[]): void {
  for (let index = 0; index < row.length; index++) {
    const value = row[index];
    if (value instanceof Uint8Array)
      row[index] = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
}
