import { PageDamage } from "../sqlite-format/page-source.js";
import { contentLength, textOf } from "../sqlite-format/schema-record.js";
import { varintAt, varintEnd } from "../sqlite-format/tree-page.js";
import type { SqlValue } from "../values/sql-value.js";

const SERIAL = { null: 0, integer64: 6, real: 7, zero: 8, one: 9, firstReserved: 10, firstBlob: 12 } as const;
/** Of one call. */
const MOST_ARGUMENTS = 4096;

/**
 * A row as it is stored: a header of serial types, and then the values
 * (https://www.sqlite.org/fileformat2.html#record_format). May be shorter than its table is wide: columns that were added
 * later are missing at the end.
 */
export class ImageRecord {
  /** How many values it has. */
  readonly length: number;
  readonly #bytes: Uint8Array;
  readonly #encoding: number;
  readonly #serials: number[] = [];
  readonly #starts: number[] = [];

  /** `encoding` as page 1 has it. The bytes must not change as long as the record is used. */
  constructor(bytes: Uint8Array, encoding: number) {
    this.#bytes = bytes;
    this.#encoding = encoding;
    const headerEnd = varintAt(bytes, 0);
    if (headerEnd > bytes.length) throw new PageDamage("the header of a row cut off");
    let start = headerEnd;
    let at = varintEnd(bytes, 0);
    while (at < headerEnd) {
      const serial = varintAt(bytes, at);
      at = varintEnd(bytes, at);
      this.#serials.push(serial);
      this.#starts.push(start);
      start += contentLength(serial);
    }
    if (at !== headerEnd || start > bytes.length) throw new PageDamage("a row cut off");
    this.length = this.#serials.length;
  }

  /** A value by its position, as it is stored: a real number without a fraction may be stored as an integer. */
  value(position: number): SqlValue {
    const serial = this.#serials[position];
    const start = this.#starts[position];
    if (serial === undefined || start === undefined) throw new PageDamage("a row without its columns");
    switch (serial) {
      case SERIAL.null:
        return null;
      case SERIAL.zero:
        return 0n;
      case SERIAL.one:
        return 1n;
      case SERIAL.integer64:
        return this.#view(start, 8).getBigInt64(0);
      case SERIAL.real: {
        const real = this.#view(start, 8).getFloat64(0);
        // As SQLite reads it; it writes none.
        return Number.isNaN(real) ? null : real;
      }
    }
    const length = contentLength(serial);
    if (serial < SERIAL.integer64) return BigInt(this.#integer(start, length));
    if (serial < SERIAL.firstBlob) throw new PageDamage(`a value of the unknown kind ${serial}`);
    const content = this.#bytes.subarray(start, start + length);
    return serial % 2 === 0 ? content.slice() : this.#text(content);
  }

  /** What a value is, in the order of an index: 0 NULL, 1 number, 2 text, 3 blob. */
  kind(position: number): number {
    const serial = this.#serials[position] as number;
    if (serial >= SERIAL.firstBlob) return serial % 2 === 0 ? 3 : 2;
    return this.value(position) === null ? 0 : 1;
  }

  /** The bytes of a text or blob. Of use as long as the record is. */
  content(position: number): Uint8Array {
    const start = this.#starts[position] as number;
    return this.#bytes.subarray(start, start + contentLength(this.#serials[position] as number));
  }

  /** An integer of one to six bytes. */
  #integer(start: number, length: number): number {
    const first = this.#bytes[start] as number;
    let value = first < 0x80 ? first : first - 0x100;
    for (let index = 1; index < length; index++) value = value * 256 + (this.#bytes[start + index] as number);
    return value;
  }

  #view(start: number, length: number): DataView {
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, length);
  }

  #text(content: Uint8Array): string {
    // Of ASCII, bytes are code units; decoding is slow in comparison.
    if (this.#encoding !== 1 || !isAscii(content)) return textOf(content, this.#encoding);
    let text = "";
    for (let at = 0; at < content.length; at += MOST_ARGUMENTS)
      text += String.fromCharCode(...content.subarray(at, at + MOST_ARGUMENTS));
    return text;
  }
}

function isAscii(bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index++) {
    if ((bytes[index] as number) >= 0x80) return false;
  }
  return true;
}
