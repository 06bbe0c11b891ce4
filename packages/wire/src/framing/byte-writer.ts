import { isInt64 } from "../hrana/int64.js";
import { WireError } from "../wire-error.js";
import { writeUtf8 } from "./utf8.js";
import { varintSize, writeVarint } from "./varint.js";

const SMALLEST_BUFFER = 256;
const LONGEST_VARINT = 10;

/** Writes numbers, texts and bytes one after the other into a buffer that grows. The form is that of `ByteReader`. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(SMALLEST_BUFFER);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What has been written: a view, until something more is. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** A varint. Throws `WireError` `unsupported` where it is not a safe integer, or negative. */
  uint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new WireError("unsupported", `not an integer from 0 to 2^53 - 1: ${value}`);
    this.#reserve(LONGEST_VARINT);
    if (value < 0x80) this.#bytes[this.#length++] = value;
    else this.#length = writeVarint(this.#bytes, this.#length, value);
  }

  /** A zig-zag varint. Throws `WireError` `unsupported` for an integer of more than 64 bits. */
  int64(value: bigint): void {
    const small = Number(value);
    if (Math.abs(small) < 2 ** 52) {
      this.uint(small < 0 ? -2 * small - 1 : 2 * small);
      return;
    }
    if (!isInt64(value)) throw new WireError("unsupported", `an integer has more than 64 bits: ${value}`);
    this.#reserve(LONGEST_VARINT);
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    while (rest >= 0x80n) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  /** Its length in bytes, and its UTF-8. */
  text(text: string): void {
    this.#reserve(LONGEST_VARINT + 3 * text.length);
    // Room for the length of most of them. Those that are longer are moved, once.
    const start = this.#length + 1;
    const size = writeUtf8(text, this.#bytes, start);
    const more = varintSize(size) - 1;
    if (more > 0) this.#bytes.copyWithin(start + more, start, start + size);
    this.#length = writeVarint(this.#bytes, this.#length, size) + size;
  }

  /** Its length, and the bytes. */
  bytes(bytes: Uint8Array): void {
    this.uint(bytes.length);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Writes another byte in the place of one that was written. */
  replaceByte(offset: number, value: number): void {
    this.#bytes[offset] = value;
  }

  /** Takes back what was written from that length on. */
  truncate(length: number): void {
    this.#length = length;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.written);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
