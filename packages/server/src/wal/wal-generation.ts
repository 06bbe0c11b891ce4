import { PAGE_SIZE } from "@tributary/core";
import { grownToHold } from "./growable-array.js";
import { FRAME_HEADER_SIZE, WAL_HEADER_SIZE, type WalHeader } from "./wal-format.js";

/** Bytes of one frame. */
export const FRAME_SIZE: number = FRAME_HEADER_SIZE + PAGE_SIZE;

const createWords = (length: number): Uint32Array<ArrayBuffer> => new Uint32Array(length);

/**
 * The committed frames between two restarts of a WAL: which page each holds, and, for any point between commits, which
 * frame has the newest image of a page. Frames are counted from 1, as SQLite does; 0 means none.
 */
export class WalGeneration {
  readonly header: WalHeader;
  #frameCount = 0;
  #newestFrameOfPage = createWords(1024);
  #previousFrame = createWords(1024);

  constructor(header: WalHeader) {
    this.header = header;
  }

  /** Committed frames. */
  get frameCount(): number {
    return this.#frameCount;
  }

  /** Length of the file up to the last committed frame, bytes. */
  get byteLength(): number {
    return frameOffset(this.#frameCount + 1);
  }

  /** Adds the next frame. Only frames of complete commits may be added. */
  append(pageNumber: number): void {
    const frame = ++this.#frameCount;
    this.#newestFrameOfPage = grownToHold(this.#newestFrameOfPage, pageNumber, createWords);
    this.#previousFrame = grownToHold(this.#previousFrame, frame, createWords);
    this.#previousFrame[frame] = this.#newestFrameOfPage[pageNumber] as number;
    this.#newestFrameOfPage[pageNumber] = frame;
  }

  /** The newest frame of a page among the first `frameLimit` frames, or 0. */
  frameOf(pageNumber: number, frameLimit: number): number {
    let frame = this.#newestFrameOfPage[pageNumber] ?? 0;
    while (frame > frameLimit) frame = this.#previousFrame[frame] as number;
    return frame;
  }
}

/** Where a frame begins in the file. */
export function frameOffset(frame: number): number {
  return WAL_HEADER_SIZE + (frame - 1) * FRAME_SIZE;
}
