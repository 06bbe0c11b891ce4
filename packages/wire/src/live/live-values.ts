import type { ByteReader } from "../framing/byte-reader.js";
import type { ByteWriter } from "../framing/byte-writer.js";
import { decodeUtf8 } from "../framing/utf8.js";
import type { SqlValue } from "../hrana/hrana-value.js";
import { WireError } from "../wire-error.js";

// A value begins with a byte that says what it is; small integers, and the lengths of short texts and blobs, are in it.

const NULL = 0;
const INTEGER = 1;
const REAL = 2;
const TEXT = 3;
const BLOB = 4;
/** From here on, with a number from 0 to 63 added. */
const SMALL_INTEGER = 0x40;
const SHORT_TEXT = 0x80;
const SHORT_BLOB = 0xc0;
const SMALL = 0x40;

/** Throws `WireError` `unsupported` for an integer of more than 64 bits. */
export function writeValue(value: SqlValue, writer: ByteWriter): void {
  switch (typeof value) {
    case "bigint":
      if (value >= 0n && value < SMALL) {
        writer.byte(SMALL_INTEGER + Number(value));
        return;
      }
      writer.byte(INTEGER);
      writer.int64(value);
      return;
    case "number":
      writer.byte(REAL);
      writer.double(value);
      return;
    case "string":
      writeText(value, writer);
      return;
    default:
      if (value === null) writer.byte(NULL);
      else if (value.length < SMALL) {
        writer.byte(SHORT_BLOB + value.length);
        writer.raw(value);
      } else {
        writer.byte(BLOB);
        writer.bytes(value);
      }
  }
}

function writeText(text: string, writer: ByteWriter): void {
  if (text.length < SMALL) {
    const start = writer.length;
    writer.text(text);
    const size = writer.length - start - 1;
    // The byte of its length becomes that of the value.
    if (size < SMALL) {
      writer.replaceByte(start, SHORT_TEXT + size);
      return;
    }
    writer.truncate(start);
  }
  writer.byte(TEXT);
  writer.text(text);
}

/** Throws `WireError`. A blob is a view of the bytes. */
export function readValue(reader: ByteReader): SqlValue {
  const kind = reader.byte();
  if (kind >= SHORT_BLOB) return reader.raw(kind - SHORT_BLOB);
  if (kind >= SHORT_TEXT) return decodeUtf8(reader.raw(kind - SHORT_TEXT));
  if (kind >= SMALL_INTEGER) return BigInt(kind - SMALL_INTEGER);
  switch (kind) {
    case NULL:
      return null;
    case INTEGER:
      return reader.int64();
    case REAL:
      return reader.double();
    case TEXT:
      return reader.text();
    case BLOB:
      return reader.bytes();
    default:
      throw new WireError("malformed", `unknown kind of value ${kind}`);
  }
}

/** Passes a value over, and throws what `readValue` would, but where a text is not UTF-8. */
export function skipValue(reader: ByteReader): void {
  const kind = reader.byte();
  if (kind >= SHORT_BLOB) reader.skip(kind - SHORT_BLOB);
  else if (kind >= SHORT_TEXT) reader.skip(kind - SHORT_TEXT);
  else if (kind >= SMALL_INTEGER || kind === NULL) return;
  else if (kind === INTEGER) reader.skipInt64();
  else if (kind === REAL) reader.skip(8);
  else if (kind === TEXT || kind === BLOB) reader.skip(reader.uint());
  else throw new WireError("malformed", `unknown kind of value ${kind}`);
}
