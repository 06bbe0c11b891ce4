import { isInt64Text } from "../hrana/int64.js";
import { WireError } from "../wire-error.js";
import { writeUtf8 } from "./utf8.js";
import { varintSize, writeVarint } from "./varint.js";

/** Wire types. */
const VARINT = 0;
const EIGHT_BYTES = 1;
const LENGTH_DELIMITED = 2;

const LONGEST_VARINT = 10;
/** What the buffer has to begin with, and may have to be kept for the next message. */
const SMALL_BUFFER = 64 * 1024;
const LARGEST_KEPT_BUFFER = 1024 * 1024;

/**
 * Writes the fields of a protobuf message into one buffer that grows. A generic writer keeps a list of closures, several
 * for every value of a row: ten times the memory of the answer. Fields are written as they come, zeros too; who leaves out
 * a zero does so himself.
 */
export class ProtobufWriter {
  #bytes: Uint8Array = new Uint8Array(SMALL_BUFFER);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** A message, of its own memory. Throws `WireError` `too-long` where there is no memory of that size. */
  encode(write: (writer: ProtobufWriter) => void): Uint8Array<ArrayBuffer> {
    this.#length = 0;
    try {
      write(this);
      return this.#bytes.slice(0, this.#length) as Uint8Array<ArrayBuffer>;
    } catch (error) {
      if (error instanceof RangeError)
        throw new WireError("too-long", "the message is too long", { cause: error });
      throw error;
    } finally {
      if (this.#bytes.length > LARGEST_KEPT_BUFFER) this.#use(new Uint8Array(SMALL_BUFFER));
    }
  }

  /** Begins a message that is a field. Gives what `close` needs. */
  open(field: number): number {
    this.#tag(field, LENGTH_DELIMITED);
    // Room for the length of most of them. Those that are longer are moved, once.
    this.#length++;
    return this.#length;
  }

  close(start: number): void {
    const size = this.#length - start;
    const more = varintSize(size) - 1;
    if (more > 0) {
      this.#reserve(more);
      this.#bytes.copyWithin(start + more, start, this.#length);
      this.#length += more;
    }
    writeVarint(this.#bytes, start - 1, size);
  }

  /** A message without fields. */
  empty(field: number): void {
    this.#tag(field, LENGTH_DELIMITED);
    this.#bytes[this.#length++] = 0;
  }

  /** A safe integer that is not negative. */
  uint(field: number, value: number): void {
    this.#tag(field, VARINT);
    this.#varint(value);
  }

  /** An integer of 32 bits, as protobuf's `int32`: a negative one takes ten bytes. */
  int32(field: number, value: number): void {
    this.#tag(field, VARINT);
    if (value >= 0) this.#varint(value);
    else this.#bigVarint(BigInt.asUintN(64, BigInt(value)));
  }

  /** An integer of 64 bits, as protobuf's `uint64`, and, where it is negative, as its `int64`. */
  int64(field: number, value: bigint): void {
    this.#tag(field, VARINT);
    this.#bigVarint(BigInt.asUintN(64, value));
  }

  bool(field: number, value: boolean): void {
    this.uint(field, value ? 1 : 0);
  }

  /** The decimal text of an integer of 64 bits, as `sint64`. Throws `WireError` `unsupported` for another text. */
  sint64(field: number, decimal: string): void {
    if (!isInt64Text(decimal)) throw new WireError("unsupported", `not an integer of 64 bits: ${decimal}`);
    this.#tag(field, VARINT);
    const value = Number(decimal);
    if (Math.abs(value) < 2 ** 52) this.#varint(value < 0 ? -2 * value - 1 : 2 * value);
    else {
      const exact = BigInt(decimal);
      this.#bigVarint(BigInt.asUintN(64, (exact << 1n) ^ (exact >> 63n)));
    }
  }

  double(field: number, value: number): void {
    this.#tag(field, EIGHT_BYTES);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  string(field: number, text: string): void {
    this.#reserve(3 * text.length);
    const start = this.open(field);
    this.#length += writeUtf8(text, this.#bytes, start);
    this.close(start);
  }

  bytes(field: number, bytes: Uint8Array): void {
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(bytes.length);
    this.raw(bytes);
  }

  /** Fields that are encoded already. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Also makes room for any number after it. */
  #tag(field: number, wireType: number): void {
    this.#reserve(0);
    this.#bytes[this.#length++] = (field << 3) | wireType;
  }

  #varint(value: number): void {
    if (value < 0x80) this.#bytes[this.#length++] = value;
    else this.#length = writeVarint(this.#bytes, this.#length, value);
  }

  #bigVarint(value: bigint): void {
    let rest = value;
    while (rest >= 0x80n) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  /** Room for that many bytes, a tag and a number. */
  #reserve(count: number): void {
    const needed = this.#length + count + 1 + LONGEST_VARINT;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#use(larger);
  }

  #use(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}
