import { randomBytes } from "node:crypto";
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  read as readWithCallback,
} from "node:fs";
import { endianness } from "node:os";
import { promisify } from "node:util";
import {
  FRAME_HEADER_SIZE,
  FRAME_SIZE,
  formatWalHeader,
  frameOffset,
  grownToHold,
  PAGE_SIZE,
  parseWalHeader,
  sealFrame,
  WAL_HEADER_SIZE,
  WalChecksum,
  type WalCommit,
  type WalHeader,
  type WalHeaderFields,
  WalScanner,
} from "@tributary/core";
import { writeFully } from "./mirror-files.js";

const readAsync = promisify(readWithCallback);
const CHUNK = 256 * FRAME_SIZE;

/** An end in the log from where it can be gone on. */
export interface LogMark {
  readonly frames: number;
  readonly checksum1: number;
  readonly checksum2: number;
}

/**
 * The frames of one generation, in a file that is a write-ahead log to SQLite: frames that the remote has up to
 * `committed`, and behind them a tail, which is either being pulled or has been written by SQLite and not been sent.
 * Whatever wrote it, the running checksums go through all of it, as in a log of libSQL's client.
 *
 * It knows nothing of the database file below, and nothing is durable before `commit`.
 */
export class FrameLog {
  readonly path: string;
  readonly #file: number;
  #header: WalHeader;
  /** By frame, from index 0: page number, and size of the database where it ends a transaction, else 0. */
  #pageNumbers = new Uint32Array(256);
  #sizes = new Uint32Array(256);
  #committed: LogMark;
  #end: LogMark;

  private constructor(path: string, file: number, header: WalHeader) {
    this.path = path;
    this.#file = file;
    this.#header = header;
    this.#committed = { frames: 0, checksum1: header.checksum1, checksum2: header.checksum2 };
    this.#end = this.#committed;
  }

  /**
   * Makes an empty one, in the place of any other. `before`: the header of the log that it follows on, as SQLite begins logs
   * anew; servers check the checksums of frames back to the header, and take none for one whose sequence number is large.
   */
  static create(path: string, before?: WalHeaderFields): FrameLog {
    const bytes = formatWalHeader({
      bigEndianChecksums: endianness() === "BE",
      pageSize: PAGE_SIZE,
      sequence: before === undefined ? 0 : before.sequence + 1,
      salt1: before === undefined ? randomWord() : (before.salt1 + 1) >>> 0,
      salt2: randomWord(),
    });
    const file = openSync(path, "w+");
    writeFully(file, bytes, 0);
    return new FrameLog(path, file, parseWalHeader(bytes) as WalHeader);
  }

