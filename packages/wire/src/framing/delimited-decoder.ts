import { WireError } from "../wire-error.js";

/** Options of {@link DelimitedDecoder}. */
export interface DelimitedDecoderOptions {
  /** A longer message is an error, noticed from its length alone. */
  readonly maxMessageBytes: number;
}

/** A varint of 64 bits is never longer. */
const MAX_PREFIX_BYTES = 10;

/**
 * Cuts a stream of bytes into its length-delimited messages. Knows nothing of what is in them.
 *
 * A byte is looked at once, whatever the chunks, and copied only where a message crosses from one chunk into the next:
 * most messages are views of the chunk that was pushed, so a chunk must not be written to afterwards. After an error the
 * stream cannot be read on: every later call throws the same error.
 */
export class DelimitedDecoder {
  readonly #maxMessageBytes: number;
  #chunks: Uint8Array[] = [];
  /** The first chunk that has not been used up, and how much of it has. */
  #head = 0;
  #offset = 0;
  /** Bytes pushed and not yet used. */
  #available = 0;
  /** What has been read of the current prefix; complete when `#hasLength`. */
  #length = 0;
  #prefixBytes = 0;
  #hasLength = false;
  #failure: WireError | undefined;

  constructor(options: DelimitedDecoderOptions) {
    this.#maxMessageBytes = options.maxMessageBytes;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#available += chunk.length;
  }

  /** The next message, or undefined until more is pushed. Throws `WireError` `too-long` or `malformed`. */
  next(): Uint8Array | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    while (!this.#hasLength) {
      if (this.#available === 0) return undefined;
      this.#readPrefixByte();
    }
    if (this.#available < this.#length) return undefined;
    const message = this.#take(this.#length);
    this.#hasLength = false;
    this.#length = 0;
    this.#prefixBytes = 0;
    return message;
  }

  /** Tells that nothing more will come. Throws `WireError` `truncated` when the last message is not complete. */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#prefixBytes === 0 && this.#available === 0) return;
    const missing = this.#hasLength ? `${this.#length - this.#available} bytes short` : "within a length";
    throw this.#fail("truncated", `the stream ends inside a message, ${missing}`);
  }

  #readPrefixByte(): void {
    const chunk = this.#chunks[this.#head] as Uint8Array;
    const byte = chunk[this.#offset] as number;
    this.#advance(1);
    this.#length += (byte & 0x7f) * 2 ** (7 * this.#prefixBytes);
    this.#prefixBytes++;
    if (this.#length > this.#maxMessageBytes) {
      throw this.#fail(
        "too-long",
        `a message of at least ${this.#length} bytes; the limit is ${this.#maxMessageBytes}`,
      );
    }
    if (byte < 0x80) this.#hasLength = true;
    else if (this.#prefixBytes >= MAX_PREFIX_BYTES)
      throw this.#fail("malformed", "the length of a message has no end");
  }

  #take(length: number): Uint8Array {
    const chunk = this.#chunks[this.#head];
    if (chunk === undefined) return new Uint8Array();
    if (chunk.length - this.#offset >= length) {
      const message = chunk.subarray(this.#offset, this.#offset + length);
      this.#advance(length);
      return message;
    }
    const message = new Uint8Array(length);
    for (let filled = 0; filled < length; ) {
      const source = this.#chunks[this.#head] as Uint8Array;
      const part = source.subarray(this.#offset, this.#offset + length - filled);
      message.set(part, filled);
      filled += part.length;
      this.#advance(part.length);
    }
    return message;
  }

  /** Never past the end of the first chunk. */
  #advance(count: number): void {
    this.#available -= count;
    this.#offset += count;
    if (this.#offset < (this.#chunks[this.#head] as Uint8Array).length) return;
    this.#offset = 0;
    this.#head++;
    // Dropping used chunks one by one from the front would be quadratic; half the list at once is not.
    if (this.#head * 2 >= this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#head);
      this.#head = 0;
    }
  }

  #fail(code: "too-long" | "malformed" | "truncated", message: string): WireError {
    this.#failure = new WireError(code, message);
    this.#chunks = [];
    return this.#failure;
  }
}
