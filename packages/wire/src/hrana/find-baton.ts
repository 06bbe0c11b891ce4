import { ProtobufReader } from "../framing/protobuf-reader.js";
import { decodeUtf8 } from "../framing/utf8.js";
import { WireError } from "../wire-error.js";
import type { HranaFormat } from "./hrana-types.js";
import { JsonCursor, nullableString } from "./json-cursor.js";

/** Longer bodies are not looked through, bytes: whoever asks may have to answer others meanwhile. */
const LONG_BYTES = 1024 * 1024;

/**
 * The baton of the body of a pipeline request or of one for a cursor, without reading all of a long body: beyond 1 MiB it is
 * found only where it comes first, as clients write it. A key that is written with escapes is not found, and the first of
 * two is: whoever reads the body later must compare. Throws `WireError` where what it looks at is malformed.
 */
export function findBaton(body: Uint8Array, format: HranaFormat): string | null {
  return format === "json" ? findInJson(body) : findInProtobuf(body);
}

function findInProtobuf(body: Uint8Array): string | null {
  const reader = new ProtobufReader(body);
  let baton: string | null = null;
  while (reader.next()) {
    if (reader.field === 1) baton = reader.string("baton");
    else if (body.length <= LONG_BYTES) reader.skip();
    if (body.length > LONG_BYTES) break;
  }
  return baton;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const KEY: readonly number[] = Array.from('"baton"', (character) => character.charCodeAt(0));

function findInJson(body: Uint8Array): string | null {
  const isLong = body.length > LONG_BYTES;
  const value = findValue(isLong ? body.subarray(0, LONG_BYTES) : body);
  if (value === undefined) return null;
  const first = skipSpace(body, 0);
  const isFirst = body[first] === OPENING_BRACE && skipSpace(body, first + 1) === value.keyAt;
  const cursor = new JsonCursor();
  if (!isFirst) {
    if (isLong) return null;
    const document = cursor.object(JsonCursor.parse(decodeUtf8(body)));
    return cursor.member(document, "baton", nullableString);
  }
  const end = endOfScalar(body, value.at);
  const after = body[skipSpace(body, end)];
  if (after !== COMMA && after !== CLOSING_BRACE)
    throw new WireError("malformed", "not JSON after the baton");
  const baton = JsonCursor.parse(decodeUtf8(body.subarray(value.at, end)));
  return cursor.member({ baton }, "baton", nullableString);
}

/**
 * Where the first key is that is of that name or ends with it, at whatever depth, and its value. Quotes inside a string of
 * JSON have backslashes, so the second quote ends a string, and a colon after it makes that a key.
 */
function findValue(body: Uint8Array): { readonly keyAt: number; readonly at: number } | undefined {
  for (let keyAt = find(body, 0); keyAt >= 0; keyAt = find(body, keyAt + KEY.length)) {
    const colon = skipSpace(body, keyAt + KEY.length);
    if (body[colon] === COLON) return { keyAt, at: skipSpace(body, colon + 1) };
  }
  return undefined;
}

/** The next place with the bytes of the key. Looks at every seventh byte where nothing is like it. */
function find(body: Uint8Array, from: number): number {
  const last = KEY.length - 1;
  for (let end = from + last; end < body.length; ) {
    let length = 0;
    while (length <= last && body[end - length] === KEY[last - length]) length++;
    if (length > last) return end - last;
    end += SHIFTS[body[end] as number] as number;
  }
  return -1;
}

/** How far the end of the key can be moved on, by the byte that is there: to the same byte of the key. */
const SHIFTS: Uint8Array = new Uint8Array(256).fill(KEY.length);
for (const [index, code] of KEY.slice(0, -1).entries()) SHIFTS[code] = KEY.length - 1 - index;

function skipSpace(body: Uint8Array, from: number): number {
  let index = from;
  while (body[index] === 0x20 || body[index] === 0x0a || body[index] === 0x0d || body[index] === 0x09)
    index++;
  return index;
}

/** The end of a string, or of a word. */
function endOfScalar(body: Uint8Array, at: number): number {
  let index = at + 1;
  if (body[at] === QUOTE) {
    while (index < body.length && body[index] !== QUOTE) index += body[index] === BACKSLASH ? 2 : 1;
    return index + 1;
  }
  // The longest word is `false`, which is none of a baton.
  while (index < at + 5 && (body[index] as number) >= 0x61) index++;
  return index;
}
