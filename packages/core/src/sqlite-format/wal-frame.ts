import { PAGE_SIZE } from "../values/page.js";
import type { WalChecksum } from "./wal-checksum.js";
import { WAL_HEADER_SIZE, type WalHeaderFields } from "./wal-header.js";

/** Bytes of a frame before its page: page number, database size after commit or 0, two salts, running checksum. */
export const FRAME_HEADER_SIZE = 24;

/** Bytes of a frame with a page of 4096 bytes. */
export const FRAME_SIZE: number = FRAME_HEADER_SIZE + PAGE_SIZE;

/** Where a frame begins in the log. Frames are counted from 1, as SQLite does. */
export function frameOffset(frame: number, pageSize: number = PAGE_SIZE): number {
  return WAL_HEADER_SIZE + (frame - 1) * (FRAME_HEADER_SIZE + pageSize);
}

/** What the header of a frame says. */
export interface WalFrameFields {
  /** One-based. */
  readonly pageNumber: number;
  /** Size of the database in pages if the frame ends a commit, else 0. */
  readonly databaseSize: number;
}

/**
 * Reads the frame at `offset` and adds it to the running checksum. `undefined`, with the checksum past use, if the
 * frame does not belong to the log: other salts, a broken chain, no page number.
 */
export function parseFrame(
  bytes: Uint8Array,
  offset: number,
  header: WalHeaderFields,
  checksum: WalChecksum,
): WalFrameFields | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, FRAME_HEADER_SIZE);
  const pageNumber = view.getUint32(0);
  if (pageNumber === 0 || view.getUint32(8) !== header.salt1 || view.getUint32(12) !== header.salt2)
    return undefined;
  checksum.update(bytes, offset, 8);
  checksum.update(bytes, offset + FRAME_HEADER_SIZE, header.pageSize);
  if (checksum.first !== view.getUint32(16) || checksum.second !== view.getUint32(20)) return undefined;
  return { pageNumber, databaseSize: view.getUint32(4) };
}

/** Writes the header of the frame at `offset`, whose page lies behind it already, and adds the frame to the checksum. */
export function sealFrame(
  bytes: Uint8Array,
  offset: number,
  fields: WalFrameFields,
  header: WalHeaderFields,
  checksum: WalChecksum,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, FRAME_HEADER_SIZE);
  view.setUint32(0, fields.pageNumber);
  view.setUint32(4, fields.databaseSize);
  view.setUint32(8, header.salt1);
  view.setUint32(12, header.salt2);
  checksum.update(bytes, offset, 8);
  checksum.update(bytes, offset + FRAME_HEADER_SIZE, header.pageSize);
  view.setUint32(16, checksum.first);
  view.setUint32(20, checksum.second);
}
