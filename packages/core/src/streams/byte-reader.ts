import { decodeUtf8, encodeUtf8 } from "../values/utf8.js";
import { damagedPackage } from "./damaged-package.js";

const CHUNK = 4096;

/**
 * Reads what `ByteWriter` writes. Every length is held against the bytes that are left before anything is made of it, and a
 * number has one form only, so that bytes which can be read are those that would be written. Fails with `damaged-package`.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #at = 0;

  /** Reads the first `length` of `bytes`. */
  constructor(bytes: Uint8Array, length: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = length;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#end - this.#at;
  }

  byte(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  /** An integer of 0 to 2^53 − 1. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 1; count <= 8; count++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (byte === 0 && count > 1) throw damagedPackage("has a number that is longer than it needs to be");
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
      scale *= 0x80;
    }
    throw damagedPackage("has a number of more than 53 bits where none may be");
  }

  /** How many of something follow, each of which takes at least `least` bytes. */
  count(least: number): number {
    const count = this.varint();
    if (count * least > this.left) throw damagedPackage(`counts ${count} where ${this.left} bytes are left`);
    return count;
  }

  /** A signed integer of 64 bits in zig-zag form. */
  integer(): bigint {
    const start = this.#at;
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw damagedPackage("has a number that is longer than it needs to be");
        return BigInt(low & 1 ? -(low >>> 1) - 1 : low >>> 1);
      }
    }
    this.#at = start;
    return this.#large();
  }

  real(): number {
    const value = this.#view.getFloat64(this.#take(8), true);
    if (Number.isNaN(value)) throw damagedPackage("has a real that is no number");
    return value;
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** Bytes with their length before them; a copy. */
  sized(): Uint8Array {
    const length = this.count(1);
    const start = this.#take(length);
    // `slice` would not do: that of Node's Buffer makes no copy.
    return new Uint8Array(this.#bytes.subarray(start, start + length));
  }

  /** UTF-8 with its length in bytes before it. */
  text(): string {
    const length = this.count(1);
    const start = this.#take(length);
    const end = start + length;
    for (let index = start; index < end; index++) {
      if ((this.#bytes[index] as number) >= 0x80) return this.#unicode(start, end);
    }
    if (length <= CHUNK) return this.#ascii(start, end);
    const parts: string[] = [];
    for (let at = start; at < end; at += CHUNK) parts.push(this.#ascii(at, Math.min(at + CHUNK, end)));
    return parts.join("");
  }

  #ascii(start: number, end: number): string {
    return String.fromCharCode.apply(null, this.#bytes.subarray(start, end) as unknown as number[]);
  }

  #unicode(start: number, end: number): string {
    const bytes = this.#bytes.subarray(start, end);
    const text = decodeUtf8(bytes);
    // Malformed bytes have become U+FFFD, which is well-formed itself: the bytes of the text tell the one from the other.
    if (text.includes("\ufffd")) {
      const wellFormed = encodeUtf8(text);
      const isSame = wellFormed.length === bytes.length && wellFormed.every((byte, i) => byte === bytes[i]);
      if (!isSame) throw damagedPackage("has text that is no UTF-8");
    }
    return text;
  }

  #large(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0) throw damagedPackage("has a number that is longer than it needs to be");
        if (value >> 64n !== 0n) break;
        return value & 1n ? -(value >> 1n) - 1n : value >> 1n;
      }
    }
    throw damagedPackage("has an integer of more than 64 bits");
  }

  /** Passes over some bytes, and gives where they begin. */
  #take(count: number): number {
    if (count > this.left) throw damagedPackage("ends in the middle");
    this.#at += count;
    return this.#at - count;
  }
}
