import { WireError } from "../wire-error.js";
import { decodeUtf8 } from "./utf8.js";

const MAX_VARINT_BYTES = 10;

/**
 * Reads numbers, texts and bytes one after the other. Nothing is allocated for what is not there. Everything throws
 * `WireError`: `truncated` where the bytes end too early, else `malformed`.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  byte(): number {
    return this.#bytes[this.#take(1) - 1] as number;
  }

  /** A varint of a safe integer. */
  uint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new WireError("malformed", "a number is above 2^53 - 1");
      if (byte < 0x80) return value;
      // Zeros can go on for as long as they like.
      if (scale > Number.MAX_SAFE_INTEGER) throw new WireError("malformed", "a number has no end");
    }
  }

  /** A zig-zag varint of 64 bits. */
  int64(): bigint {
    let low = 0;
    let scale = 1;
    for (let size = 0; size < 7; size++) {
      const byte = this.byte();
      low += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte < 0x80) return BigInt(low % 2 === 0 ? low / 2 : -(low + 1) / 2);
    }
    let value = BigInt(low);
    for (let size = 7; size < MAX_VARINT_BYTES; size++) {
      const byte = this.byte();
      if (size === MAX_VARINT_BYTES - 1 && byte > 1) break;
      value |= BigInt(byte & 0x7f) << BigInt(7 * size);
      if (byte < 0x80) return (value >> 1n) ^ -(value & 1n);
    }
    throw new WireError("malformed", "a number has more than 64 bits");
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8) - 8, true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4) - 4, true);
  }

  text(): string {
    return decodeUtf8(this.bytes());
  }

  /** A view. */
  bytes(): Uint8Array {
    return this.raw(this.uint());
  }

  /** A view of that many bytes. */
  raw(count: number): Uint8Array {
    const end = this.#take(count);
    return this.#bytes.subarray(end - count, end);
  }

  /** Passes over that many bytes. */
  skip(count: number): void {
    this.#take(count);
  }

  /** Passes over what `int64` would read. */
  skipInt64(): void {
    for (let size = 1; ; size++) {
      const byte = this.byte();
      if (size === MAX_VARINT_BYTES && byte > 1)
        throw new WireError("malformed", "a number has more than 64 bits");
      if (byte < 0x80) return;
    }
  }

  /** Throws where anything is left. */
  end(): void {
    if (this.left > 0) throw new WireError("malformed", `${this.left} bytes too many`);
  }

  /** The offset after that many bytes. */
  #take(count: number): number {
    if (count > this.left) throw new WireError("truncated", "the bytes end too early");
    this.#offset += count;
    return this.#offset;
  }
}
