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

/** What is taken at first for a message that is longer, bytes: as much comes of it, as much more is taken. */
const FIRST_ROOM_BYTES = 64 * 1024;
const NOTHING = new Uint8Array();

/**
 * Takes frames out of bytes that come in pieces of any length. Memory is taken for what came: neither a length that is only
 * claimed nor a message that comes byte by byte takes more than twice that.
 */
export class FrameDecoder {
  readonly #maxMessageBytes: number;
  readonly #events: FrameEvents;
  readonly #head = new Uint8Array(HEAD_BYTES);
  #headLength = 0;
  /** What came of the payload, and room for what is to come. Always new bytes: the pieces belong to the transport. */
  #payload: Uint8Array = NOTHING;
  #payloadLength = 0;
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
        this.#append(part);
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

  #append(part: Uint8Array): void {
    const { length } = this.#payload;
    if (this.#payloadLength + part.length > length) {
      const whole = this.#payloadLength + this.#missing;
      const wanted = Math.max(2 * length, this.#payloadLength + part.length, FIRST_ROOM_BYTES);
      const larger = new Uint8Array(Math.min(whole, wanted));
      larger.set(this.#payload);
      this.#payload = larger;
    }
    this.#payload.set(part, this.#payloadLength);
    this.#payloadLength += part.length;
  }

  #deliver(): void {
    // It has no more room than it needs: that was never taken.
    const payload = this.#payload;
    this.#headLength = 0;
    this.#payload = NOTHING;
    this.#payloadLength = 0;
    if (!this.#events.onFrame(this.#head[0] as FrameKind, payload)) this.#isOver = true;
  }

  #damage(reason: string): void {
    this.#isOver = true;
    this.#events.onDamage(reason);
  }
}
