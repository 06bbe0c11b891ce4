import { foldName } from "../capture/schema-row.js";
import type { TableShape } from "../capture/table-shape.js";
import { crc32 } from "../values/crc32.js";
import { encodeUtf8 } from "../values/utf8.js";
import { ByteWriter } from "./byte-writer.js";

const KEY = { rowid: 0, columns: 1, nullableColumns: 2 } as const;

/**
 * A u32 that is the same for the same tables, columns and keys, in whatever order they were made and however the ASCII
 * letters of their names are written; types, indexes and the name by which a keyless table's rowid is read do not count.
 * Equal hashes make equal tables likely, not certain. docs/WIRE_FORMAT.md has it byte by byte.
 */
export function schemaHashOf(shapes: readonly TableShape[]): number {
  const writer = new ByteWriter();
  const named = shapes.map((shape): [Uint8Array, TableShape] => [encodeUtf8(foldName(shape.table)), shape]);
  for (const [name, { columns, key }] of named.sort(([left], [right]) => compareBytes(left, right))) {
    writer.sized(name);
    writeNames(writer, columns);
    if (key.type === "rowid") writer.byte(KEY.rowid);
    else {
      writer.byte(key.nullable ? KEY.nullableColumns : KEY.columns);
      writeNames(writer, key.columns);
    }
  }
  return crc32(writer.bytes);
}

function writeNames(writer: ByteWriter, names: readonly string[]): void {
  const folded = names.map((name) => encodeUtf8(foldName(name)));
  writer.varint(folded.length);
  for (const name of folded.sort(compareBytes)) writer.sized(name);
}

function compareBytes(left: Uint8Array, right: Uint8Array): number {
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const difference = (left[index] as number) - (right[index] as number);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
