import { encodeUtf8 } from "../values/utf8.js";

const SMALL_LIMIT = 0x8000_0000;
const EXACT_LIMIT = 2 ** 52;

/** Bytes that grow as they are written: numbers as docs/WIRE_FORMAT.md has them, least significant group first. */
export class ByteWriter {
  #bytes: Uint8Array = new Uint8Array(1024);
  #view: DataView = new DataView(this.#bytes.buffer);
  #length = 0;

  /** What was written, without a copy: stays right until the next write. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** An integer of 0 to 2^53 − 1. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= SMALL_LIMIT) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  /** A signed integer of 64 bits in zig-zag form: small ones are short, whatever their sign. */
  integer(value: bigint): void {
    // Work on a bigint allocates, so only what a double cannot hold exactly pays for it.
    const near = Number(value);
    if (near > -EXACT_LIMIT && near < EXACT_LIMIT) this.varint(near < 0 ? -2 * near - 1 : 2 * near);
    else this.#large(BigInt.asUintN(64, value < 0n ? ~(value << 1n) : value << 1n));
  }

  real(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  /** Bytes with their length before them. */
  sized(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** UTF-8 with its length in bytes before it; a lone surrogate becomes U+FFFD. */
  text(text: string): void {
    const start = this.#length;
    this.varint(text.length);
    this.#reserve(text.length);
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (unit >= 0x80) {
        this.#length = start;
        this.sized(encodeUtf8(text));
        return;
      }
      this.#bytes[this.#length++] = unit;
    }
  }

  #large(value: bigint): void {
    this.#reserve(10);
    let rest = value;
    while (rest >= 0x80n) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, needed));
    larger.set(this.bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
