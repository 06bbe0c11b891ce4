import type { SqlRow, SqlValue } from "../values/sql-value.js";
import type { ByteReader } from "./byte-reader.js";
import type { ByteWriter } from "./byte-writer.js";
import { damagedPackage } from "./damaged-package.js";

const TAG = { null: 0, integer: 1, real: 2, text: 3, blob: 4 } as const;

/** Writes one value: a tag and what the tag says. */
export function writeValue(writer: ByteWriter, value: SqlValue): void {
  if (value === null) writer.byte(TAG.null);
  else if (typeof value === "bigint") {
    writer.byte(TAG.integer);
    writer.integer(value);
  } else if (typeof value === "number") {
    writer.byte(TAG.real);
    writer.real(value);
  } else if (typeof value === "string") {
    writer.byte(TAG.text);
    writer.text(value);
  } else {
    writer.byte(TAG.blob);
    writer.sized(value);
  }
}

/** Reads one value. */
export function readValue(reader: ByteReader): SqlValue {
  const tag = reader.byte();
  switch (tag) {
    case TAG.null:
      return null;
    case TAG.integer:
      return reader.integer();
    case TAG.real:
      return reader.real();
    case TAG.text:
      return reader.text();
    case TAG.blob:
      return reader.sized();
    default:
      throw damagedPackage(`has a value of the unknown kind ${tag}`);
  }
}

/** Reads as many values. */
export function readRow(reader: ByteReader, width: number): SqlRow {
  const row: SqlValue[] = [];
  for (let index = 0; index < width; index++) row.push(readValue(reader));
  return row;
}
