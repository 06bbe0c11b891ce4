import { randomBytes } from "node:crypto";
import { FRAME_HEADER_SIZE, FRAME_SIZE, PAGE_SIZE, WAL_HEADER_SIZE } from "@tributary/core";

/** SQLite's log of one replica, as bytes. Source: https://www.sqlite.org/fileformat2.html#walformat, section 4. */
export class WalFile {
  readonly #header: Buffer;
  readonly #frames: Buffer[] = [];

  constructor(header?: Buffer) {
    this.#header = header ?? newHeader();
  }

  /** Reads the transactions of a file; what lies behind the last one is left out. */
  static parse(bytes: Buffer): WalFile {
    const wal = new WalFile(Buffer.from(bytes.subarray(0, WAL_HEADER_SIZE)));
    let sums = wal.#headerSums();
    let committed = 0;
    for (let at = WAL_HEADER_SIZE; at + FRAME_SIZE <= bytes.length; at += FRAME_SIZE) {
      const frame = Buffer.from(bytes.subarray(at, at + FRAME_SIZE));
      sums = wal.#sumsBehind(sums, frame);
      if (sums[0] !== frame.readUInt32BE(16) || sums[1] !== frame.readUInt32BE(20)) break;
      wal.#frames.push(frame);
      if (frame.readUInt32BE(4) > 0) committed = wal.#frames.length;
    }
    wal.#frames.length = committed;
    return wal;
  }

  get count(): number {
    return this.#frames.length;
  }

  get bytes(): Buffer {
    return Buffer.concat([this.#header, ...this.#frames]);
  }

  /** Frames from one number to before another one, counted from 1. */
  slice(from: number, end: number): Buffer {
    return Buffer.concat(this.#frames.slice(from - 1, end - 1));
  }

  /** Adds a frame of somebody else's, with salts and checksum of this log. */
  append(frame: Buffer): void {
    const own = Buffer.from(frame);
    this.#header.copy(own, 8, 16, 24);
    const last = this.#frames.at(-1);
    const before = last === undefined ? this.#headerSums() : sumsOf(last);
    const sums = this.#sumsBehind(before, own);
    own.writeUInt32BE(sums[0], 16);
    own.writeUInt32BE(sums[1], 20);
    this.#frames.push(own);
  }

  truncate(count: number): void {
    this.#frames.length = count;
  }

  #headerSums(): [number, number] {
    return [this.#header.readUInt32BE(24), this.#header.readUInt32BE(28)];
  }

  #sumsBehind(sums: [number, number], frame: Buffer): [number, number] {
    const isBig = (this.#header.readUInt32BE(0) & 1) === 1;
    const head = addChecksum(sums, frame.subarray(0, 8), isBig);
    return addChecksum(head, frame.subarray(FRAME_HEADER_SIZE, FRAME_HEADER_SIZE + PAGE_SIZE), isBig);
  }
}

function sumsOf(frame: Buffer): [number, number] {
  return [frame.readUInt32BE(16), frame.readUInt32BE(20)];
}

function newHeader(): Buffer {
  const header = Buffer.alloc(WAL_HEADER_SIZE);
  header.writeUInt32BE(0x377f0682, 0);
  header.writeUInt32BE(3_007_000, 4);
  header.writeUInt32BE(PAGE_SIZE, 8);
  randomBytes(8).copy(header, 16);
  const [first, second] = addChecksum([0, 0], header.subarray(0, 24), false);
  header.writeUInt32BE(first, 24);
  header.writeUInt32BE(second, 28);
  return header;
}

function addChecksum([first, second]: [number, number], bytes: Buffer, isBig: boolean): [number, number] {
  let a = first;
  let b = second;
  for (let at = 0; at < bytes.length; at += 8) {
    a = (a + b + (isBig ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at))) >>> 0;
    b = (b + a + (isBig ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4))) >>> 0;
  }
  return [a, b];
}
