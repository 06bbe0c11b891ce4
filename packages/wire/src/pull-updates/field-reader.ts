import { WireError } from "../wire-error.js";

const MAX_VARINT_BYTES = 10;

/** Reads the fields of a protobuf message. Throws `WireError`, and never reads or allocates past the message. */
export class FieldReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** Only a safe integer. */
  varint(): number {
    let value = 0;
    for (let size = 1, factor = 1; size <= MAX_VARINT_BYTES; size++, factor *= 0x80) {
      const byte = this.#bytes[this.#offset++];
      if (byte === undefined) throw new WireError("truncated", "a message ends inside a number");
      value += (byte & 0x7f) * factor;
      if (byte >= 0x80) continue;
      if (Number.isSafeInteger(value)) return value;
      break;
    }
    throw new WireError("malformed", "a number is out of range");
  }

  /** A view of the message. */
  bytes(length: number): Uint8Array {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new WireError("truncated", "a message ends inside a field");
    const field = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return field;
  }

  /** Passes over a field that a later version of the protocol may have. */
  skip(tag: number): void {
    const wireType = tag % 8;
    if (tag >= 8 && wireType === 0) this.#skipVarint();
    else if (tag >= 8 && wireType === 1) this.bytes(8);
    else if (tag >= 8 && wireType === 2) this.bytes(this.varint());
    else if (tag >= 8 && wireType === 5) this.bytes(4);
    else throw new WireError("malformed", `no field has the tag ${tag}`);
  }

  #skipVarint(): void {
    for (let size = 1; size <= MAX_VARINT_BYTES; size++) {
      const byte = this.#bytes[this.#offset++];
      if (byte === undefined) throw new WireError("truncated", "a message ends inside a number");
      if (byte < 0x80) return;
    }
    throw new WireError("malformed", "a number has no end");
  }
}
