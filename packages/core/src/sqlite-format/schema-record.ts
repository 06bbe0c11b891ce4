import { crc32 } from "../values/crc32.js";
import { decodeUtf8 } from "../values/utf8.js";
import { PageDamage } from "./page-source.js";
import { varintAt, varintEnd } from "./tree-page.js";

/** Bytes of values by their serial types, up to 11. */
const LENGTHS = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0];

/** Code units that are made text at once. */
const UNITS = 4096;

/** What a row of sqlite_schema says, as far as it tells whose a page is. */
export interface SchemaRecord {
  readonly type: string;
  readonly name: string;
  /** Its own name for a table or view. */
  readonly table: string;
  /** 0: it has no pages. */
  readonly root: number;
  /** Another one where anything of the row is another. */
  readonly digest: number;
}

/** Reads the record of a row of sqlite_schema. `encoding` as page 1 has it. */
export function parseSchemaRecord(record: Uint8Array, encoding: number): SchemaRecord {
  const headerEnd = varintAt(record, 0);
  let at = varintEnd(record, 0);
  let start = headerEnd;
  const next = (): { readonly serial: number; readonly content: Uint8Array } => {
    if (at >= headerEnd) throw new PageDamage("a schema record without its columns");
    const serial = varintAt(record, at);
    at = varintEnd(record, at);
    const end = start + contentLength(serial);
    if (end > record.length) throw new PageDamage("a schema record cut off");
    const content = record.subarray(start, end);
    start = end;
    return { serial, content };
  };
  const text = (): string => textOf(next().content, encoding);
  return { type: text(), name: text(), table: text(), root: numberOf(next()), digest: crc32(record) };
}

/** Bytes of a value of that serial type. */
export function contentLength(serial: number): number {
  if (serial >= 12) return Math.floor((serial - 12) / 2);
  return LENGTHS[serial] ?? 0;
}

function numberOf({ serial, content }: { readonly serial: number; readonly content: Uint8Array }): number {
  if (serial === 9) return 1;
  if (serial > 6) return 0;
  return content.reduce((value, byte) => value * 256 + byte, 0);
}

/** The text that bytes stand for. `encoding` as page 1 has it. */
export function textOf(bytes: Uint8Array, encoding: number): string {
  if (encoding < 2) return decodeUtf8(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const units = new Uint16Array(Math.min(UNITS, bytes.length >>> 1));
  let text = "";
  for (let at = 0; at + 2 <= bytes.length; ) {
    let count = 0;
    for (; count < UNITS && at + 2 <= bytes.length; at += 2)
      units[count++] = view.getUint16(at, encoding === 2);
    text += String.fromCharCode(...units.subarray(0, count));
  }
  return text;
}
