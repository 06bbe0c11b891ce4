import { ByteReader } from "../framing/byte-reader.js";
import { decodeUtf8, encodeUtf8 } from "../framing/utf8.js";
import type { SqlValue } from "../hrana/hrana-value.js";
import { WireError } from "../wire-error.js";

// Values as bincode writes the enumeration of libSQL (libsql-server/src/query.rs): a tag of four bytes, then what it says,
// all little endian, lengths in eight bytes.

const NULL = 0;
const INTEGER = 1;
const REAL = 2;
const TEXT = 3;
const BLOB = 4;

const TAG_BYTES = 4;

/** Throws `WireError`. */
export function decodeProxyValue(bytes: Uint8Array): SqlValue {
  const reader = new ByteReader(bytes);
  const value = readValue(reader);
  reader.end();
  return value;
}

export function encodeProxyValue(value: SqlValue): Uint8Array {
  switch (typeof value) {
    case "bigint":
      return tagged(INTEGER, 8, (view) => view.setBigInt64(TAG_BYTES, value, true));
    case "number":
      return tagged(REAL, 8, (view) => view.setFloat64(TAG_BYTES, value, true));
    case "string":
      return sized(TEXT, encodeUtf8(value));
    default:
      return value === null ? tagged(NULL, 0, () => {}) : sized(BLOB, value);
  }
}

function readValue(reader: ByteReader): SqlValue {
  const tag = reader.uint32();
  switch (tag) {
    case NULL:
      return null;
    case INTEGER:
      return BigInt.asIntN(64, readUint64(reader));
    case REAL:
      return reader.double();
    case TEXT:
      return decodeUtf8(readSized(reader));
    case BLOB:
      return readSized(reader);
    default:
      throw new WireError("malformed", `a value of a type that none is of: ${tag}`);
  }
}

function readSized(reader: ByteReader): Uint8Array {
  const length = readUint64(reader);
  if (length > reader.left) throw new WireError("truncated", "a value ends too early");
  return reader.raw(Number(length));
}

function readUint64(reader: ByteReader): bigint {
  const low = reader.uint32();
  return (BigInt(reader.uint32()) << 32n) | BigInt(low);
}

function tagged(tag: number, size: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(TAG_BYTES + size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, tag, true);
  write(view);
  return bytes;
}

function sized(tag: number, content: Uint8Array): Uint8Array {
  const bytes = tagged(tag, 8 + content.length, (view) =>
    view.setBigUint64(TAG_BYTES, BigInt(content.length), true),
  );
  bytes.set(content, TAG_BYTES + 8);
  return bytes;
}
