import { HOST_BIG_ENDIAN, WalChecksum } from "./wal-checksum.js";
import type { WalHeader } from "./wal-header.js";
import type { WalCommitPoint } from "./wal-scanner.js";

/*
 * SQLite's index of a log (https://www.sqlite.org/walformat.html#the_wal_index_file_format), in the byte order of the
 * machine: two copies of a header, then blocks of 32 KiB, each with the page numbers of some frames and a hash table from
 * page numbers to these. The header takes the place of the first page numbers of the first block.
 */

/** Bytes of one of the two copies of the header. */
export const INDEX_HEADER_SIZE = 48;
const INDEX_BLOCK_SIZE = 32_768;

/** Header copies, and what checkpoints and readers note behind them. */
const FIRST_BLOCK_START = 136;
const FRAMES_PER_BLOCK = 4096;
const FRAMES_IN_FIRST = FRAMES_PER_BLOCK - FIRST_BLOCK_START / 4;
const SLOTS = 8192;
const HASH_FACTOR = 383;
const VERSION = 3_007_000;
const LITTLE = !HOST_BIG_ENDIAN;

const HEADER = {
  version: 0,
  changeCounter: 8,
  isInit: 12,
  frames: 16,
  databaseSize: 20,
  frameChecksum: 24,
  salts: 32,
  checksum: 40,
} as const;

/** A commit that was appended to a log. */
export interface AppendedCommit {
  readonly header: WalHeader;
  readonly before: WalCommitPoint;
  readonly after: WalCommitPoint;
  /** One-based page number of each frame. */
  readonly pageNumbers: Uint32Array;
  /** Size of the database after it, in pages. */
  readonly databaseSize: number;
}

/**
 * The header of an index after a commit, from both copies of the one before. `undefined` where these do not say, both of
 * them, that the index ends where the commit begins.
 */
export function nextIndexHeader(copies: Uint8Array, commit: AppendedCommit): Uint8Array | undefined {
  const { header, before, after, databaseSize } = commit;
  if (copies.length < 2 * INDEX_HEADER_SIZE) return undefined;
  for (let at = 0; at < INDEX_HEADER_SIZE; at++)
    if (copies[at] !== copies[at + INDEX_HEADER_SIZE]) return undefined;
  const next = copies.slice(0, INDEX_HEADER_SIZE);
  const view = new DataView(next.buffer);
  const fits =
    view.getUint32(HEADER.version, LITTLE) === VERSION &&
    view.getUint8(HEADER.isInit) === 1 &&
    view.getUint32(HEADER.frames, LITTLE) === before.frames &&
    view.getUint32(HEADER.frameChecksum, LITTLE) === before.checksum1 &&
    view.getUint32(HEADER.frameChecksum + 4, LITTLE) === before.checksum2 &&
    // Bytes as the log has them.
    view.getUint32(HEADER.salts) === header.salt1 &&
    view.getUint32(HEADER.salts + 4) === header.salt2;
  if (!fits) return undefined;
  view.setUint32(HEADER.changeCounter, view.getUint32(HEADER.changeCounter, LITTLE) + 1, LITTLE);
  view.setUint32(HEADER.frames, after.frames, LITTLE);
  view.setUint32(HEADER.databaseSize, databaseSize, LITTLE);
  view.setUint32(HEADER.frameChecksum, after.checksum1, LITTLE);
  view.setUint32(HEADER.frameChecksum + 4, after.checksum2, LITTLE);
  const checksum = new WalChecksum(HOST_BIG_ENDIAN);
  checksum.update(next, 0, HEADER.checksum);
  view.setUint32(HEADER.checksum, checksum.first, LITTLE);
  view.setUint32(HEADER.checksum + 4, checksum.second, LITTLE);
  return next;
}

/** The part of an index that has some frames of a log. */
export interface IndexBlock {
  /** Where its entries begin in the file; they end with the block. */
  readonly offset: number;
  readonly length: number;
  /** The last frame before its first. */
  readonly after: number;
  /** How many frames it can have. */
  readonly capacity: number;
}

/** The block that has a frame, counted from 1. */
export function blockOfFrame(frame: number): IndexBlock {
  const number = Math.floor((frame - FRAMES_IN_FIRST - 1) / FRAMES_PER_BLOCK) + 1;
  const start = number * INDEX_BLOCK_SIZE;
  const taken = number === 0 ? FIRST_BLOCK_START : 0;
  return {
    offset: start + taken,
    length: INDEX_BLOCK_SIZE - taken,
    after: number === 0 ? 0 : FRAMES_IN_FIRST + (number - 1) * FRAMES_PER_BLOCK,
    capacity: FRAMES_PER_BLOCK - taken / 4,
  };
}

/**
 * Adds frames to the entries of a block that has `count` of them. What lies behind these, left by a writer that died, is
 * removed. False where the entries are none that SQLite could have written.
 */
export function addIndexEntries(entries: Uint8Array, count: number, pageNumbers: Uint32Array): boolean {
  const words = entries.length - SLOTS * 2;
  const pages = new Uint32Array(entries.buffer, entries.byteOffset, words / 4);
  const slots = new Uint16Array(entries.buffer, entries.byteOffset + words, SLOTS);
  if (count === 0) entries.fill(0);
  else if (pages[count] !== 0) {
    pages.fill(0, count);
    for (let slot = 0; slot < SLOTS; slot++) if ((slots[slot] as number) > count) slots[slot] = 0;
  }
  for (const [index, page] of pageNumbers.entries()) {
    let slot = Math.imul(page, HASH_FACTOR) & (SLOTS - 1);
    for (let met = 0; slots[slot] !== 0; met++) {
      if (met > count + index) return false;
      slot = (slot + 1) & (SLOTS - 1);
    }
    pages[count + index] = page;
    slots[slot] = count + index + 1;
  }
  return true;
}
