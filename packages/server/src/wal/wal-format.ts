/**
 * The bytes of SQLite's write-ahead log (https://www.sqlite.org/fileformat2.html#walformat). Knows no file and no
 * database.
 */

/** Bytes before the first frame. */
export const WAL_HEADER_SIZE = 32;
/** Bytes of a frame before its page. */
export const FRAME_HEADER_SIZE = 24;

const MAGIC_LITTLE_ENDIAN = 0x377f0682;
const MAGIC_BIG_ENDIAN = 0x377f0683;
const VERSION = 3_007_000;

/** What the first 32 bytes say. */
export interface WalHeader {
  /** Whether checksums are computed over big-endian words. */
  readonly bigEndianChecksums: boolean;
  readonly pageSize: number;
  /** Checkpoint sequence number. */
  readonly sequence: number;
  readonly salt1: number;
  readonly salt2: number;
  readonly checksum1: number;
  readonly checksum2: number;
}

/** Two running words. Every frame continues where the one before it ended. */
export class WalChecksum {
  first: number;
  second: number;
  readonly #bigEndian: boolean;

  constructor(bigEndian: boolean, first = 0, second = 0) {
    this.#bigEndian = bigEndian;
    this.first = first;
    this.second = second;
  }

  /** Adds `length` bytes, a multiple of 8. Fast where the bytes lie on a word boundary of their buffer. */
  update(bytes: Uint8Array, offset: number, length: number): void {
    let first = this.first;
    let second = this.second;
    const start = bytes.byteOffset + offset;
    if (start % 4 === 0 && this.#bigEndian === HOST_BIG_ENDIAN) {
      const words = new Uint32Array(bytes.buffer, start, length >>> 2);
      for (let index = 0; index < words.length; index += 2) {
        first = (first + (words[index] as number) + second) >>> 0;
        second = (second + (words[index + 1] as number) + first) >>> 0;
      }
    } else {
      const view = new DataView(bytes.buffer, start, length);
      for (let at = 0; at < length; at += 8) {
        first = (first + view.getUint32(at, !this.#bigEndian) + second) >>> 0;
        second = (second + view.getUint32(at + 4, !this.#bigEndian) + first) >>> 0;
      }
    }
    this.first = first;
    this.second = second;
  }
}

const HOST_BIG_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 0;

/** Reads a header, or gives undefined if the bytes are not a complete and undamaged one. */
export function parseWalHeader(bytes: Uint8Array): WalHeader | undefined {
  if (bytes.length < WAL_HEADER_SIZE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, WAL_HEADER_SIZE);
  const magic = view.getUint32(0);
  if (magic !== MAGIC_LITTLE_ENDIAN && magic !== MAGIC_BIG_ENDIAN) return undefined;
  if (view.getUint32(4) !== VERSION) return undefined;
  const bigEndianChecksums = magic === MAGIC_BIG_ENDIAN;
  const checksum = new WalChecksum(bigEndianChecksums);
  checksum.update(bytes, 0, 24);
  if (checksum.first !== view.getUint32(24) || checksum.second !== view.getUint32(28)) return undefined;
  return {
    bigEndianChecksums,
    pageSize: view.getUint32(8),
    sequence: view.getUint32(12),
    salt1: view.getUint32(16),
    salt2: view.getUint32(20),
    checksum1: checksum.first,
    checksum2: checksum.second,
  };
}
