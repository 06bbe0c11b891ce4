import { FRAME_SIZE } from "@tributary/core";

/** Frames in one piece that is handed on, at most. */
const FRAMES_PER_PIECE = 64;

/** Cuts a body, which comes in parts of any size, into pieces of whole frames. The pieces are the taker's to keep. */
export class FrameAssembler {
  readonly #take: (frames: Uint8Array) => void;
  #piece = new Uint8Array(FRAMES_PER_PIECE * FRAME_SIZE);
  #length = 0;
  /** Bytes in all. */
  received = 0;

  constructor(take: (frames: Uint8Array) => void) {
    this.#take = take;
  }

  add(part: Uint8Array): void {
    this.received += part.length;
    for (let at = 0; at < part.length; ) {
      const length = Math.min(part.length - at, this.#piece.length - this.#length);
      this.#piece.set(part.subarray(at, at + length), this.#length);
      this.#length += length;
      at += length;
      if (this.#length === this.#piece.length) this.#handOn();
    }
  }

  /** Hands on what is left. False: it ends within a frame, or there was nothing. */
  end(): boolean {
    if (this.received === 0 || this.received % FRAME_SIZE !== 0) return false;
    if (this.#length > 0) this.#handOn();
    return true;
  }

  #handOn(): void {
    const piece = this.#piece.subarray(0, this.#length);
    this.#piece = new Uint8Array(this.#piece.length);
    this.#length = 0;
    this.#take(piece);
  }
}
