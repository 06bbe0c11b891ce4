/**
 * Messages in a stream of bytes: kind (1 byte), length (4 bytes, big-endian), as many bytes. The kinds are a message, and
 * the end of the channel, whose bytes are the reason in UTF-8.
 */
export const FrameKind = { message: 0, close: 1 } as const;

export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

const HEAD_BYTES = 5;
/** What a reason may take, bytes: it is for people. */
const MAX_REASON_BYTES = 1024;

/** The bytes are new. */
export function encodeFrame(kind: FrameKind, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEAD_BYTES + payload.length);
  frame[0] = kind;
  new DataView(frame.buffer).setUint32(1, payload.length);
  frame.set(payload, HEAD_BYTES);
  return frame;
}

/** The frame that ends a channel. */
export function encodeClose(reason: string): Uint8Array {
  // A character that is cut in two is shown as one that is unknown.
  return encodeFrame(FrameKind.close, new TextEncoder().encode(reason).subarray(0, MAX_REASON_BYTES));
}

/** The reason of a frame that ends a channel. */
export function decodeReason(payload: Uint8Array): string {
  return payload.length === 0 ? "the other end has closed the channel" : new TextDecoder().decode(payload);
}

/** What is found in the bytes. */
export interface FrameEvents {
  /** The payload is the receiver's to keep. False: nothing more is wanted. */
  onFrame(kind: FrameKind, payload: Uint8Array): boolean;
  /** There is no such frame, or it is too long. Nothing follows. */
  onDamage(reason: string): void;
}

/**
 * Takes frames out of bytes that come in pieces of any length. What is not whole is kept as it came: a length that is only
 * claimed takes no memory.
 */
export class FrameDecoder {
  readonly #maxMessageBytes: number;
  readonly #events: FrameEvents;
  readonly #head = new Uint8Array(HEAD_BYTES);
  #headLength = 0;
  #parts: Uint8Array[] = [];
  /** Bytes of the payload that are still to come. */
  #missing = 0;
  #isOver = false;

  constructor(maxMessageBytes: number, events: FrameEvents) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#events = events;
  }

  /** Whether a frame has begun and is not whole. */
  get isInFrame(): boolean {
    return !this.#isOver && this.#headLength > 0;
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.#isOver; ) {
      if (this.#headLength < HEAD_BYTES) {
        const part = bytes.subarray(at, at + HEAD_BYTES - this.#headLength);
        this.#head.set(part, this.#headLength);
        this.#headLength += part.length;
        at += part.length;
        if (this.#headLength < HEAD_BYTES) return;
        this.#readHead();
      } else {
        const part = bytes.subarray(at, at + this.#missing);
        this.#parts.push(part);
        this.#missing -= part.length;
        at += part.length;
      }
      if (!this.#isOver && this.#missing === 0) this.#deliver();
    }
  }

  #readHead(): void {
    const kind = this.#head[0] as number;
    const length = new DataView(this.#head.buffer).getUint32(1);
    const limit = kind === FrameKind.message ? this.#maxMessageBytes : MAX_REASON_BYTES;
    this.#missing = length;
    if (kind !== FrameKind.message && kind !== FrameKind.close) this.#damage("what came is no frame");
    else if (length > limit) this.#damage(`a message of ${length} bytes is too long`);
  }

  #deliver(): void {
    const payload = joined(this.#parts);
    this.#headLength = 0;
    this.#parts = [];
    if (!this.#events.onFrame(this.#head[0] as FrameKind, payload)) this.#isOver = true;
  }

  #damage(reason: string): void {
    this.#isOver = true;
    this.#events.onDamage(reason);
  }
}

/** Always new bytes: the pieces belong to the transport. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