  /** Opens one, and cuts off what is behind a frame; `undefined` if it is not whole up to there, or no transaction ends there. */
  static async open(path: string, durableFrame: number): Promise<FrameLog | undefined> {
    const file = openSync(path, "r+");
    let log: FrameLog | undefined;
    try {
      const head = Buffer.alloc(WAL_HEADER_SIZE);
      readSync(file, head, 0, WAL_HEADER_SIZE, 0);
      const header = parseWalHeader(head);
      if (header?.pageSize !== PAGE_SIZE) return undefined;
      const found = new FrameLog(path, file, header);
      if (!(await found.#scanTo(durableFrame))) return undefined;
      found.drop();
      log = found;
      return found;
    } finally {
      if (log === undefined) closeSync(file);
    }
  }

  /** Frames that the remote has. A transaction ends there. */
  get committed(): number {
    return this.#committed.frames;
  }

  /** All frames. */
  get end(): LogMark {
    return this.#end;
  }

  get header(): WalHeaderFields {
    return this.#header;
  }

  /** One-based page number of a frame. */
  pageNumberOf(frame: number): number {
    return this.#pageNumbers[frame - 1] as number;
  }

  /** Pages of the database if a frame ends a transaction, else 0. */
  sizeAt(frame: number): number {
    return this.#sizes[frame - 1] ?? 0;
  }

  /** For each page that frames behind `after` up to `upTo` have, by its page number, the last one of these. */
  latest(after: number, upTo: number): Map<number, number> {
    const frames = new Map<number, number>();
    for (let frame = after + 1; frame <= upTo; frame++) frames.set(this.pageNumberOf(frame), frame);
    return frames;
  }

  /** Frames as they are in the file, back to back. */
  readFrames(from: number, count: number): Uint8Array {
    return this.#read(new Uint8Array(count * FRAME_SIZE), frameOffset(from));
  }

  /** Reads the page of a frame to a place in a buffer. */
  readPage(frame: number, into: Uint8Array, at: number): void {
    this.#read(into.subarray(at, at + PAGE_SIZE), frameOffset(frame) + FRAME_HEADER_SIZE);
  }

  /** Adds frames of the remote's to the tail. Salts and checksums in them are written over: each log has its own. */
  append(frames: Uint8Array): void {
    const view = new DataView(frames.buffer, frames.byteOffset, frames.byteLength);
    const checksum = this.#checksumAt(this.#end);
    const offset = frameOffset(this.#end.frames + 1);
    const count = frames.length / FRAME_SIZE;
    for (let index = 0; index < count; index++) {
      const at = index * FRAME_SIZE;
      const fields = { pageNumber: view.getUint32(at), databaseSize: view.getUint32(at + 4) };
      sealFrame(frames, at, fields, this.#header, checksum);
      this.#note(this.#end.frames + index, fields.pageNumber, fields.databaseSize);
    }
    writeFully(this.#file, frames, offset);
    const { first: checksum1, second: checksum2 } = checksum;
    this.#end = { frames: this.#end.frames + count, checksum1, checksum2 };
  }

  /** Takes what SQLite has written into the tail, as far as it is committed. False: the file is not this log any more. */
  adopt(): boolean {
    const head = this.#read(new Uint8Array(WAL_HEADER_SIZE), 0);
    const header = parseWalHeader(head);
    if (header === undefined) return false;
    if (this.#committed.frames === 0) {
      // SQLite begins a log that has no frame anew, with salts of its own.
      this.#header = header;
      this.#committed = { frames: 0, checksum1: header.checksum1, checksum2: header.checksum2 };
    } else if (header.salt1 !== this.#header.salt1 || header.salt2 !== this.#header.salt2) return false;
    const scanner = new WalScanner(this.#header, this.#committed);
    for (let chunk = this.#next(scanner); chunk.length > 0; chunk = this.#next(scanner)) {
      this.#noteAll(scanner.feed(chunk));
    }
    this.#end = scanner.committed;
    return fstatSync(this.#file).nlink > 0;
  }

  /** Makes the tail durable up to its last transaction's end, as frames that the remote has. False: none ends in it. */
  commit(): boolean {
    let upTo = this.#end.frames;
    while (upTo > this.committed && this.sizeAt(upTo) === 0) upTo--;
    if (upTo === this.committed) return false;
    fsyncSync(this.#file);
    this.#committed = upTo === this.#end.frames ? this.#end : this.#markAt(upTo);
    return true;
  }

  /** Forgets the tail, or what of it is behind a mark. */
  drop(to: LogMark = this.#committed): void {
    ftruncateSync(this.#file, frameOffset(to.frames + 1));
    this.#end = to;
  }

  close(): void {
    closeSync(this.#file);
  }

  async #scanTo(frame: number): Promise<boolean> {
    const scanner = new WalScanner(this.#header);
    const end = frameOffset(frame + 1);
    const buffer = Buffer.alloc(Math.min(CHUNK, end));
    while (scanner.offset < end && !scanner.ended) {
      const length = Math.min(buffer.length, end - scanner.offset);
      const { bytesRead } = await readAsync(this.#file, buffer, 0, length, scanner.offset);
      if (bytesRead === 0) return false;
      this.#noteAll(scanner.feed(buffer.subarray(0, bytesRead)));
    }
    this.#committed = scanner.committed;
    return scanner.committed.frames === frame;
  }

  #next(scanner: WalScanner): Uint8Array {
    if (scanner.ended) return new Uint8Array();
    const buffer = new Uint8Array(CHUNK);
    return buffer.subarray(0, readSync(this.#file, buffer, 0, CHUNK, scanner.offset));
  }

  #noteAll(commits: readonly WalCommit[]): void {
    for (const { firstFrame, pageNumbers, databaseSize } of commits) {
      const last = pageNumbers.length - 1;
      for (const [index, pageNumber] of pageNumbers.entries()) {
        this.#note(firstFrame - 1 + index, pageNumber, index === last ? databaseSize : 0);
      }
    }
  }

  #note(index: number, pageNumber: number, databaseSize: number): void {
    const create = (length: number): Uint32Array<ArrayBuffer> => new Uint32Array(length);
    this.#pageNumbers = grownToHold(this.#pageNumbers, index, create);
    this.#sizes = grownToHold(this.#sizes, index, create);
    this.#pageNumbers[index] = pageNumber;
    this.#sizes[index] = databaseSize;
  }

  #markAt(frame: number): LogMark {
    const head = this.#read(new Uint8Array(FRAME_HEADER_SIZE), frameOffset(frame));
    const view = new DataView(head.buffer);
    return { frames: frame, checksum1: view.getUint32(16), checksum2: view.getUint32(20) };
  }

  #checksumAt({ checksum1, checksum2 }: LogMark): WalChecksum {
    return new WalChecksum(this.#header.bigEndianChecksums, checksum1, checksum2);
  }

  /** What lies behind the end of the file is zeros. */
  #read(into: Uint8Array, offset: number): Uint8Array {
    readSync(this.#file, into, 0, into.length, offset);
    return into;
  }
}

function randomWord(): number {
  return randomBytes(4).readUInt32BE();
}
