import { FRAME_HEADER_SIZE, FRAME_SIZE, PAGE_SIZE } from "@tributary/core";

// Frames as offline replicas send and get them, back to back: `FRAME_SIZE` bytes each, of which the header is that of
// SQLite's log: page number (u32, big endian), size of the database in pages after the transaction that the frame ends, else
// 0; then salts and running checksums of whoever wrote it, which mean nothing to anybody else.

/** The page number (from 1) of the frame at an index. */
export function pageNumberOf(frames: Uint8Array, index: number): number {
  return viewOf(frames, index).getUint32(0);
}

/** In pages, if the frame ends a transaction; else 0. */
export function databaseSizeOf(frames: Uint8Array, index: number): number {
  return viewOf(frames, index).getUint32(4);
}

/** Part of them, by index; the end is exclusive. */
export function sliceFrames(frames: Uint8Array, from: number, to?: number): Uint8Array {
  return frames.subarray(from * FRAME_SIZE, to === undefined ? frames.length : to * FRAME_SIZE);
}

/** A frame of the server's: without salts and checksums. */
export function writeFrame(
  frames: Uint8Array,
  index: number,
  pageNumber: number,
  databaseSize: number,
  page: Uint8Array,
): void {
  const view = viewOf(frames, index);
  view.setUint32(0, pageNumber);
  view.setUint32(4, databaseSize);
  frames.fill(0, index * FRAME_SIZE + 8, index * FRAME_SIZE + FRAME_HEADER_SIZE);
  frames.set(page, index * FRAME_SIZE + FRAME_HEADER_SIZE);
}

/** The index of the first frame that is not the same in both, as far as both go. Undefined: there is none. */
export function firstDifference(left: Uint8Array, right: Uint8Array): number | undefined {
  const count = Math.min(left.length, right.length) / FRAME_SIZE;
  for (let index = 0; index < count; index++) {
    const at = index * FRAME_SIZE;
    if (!samePart(left, right, at, 8) || !samePart(left, right, at + FRAME_HEADER_SIZE, PAGE_SIZE))
      return index;
  }
  return undefined;
}

/** Index of the last frame that ends a transaction; -1: none does. */
export function lastTransactionEnd(frames: Uint8Array): number {
  let index = frames.length / FRAME_SIZE - 1;
  while (index >= 0 && databaseSizeOf(frames, index) === 0) index--;
  return index;
}

function samePart(left: Uint8Array, right: Uint8Array, at: number, length: number): boolean {
  return Buffer.compare(left.subarray(at, at + length), right.subarray(at, at + length)) === 0;
}

function viewOf(frames: Uint8Array, index: number): DataView {
  return new DataView(frames.buffer, frames.byteOffset + index * FRAME_SIZE, 8);
}
