import { WireError } from "../wire-error.js";
import { decodeUtf8 } from "./utf8.js";

const WIRE_TYPES = ["a varint", "eight bytes", "a length-delimited field", "", "", "four bytes"] as const;
const VARINT = 0;
const EIGHT_BYTES = 1;
const LENGTH_DELIMITED = 2;
const FOUR_BYTES = 5;

const MAX_VARINT_BYTES = 10;
const HALF = 2 ** 32;

/**
 * Reads a protobuf message and those inside it, field by field, and knows where in it it stands. Nothing is allocated for
 * what has not been read, so junk costs no memory. A field that comes again replaces the one before, messages too.
 *
 * `next` goes to the next field of the message, whose number is `field` then; it is read by the method of its type, or
 * passed over. `enter` and `leave` go in and out of a message. Everything throws `WireError`: `truncated` where something
 * ends too early, else `malformed`, with the place, as `requests[0].stmt.args[2]`.
 */
export class ProtobufReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;
  #end: number;
  /** Ends of the messages that this one is in. */
  readonly #ends: number[] = [];
  /** Of every message entered: its name, and its index if it is one of a list. */
  readonly #names: string[] = [];
  readonly #indexes: (number | undefined)[] = [];
  #field = 0;
  #wireType = 0;
  /** Halves of the last varint. */
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length;
  }

  get field(): number {
    return this.#field;
  }

  /** False at the end of the message. */
  next(): boolean {
    if (this.#offset === this.#end) return false;
    this.#readVarint();
    this.#field = this.#low >>> 3;
    this.#wireType = this.#low & 7;
    if (this.#high !== 0 || this.#field === 0 || !WIRE_TYPES[this.#wireType])
      throw new WireError("malformed", `${this.#place()} has a field that none can be`);
    return true;
  }

  /** Into the field, which is a message. */
  enter(name: string, index?: number): void {
    const length = this.#lengthOf(name);
    this.#ends.push(this.#end);
    this.#names.push(name);
    this.#indexes.push(index);
    this.#end = this.#offset + length;
  }

  /** Out of a message, at its end. */
  leave(): void {
    this.#names.pop();
    this.#indexes.pop();
    this.#end = this.#ends.pop() ?? this.#end;
  }

  /** Passes over a message, or over a field that nobody knows. */
  skip(): void {
    if (this.#wireType === VARINT) this.#readVarint();
    else if (this.#wireType === EIGHT_BYTES) this.#take(8);
    else if (this.#wireType === FOUR_BYTES) this.#take(4);
    else this.#take(this.#length());
  }

  string(name: string): string {
    const bytes = this.bytes(name);
    try {
      return decodeUtf8(bytes);
    } catch (error) {
      throw new WireError("malformed", `${this.#place(name)} should be UTF-8`, { cause: error });
    }
  }

  /** A view. */
  bytes(name: string): Uint8Array {
    const length = this.#lengthOf(name);
    return this.#bytes.subarray(this.#offset, this.#take(length));
  }

  bool(name: string): boolean {
    this.#varintOf(name);
    return this.#low !== 0 || this.#high !== 0;
  }

  uint32(name: string): number {
    this.#varintOf(name);
    return this.#high === 0 ? this.#low : this.fail("an integer of 32 bits", name);
  }

  /** As protobuf's `uint64`, exactly. */
  uint64(name: string): bigint {
    this.#varintOf(name);
    return (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  /** As protobuf's `int64`: two's complement, so that a negative one has ten bytes. */
  int64(name: string): bigint {
    return BigInt.asIntN(64, this.uint64(name));
  }

  /** A negative one has ten bytes; some write only the five of its 32 bits. */
  int32(name: string): number {
    this.#varintOf(name);
    const value = this.#low | 0;
    if (this.#high === 0 || (this.#high === HALF - 1 && value < 0)) return value;
    return this.fail("an integer of 32 bits", name);
  }

  /** As decimal text. */
  sint64(name: string): string {
    this.#varintOf(name);
    if (this.#high < 2 ** 20) {
      const value = this.#high * HALF + this.#low;
      return String(value % 2 === 0 ? value / 2 : -(value + 1) / 2);
    }
    const value = (BigInt(this.#high) << 32n) | BigInt(this.#low);
    return String((value >> 1n) ^ -(value & 1n));
  }

  double(name: string): number {
    this.#expect(EIGHT_BYTES, name);
    return this.#view.getFloat64(this.#take(8) - 8, true);
  }

  /** Throws: the message, or a field of it, is not what it should be. */
  fail(expected: string, name?: string): never {
    throw new WireError("malformed", `${this.#place(name)} should be ${expected}`);
  }

  #expect(wireType: number, name: string): void {
    if (this.#wireType !== wireType) this.fail(`${WIRE_TYPES[wireType]}`, name);
  }

  #varintOf(name: string): void {
    this.#expect(VARINT, name);
    this.#readVarint();
  }

  #lengthOf(name: string): number {
    this.#expect(LENGTH_DELIMITED, name);
    return this.#length();
  }

  #length(): number {
    this.#readVarint();
    const length = this.#high * HALF + this.#low;
    if (length > this.#end - this.#offset) this.#truncated();
    return length;
  }

  /** The offset after that many bytes. */
  #take(length: number): number {
    if (length > this.#end - this.#offset) this.#truncated();
    this.#offset += length;
    return this.#offset;
  }

  #readVarint(): void {
    const first = this.#bytes[this.#offset] as number;
    this.#high = 0;
    if (this.#offset < this.#end && first < 0x80) {
      this.#low = first;
      this.#offset++;
      return;
    }
    let low = 0;
    let high = 0;
    for (let size = 0; size < MAX_VARINT_BYTES; size++) {
      if (this.#offset === this.#end) this.#truncated();
      const byte = this.#bytes[this.#offset++] as number;
      const bits = byte & 0x7f;
      // Seven bits each: the fifth byte has four of the lower half and three of the upper, the tenth one of it.
      if (size < 5) low |= bits << (7 * size);
      if (size === 4) high = bits >> 4;
      else if (size > 4) high |= bits << (7 * size - 32);
      if (size === MAX_VARINT_BYTES - 1 && byte > 1) break;
      if (byte >= 0x80) continue;
      this.#low = low >>> 0;
      this.#high = high >>> 0;
      return;
    }
    throw new WireError("malformed", `${this.#place()} has a number of more than 64 bits`);
  }

  #truncated(): never {
    throw new WireError("truncated", `${this.#place()} ends inside a field`);
  }

  #place(name?: string): string {
    let text = "";
    for (const [level, part] of this.#names.entries()) {
      const index = this.#indexes[level];
      text += (level === 0 ? "" : ".") + part + (index === undefined ? "" : `[${index}]`);
    }
    if (name !== undefined) text += (text === "" ? "" : ".") + name;
    return text === "" ? "the message" : text;
  }
}
