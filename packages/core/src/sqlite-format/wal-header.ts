import { WalChecksum } from "./wal-checksum.js";

/** Bytes before the first frame. */
export const WAL_HEADER_SIZE = 32;

const MAGIC_LITTLE_ENDIAN = 0x377f0682;
const MAGIC_BIG_ENDIAN = 0x377f0683;
const VERSION = 3_007_000;
/** Bytes that the header's own checksum covers. */
const SUMMED_BYTES = 24;

/** What a log says of itself, its checksum left out. */
export interface WalHeaderFields {
  /** Whether checksums are computed over big-endian words. */
  readonly bigEndianChecksums: boolean;
  readonly pageSize: number;
  /** Checkpoint sequence number. */
  readonly sequence: number;
  /** Grows by one with every restart of the log. */
  readonly salt1: number;
  /** Random with every restart. */
  readonly salt2: number;
}

/** The first 32 bytes of a log (https://www.sqlite.org/fileformat2.html#the_write_ahead_log). */
export interface WalHeader extends WalHeaderFields {
  /** Of the header; the first frame's checksum goes on from here. */
  readonly checksum1: number;
  readonly checksum2: number;
}

/** Whether two logs, or positions in them, are of the same generation. */
export function sameSalts(
  left: Pick<WalHeaderFields, "salt1" | "salt2">,
  right: Pick<WalHeaderFields, "salt1" | "salt2">,
): boolean {
  return left.salt1 === right.salt1 && left.salt2 === right.salt2;
}

/** Reads a header; `undefined` if the bytes are not a whole and undamaged one: SQLite then takes the log for empty. */
export function parseWalHeader(bytes: Uint8Array): WalHeader | undefined {
  if (bytes.length < WAL_HEADER_SIZE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, WAL_HEADER_SIZE);
  const magic = view.getUint32(0);
  if (magic !== MAGIC_LITTLE_ENDIAN && magic !== MAGIC_BIG_ENDIAN) return undefined;
  if (view.getUint32(4) !== VERSION) return undefined;
  const pageSize = view.getUint32(8);
  if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) return undefined;
  const bigEndianChecksums = magic === MAGIC_BIG_ENDIAN;
  const checksum = new WalChecksum(bigEndianChecksums);
  checksum.update(bytes, 0, SUMMED_BYTES);
  if (checksum.first !== view.getUint32(24) || checksum.second !== view.getUint32(28)) return undefined;
  return {
    bigEndianChecksums,
    pageSize,
    sequence: view.getUint32(12),
    salt1: view.getUint32(16),
    salt2: view.getUint32(20),
    checksum1: checksum.first,
    checksum2: checksum.second,
  };
}

/** The 32 bytes that begin a log. */
export function formatWalHeader(fields: WalHeaderFields): Uint8Array {
  const bytes = new Uint8Array(WAL_HEADER_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, fields.bigEndianChecksums ? MAGIC_BIG_ENDIAN : MAGIC_LITTLE_ENDIAN);
  view.setUint32(4, VERSION);
  view.setUint32(8, fields.pageSize);
  view.setUint32(12, fields.sequence);
  view.setUint32(16, fields.salt1);
  view.setUint32(20, fields.salt2);
  const checksum = new WalChecksum(fields.bigEndianChecksums);
  checksum.update(bytes, 0, SUMMED_BYTES);
  view.setUint32(24, checksum.first);
  view.setUint32(28, checksum.second);
  return bytes;
}
