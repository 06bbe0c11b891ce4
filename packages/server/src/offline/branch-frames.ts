import { crc32 } from "node:zlib";
import { FRAME_HEADER_SIZE, FRAME_SIZE } from "@tributary/core";
import type { BranchFrame, FrameOrigin } from "./branch.js";
import { branchDamage } from "./branch-damage.js";
import type { BranchFile, BranchFiles } from "./branch-files.js";

const MAGIC = new TextEncoder().encode("tributary-frames");
const VERSION = 1;
const FILE_HEADER_SIZE = 36;
/** What comes before each frame. */
const NOTE_SIZE = 16;
/** The note and the head of the frame: all but its page. */
const HEAD_SIZE = NOTE_SIZE + FRAME_HEADER_SIZE;
const RECORD_SIZE = NOTE_SIZE + FRAME_SIZE;
/** Records that are read or written at once: half a mebibyte. */
const PIECE_RECORDS = 128;
const ORIGIN_CODES = { replica: 1, server: 2 } as const;

/** With which image the frames of a file begin. */
export interface FramesBase {
  readonly block: number;
  /** Position of the last frame that is in the image; the first record is the one behind it. */
  readonly base: number;
  /** Length of the image. */
  readonly basePages: number;
}

/** A frame with what was noted of it. The bytes may be read until the next one is asked for. */
export interface RecordedFrame {
  readonly position: number;
  readonly origin: FrameOrigin;
  /** As it came, with salts and checksums: `FRAME_SIZE` bytes. */
  readonly bytes: Uint8Array;
}

/**
 * The frames of a branch: a file that grows at its end. Numbers are u32, big endian.
 *
 *     file header, 36 bytes: "tributary-frames", version (1), block, base, pages of the image, CRC-32 of the bytes before
 *     record, 4 136 bytes:   CRC-32 of the 36 bytes behind, CRC-32 of the page, position, origin (1 replica, 2 server);
 *                            then the frame as it came, 4 120 bytes
 *
 * Whatever is read is checked: the wrong bytes are never taken for a frame, nor a frame for another one.
 */
export class BranchFrames {
  readonly block: number;
  readonly base: number;
  readonly basePages: number;
  readonly #file: BranchFile;
  readonly #record = new Uint8Array(RECORD_SIZE);

  /** Takes over the file. */
  private constructor(file: BranchFile, { block, base, basePages }: FramesBase) {
    this.#file = file;
    this.block = block;
    this.base = base;
    this.basePages = basePages;
  }

  /** An empty file, durable once it is synced and so is its directory. */
  static create(files: BranchFiles, path: string, base: FramesBase): BranchFrames {
    const file = files.open(path, "create");
    file.write(formatFileHeader(base), 0);
    return new BranchFrames(file, base);
  }

