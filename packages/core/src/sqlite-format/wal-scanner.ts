import { WalChecksum } from "./wal-checksum.js";
import { FRAME_HEADER_SIZE, frameOffset, parseFrame } from "./wal-frame.js";
import type { WalHeader } from "./wal-header.js";

/** The end of a commit in a log: all that is needed to go on reading, or to append. */
export interface WalCommitPoint {
  /** Frames from the start of the log. */
  readonly frames: number;
  /** The running checksum there. */
  readonly checksum1: number;
  readonly checksum2: number;
}

/** The frames of one committed transaction. */
export interface WalCommit {
  /** Number of its first frame, counted from 1. */
  readonly firstFrame: number;
  /** One-based page number of each frame; a page may occur more than once, the last one counts. */
  readonly pageNumbers: readonly number[];
  /** Size of the database after it, in pages. */
  readonly databaseSize: number;
}

/** Where the frames of a log begin. */
export function startOfLog(header: WalHeader): WalCommitPoint {
  return { frames: 0, checksum1: header.checksum1, checksum2: header.checksum2 };
}

/**
 * Whether these bytes, read from where the last frame of a commit begins, are still that frame's header. What the log
 * held there may be overwritten: a commit that could not be synced, or one that a crash took back.
 */
export function endsCommit(frameHeader: Uint8Array, { checksum1, checksum2 }: WalCommitPoint): boolean {
  if (frameHeader.length < FRAME_HEADER_SIZE) return false;
  const view = new DataView(frameHeader.buffer, frameHeader.byteOffset, frameHeader.byteLength);
  return view.getUint32(16) === checksum1 && view.getUint32(20) === checksum2;
}

/**
 * Reads a log piece by piece, from its start or from an earlier commit. Knows bytes, no file.
 *
 * It stops at the first frame that does not belong: torn, of another generation, or not written yet. What was written
 * since then needs a new scanner from `committed`, because frames without a commit may be overwritten.
 */
export class WalScanner {
  readonly header: WalHeader;
  readonly #checksum: WalChecksum;
  #committed: WalCommitPoint;
  #frames: number;
  #pending: number[] = [];
  #rest: Uint8Array = new Uint8Array(0);
  #ended = false;

  constructor(header: WalHeader, from: WalCommitPoint = startOfLog(header)) {
    this.header = header;
    this.#committed = from;
    this.#frames = from.frames;
    this.#checksum = new WalChecksum(header.bigEndianChecksums, from.checksum1, from.checksum2);
  }

  /** The end of the last commit seen. Frames behind it do not count. */
  get committed(): WalCommitPoint {
    return this.#committed;
  }

  /** Number of the last valid frame, committed or not. */
  get frames(): number {
    return this.#frames;
  }

  /** Whether a frame was met that does not belong: nothing fed later can count. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Offset in the file of the next byte to feed. */
  get offset(): number {
    return frameOffset(this.#frames + 1, this.header.pageSize) + this.#rest.length;
  }

  /** Takes the bytes that follow in the log, cut anywhere; whole frames cost no copy. Gives the commits they complete. */
  feed(bytes: Uint8Array): readonly WalCommit[] {
    const commits: WalCommit[] = [];
    if (this.#ended) return commits;
    const frameSize = FRAME_HEADER_SIZE + this.header.pageSize;
    let at = 0;
    if (this.#rest.length > 0) {
      at = Math.min(frameSize - this.#rest.length, bytes.length);
      const joined = new Uint8Array(this.#rest.length + at);
      joined.set(this.#rest);
      joined.set(bytes.subarray(0, at), this.#rest.length);
      this.#rest = joined;
      if (joined.length < frameSize) return commits;
      this.#rest = new Uint8Array(0);
      this.#take(joined, 0, commits);
    }
    for (; !this.#ended && at + frameSize <= bytes.length; at += frameSize) this.#take(bytes, at, commits);
    if (!this.#ended && at < bytes.length) this.#rest = Uint8Array.from(bytes.subarray(at));
    return commits;
  }

  #take(bytes: Uint8Array, at: number, commits: WalCommit[]): void {
    const frame = parseFrame(bytes, at, this.header, this.#checksum);
    if (frame === undefined) {
      this.#ended = true;
      return;
    }
    this.#frames++;
    this.#pending.push(frame.pageNumber);
    if (frame.databaseSize === 0) return;
    commits.push({
      firstFrame: this.#committed.frames + 1,
      pageNumbers: this.#pending,
      databaseSize: frame.databaseSize,
    });
    this.#pending = [];
    this.#committed = {
      frames: this.#frames,
      checksum1: this.#checksum.first,
      checksum2: this.#checksum.second,
    };
  }
}
