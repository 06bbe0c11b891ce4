import { FRAME_HEADER_SIZE, FRAME_SIZE, PAGE_SIZE } from "@tributary/core";
import type { FrameOrigin } from "./branch.js";

/** What lies before frames that were pushed. */
export interface ChainPast {
  /** Whether frames of several replicas are among them, each with a log of its own. */
  readonly isShared: boolean;
  /** Whether a generation begins behind a position: a replica begins its log anew there. */
  startsGeneration(position: number): boolean;
  /** Frames from a position back to the oldest one there is. The bytes are as they came. */
  framesBack(position: number): Iterable<{ readonly origin: FrameOrigin; readonly bytes: Uint8Array }>;
}

/** How far is looked back: 4 096 frames are 16 MiB, about 10 ms. */
const MOST_FRAMES_BACK = 4096;
/** Logs of SQLite begin with 0 and count up whenever they start over. A higher number is no number. */
const MOST_RESTARTS = 2 ** 20;
/** Of the header of a frame, these are summed. */
const HEAD_BYTES = 8;
const HOST_BIG_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 0;

/**
 * Whether frames that a replica pushed from `position` on go on from what lies before, as far as the running checksums of its
 * own log tell. They were computed by the replica over all frames of its log (https://www.sqlite.org/fileformat2.html), those
 * that it had pulled too: the two words behind a frame and its bytes give those before it, so what must have come before is
 * computed backwards, to the last frame of the same log, or to the header that the log of a generation begins with.
 *
 * "broken": a byte is not what it was, or frames between them are missing: somebody else has started the replica's log over.
 * "unknown": the frames have no checksums, or too many lie between. "intact" says nothing of the image below the log.
 *
 * Seen to hold with npm libsql 0.5.29 over pushes, pulls, generations, restarts and kills of the client.
 */
export function checkRunningChain(
  past: ChainPast,
  position: number,
  frames: Uint8Array,
): "intact" | "broken" | "unknown" {
  if (frames.length === 0 || !hasChecksums(frames)) return "unknown";
  const verdict = checkInOrder(past, position, frames, false);
  return verdict === "broken" ? checkInOrder(past, position, frames, true) : verdict;
}

/** With checksums over words of that byte order: that of the machine that made the log. */
function checkInOrder(
  past: ChainPast,
  position: number,
  frames: Uint8Array,
  bigEndian: boolean,
): "intact" | "broken" | "unknown" {
  if (!isChained(frames, bigEndian)) return "broken";
  const sum = new BackwardChecksum(frames, bigEndian);
  const isStart = (at: number): boolean => past.startsGeneration(at) && sum.isThatOfHeader(frames);
  let verdict: "broken" | "unknown" = "broken";
  let behind = position - 1;
  sum.undoFrame(frames, 0);
  for (const { origin, bytes } of past.framesBack(behind)) {
    if (isStart(behind)) return "intact";
    if (sameSalts(bytes, frames)) return sum.isThatOfFrame(bytes) ? "intact" : "broken";
    if (origin === "replica" && !hasChecksums(bytes)) verdict = "unknown";
    else if (origin === "replica" && !past.isShared) return "broken";
    if (position - behind > MOST_FRAMES_BACK) return "unknown";
    sum.undoFrame(bytes, 0);
    behind -= 1;
  }
  return isStart(behind) ? "intact" : verdict;
}

/** Whether frames of one push are of one log and each goes on where the one before it ended. */
function isChained(frames: Uint8Array, bigEndian: boolean): boolean {
  const last = frames.length - FRAME_SIZE;
  const sum = new BackwardChecksum(frames.subarray(last), bigEndian);
  for (let at = last; at > 0; at -= FRAME_SIZE) {
    if (!sameSalts(frames.subarray(at), frames)) return false;
    sum.undoFrame(frames, at);
    if (!sum.isThatOfFrame(frames.subarray(at - FRAME_SIZE))) return false;
  }
  return true;
}

/** Salts and checksums: bytes 8 to 24 of the header of a frame. */
function hasChecksums(frame: Uint8Array): boolean {
  return frame.subarray(8, FRAME_HEADER_SIZE).some((byte) => byte !== 0);
}

function sameSalts(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left.subarray(8, 16), right.subarray(8, 16)) === 0;
}

/** The running checksum of SQLite's log, computed from its end to its start. Words are signed: V8 keeps those in registers. */
class BackwardChecksum {
  readonly #bigEndian: boolean;
  #first: number;
  #second: number;

  /** Begins behind a frame, with what the frame says. */
  constructor(frame: Uint8Array, bigEndian: boolean) {
    this.#bigEndian = bigEndian;
    const view = viewOf(frame);
    this.#first = view.getInt32(16);
    this.#second = view.getInt32(20);
  }

  /** Goes back to what it was before the frame at an offset. */
  undoFrame(bytes: Uint8Array, offset: number): void {
    this.#undo(bytes, offset + FRAME_HEADER_SIZE, PAGE_SIZE);
    this.#undo(bytes, offset, HEAD_BYTES);
  }

  /** Whether it is the one that a frame says. */
  isThatOfFrame(frame: Uint8Array): boolean {
    const view = viewOf(frame);
    return view.getInt32(16) === this.#first && view.getInt32(20) === this.#second;
  }

  /**
   * Whether it is that of the header of a log with the salts of a frame: magic number, version, page size, number of restarts,
   * salts. The restarts are not known, but they follow from the checksum, and must be a number that can be.
   */
  isThatOfHeader(frame: Uint8Array): boolean {
    const order = (value: number): number => (this.#bigEndian ? value | 0 : swapped(value));
    const view = viewOf(frame);
    const [salt1, salt2] = [order(view.getInt32(8)), order(view.getInt32(12))];
    const secondBefore = (this.#second - salt2 - this.#first) | 0;
    const firstBefore = (this.#first - salt1 - secondBefore) | 0;
    const first = order(this.#bigEndian ? 0x377f0683 : 0x377f0682);
    const second = (order(3_007_000) + first) | 0;
    const restarts = (secondBefore - second - firstBefore) | 0;
    return firstBefore === ((first + order(PAGE_SIZE) + second) | 0) && order(restarts) >>> 0 < MOST_RESTARTS;
  }

  #undo(bytes: Uint8Array, offset: number, length: number): void {
    const words = alignedWords(bytes, offset, length);
    const isHostOrder = this.#bigEndian === HOST_BIG_ENDIAN;
    let first = this.#first;
    let second = this.#second;
    for (let index = words.length - 2; index >= 0; index -= 2) {
      const [even, odd] = [words[index] as number, words[index + 1] as number];
      second = (second - (isHostOrder ? odd : swapped(odd)) - first) | 0;
      first = (first - (isHostOrder ? even : swapped(even)) - second) | 0;
    }
    this.#first = first;
    this.#second = second;
  }
}

/** A word view needs an address divisible by 4; what has none is copied. */
function alignedWords(bytes: Uint8Array, offset: number, length: number): Int32Array {
  const start = bytes.byteOffset + offset;
  if (start % 4 === 0) return new Int32Array(bytes.buffer, start, length >>> 2);
  return new Int32Array(Uint8Array.from(bytes.subarray(offset, offset + length)).buffer);
}

function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, FRAME_HEADER_SIZE);
}