  /** Throws `ServerError` "branch-damaged", or an error of Node. */
  static open(files: BranchFiles, path: string, mode: "read" | "write"): BranchFrames {
    const file = files.open(path, mode);
    try {
      const header = new Uint8Array(FILE_HEADER_SIZE);
      const base = file.read(header, 0) === FILE_HEADER_SIZE ? parseFileHeader(header) : undefined;
      if (base === undefined) throw branchDamage("the file of frames has no valid header");
      return new BranchFrames(file, base);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Position behind which the file has no whole record. */
  get end(): number {
    return this.base + Math.max(0, Math.floor((this.#file.size() - FILE_HEADER_SIZE) / RECORD_SIZE));
  }

  /** Writes frames behind a position, over whatever is there. */
  write(after: number, frames: Uint8Array, origin: FrameOrigin): void {
    const count = frames.length / FRAME_SIZE;
    for (let first = 0; first < count; first += PIECE_RECORDS) {
      const length = Math.min(PIECE_RECORDS, count - first);
      const records = new Uint8Array(length * RECORD_SIZE);
      for (let index = 0; index < length; index++) {
        const record = records.subarray(index * RECORD_SIZE, (index + 1) * RECORD_SIZE);
        const at = (first + index) * FRAME_SIZE;
        record.set(frames.subarray(at, at + FRAME_SIZE), NOTE_SIZE);
        writeNote(record, after + first + index + 1, origin);
      }
      this.#file.write(records, this.#offsetOf(after + first + 1));
    }
  }

  /** What the heads of frames behind `after` up to `upTo` say, in order. */
  *heads(after: number, upTo: number): Generator<BranchFrame, void, void> {
    // Reading them whole is faster than many small reads, and costs the disk the same.
    for (const { bytes, origin } of this.#recorded(after, upTo, checkHead)) {
      const view = viewOf(bytes);
      yield { pageNumber: view.getUint32(0), databaseSize: view.getUint32(4), origin };
    }
  }

  /** The page of a frame, written to `target`. */
  readPage(position: number, target: Uint8Array): void {
    const record = this.#record;
    if (this.#file.read(record, this.#offsetOf(position)) !== RECORD_SIZE) throw missing(position);
    checkRecord(record, position);
    target.set(record.subarray(HEAD_SIZE));
  }

  /** Frames behind `after` up to `upTo`, in order. */
  frames(after: number, upTo: number): Iterable<RecordedFrame> {
    return this.#recorded(after, upTo, checkRecord);
  }

  /** The same from the last one to the first. */
  *framesBack(upTo: number, after: number): Generator<RecordedFrame, void, void> {
    // The first piece is short: most who look back look at one frame.
    let length = 1;
    let piece = new Uint8Array(RECORD_SIZE);
    for (let to = upTo; to > after; to -= length, length = PIECE_RECORDS) {
      const from = Math.max(after, to - length);
      if (length > 1 && piece.length === RECORD_SIZE) piece = new Uint8Array(length * RECORD_SIZE);
      const records = this.#readRecords(piece, from, to);
      for (let at = records.length - RECORD_SIZE; at >= 0; at -= RECORD_SIZE)
        yield recordedFrame(records.subarray(at, at + RECORD_SIZE), from + 1 + at / RECORD_SIZE, checkRecord);
    }
  }

  /** Reads frames behind `after` up to `upTo`. Throws `ServerError` "branch-damaged" if they are not what was written. */
  check(after: number, upTo: number): void {
    const frames = this.#recorded(after, upTo, checkRecord);
    while (frames.next().done !== true);
  }

  /** Cuts off what is behind a position, up to which there are frames. */
  cut(position: number): void {
    this.#file.setSize(this.#offsetOf(position + 1));
  }

  sync(): void {
    this.#file.sync();
  }

  close(): void {
    this.#file.close();
  }

  *#recorded(after: number, upTo: number, check: Check): Generator<RecordedFrame, void, void> {
    const piece = new Uint8Array(Math.min(upTo - after, PIECE_RECORDS) * RECORD_SIZE);
    for (let from = after; from < upTo; from += PIECE_RECORDS) {
      const records = this.#readRecords(piece, from, Math.min(from + PIECE_RECORDS, upTo));
      for (let at = 0; at < records.length; at += RECORD_SIZE)
        yield recordedFrame(records.subarray(at, at + RECORD_SIZE), from + 1 + at / RECORD_SIZE, check);
    }
  }

  #readRecords(piece: Uint8Array, after: number, upTo: number): Uint8Array {
    const records = piece.subarray(0, (upTo - after) * RECORD_SIZE);
    const read = this.#file.read(records, this.#offsetOf(after + 1));
    if (read !== records.length) throw missing(after + 1 + Math.floor(read / RECORD_SIZE));
    return records;
  }

  #offsetOf(position: number): number {
    return FILE_HEADER_SIZE + (position - this.base - 1) * RECORD_SIZE;
  }
}

function formatFileHeader({ block, base, basePages }: FramesBase): Uint8Array {
  const bytes = new Uint8Array(FILE_HEADER_SIZE);
  bytes.set(MAGIC);
  const view = viewOf(bytes);
  for (const [index, value] of [VERSION, block, base, basePages].entries())
    view.setUint32(MAGIC.length + 4 * index, value);
  view.setUint32(32, crc32(bytes.subarray(0, 32)));
  return bytes;
}

function parseFileHeader(bytes: Uint8Array): FramesBase | undefined {
  const view = viewOf(bytes);
  if (view.getUint32(32) !== crc32(bytes.subarray(0, 32))) return undefined;
  if (MAGIC.some((byte, index) => bytes[index] !== byte) || view.getUint32(16) !== VERSION) return undefined;
  return { block: view.getUint32(20), base: view.getUint32(24), basePages: view.getUint32(28) };
}

function writeNote(record: Uint8Array, position: number, origin: FrameOrigin): void {
  const view = viewOf(record);
  view.setUint32(4, crc32(record.subarray(HEAD_SIZE)));
  view.setUint32(8, position);
  view.setUint32(12, ORIGIN_CODES[origin]);
  view.setUint32(0, crc32(record.subarray(4, HEAD_SIZE)));
}

/** Tells the origin of a frame that is what was written. Throws `ServerError` "branch-damaged". */
type Check = (record: Uint8Array, position: number) => FrameOrigin;

function checkHead(record: Uint8Array, position: number): FrameOrigin {
  const view = viewOf(record);
  if (view.getUint32(0) !== crc32(record.subarray(4, HEAD_SIZE)) || view.getUint32(8) !== position)
    throw branchDamage(`frame ${position} is not what was written`);
  return view.getUint32(12) === ORIGIN_CODES.replica ? "replica" : "server";
}

function checkRecord(record: Uint8Array, position: number): FrameOrigin {
  const origin = checkHead(record, position);
  if (viewOf(record).getUint32(4) !== crc32(record.subarray(HEAD_SIZE)))
    throw branchDamage(`the page of frame ${position} is not what was written`);
  return origin;
}

function recordedFrame(record: Uint8Array, position: number, check: Check): RecordedFrame {
  const origin = check(record, position);
  return { position, origin, bytes: record.subarray(NOTE_SIZE) };
}

function missing(position: number): Error {
  return branchDamage(`frame ${position} is missing`);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
