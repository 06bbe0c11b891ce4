import { fstatSync, readSync } from "node:fs";
import { DATABASE_HEADER_SIZE, parseDatabaseHeader } from "@tributary/core";

/** What tells whether a database file has been written to since it was last looked at. */
export interface FileStamp {
  /** Bytes. */
  readonly size: number;
  /** Time of its last change, nanoseconds since 1970. */
  readonly modifiedNs: string;
  /** Of the header: its change counter, size in pages and schema cookie; empty for an empty file. */
  readonly header: string;
}

/** File systems give times in steps: of the kernel's clock tick, 10 ms at most, or of up to 2 s on old ones. */
const TICK_MS = 20;
const COARSE_TICK_MS = 2_000;

/** Looks at a file. */
export function readFileStamp(descriptor: number): FileStamp {
  const { size, mtimeNs } = fstatSync(descriptor, { bigint: true });
  const bytes = new Uint8Array(DATABASE_HEADER_SIZE);
  const header = parseDatabaseHeader(bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0)));
  return {
    size: Number(size),
    modifiedNs: String(mtimeNs),
    header:
      header === undefined
        ? ""
        : `${header.changeCounter}-${header.databaseSize ?? ""}-${header.schemaCookie}`,
  };
}

/** Whether the file has not been written to between two looks, provided that the first one was settled. */
export function sameStamp(left: FileStamp, right: FileStamp): boolean {
  return left.size === right.size && left.modifiedNs === right.modifiedNs && left.header === right.header;
}

/**
 * How long until a stamp is settled, ms: a write within the same step of the file system's clock as the one before it
 * does not show in the time of the last change. 0: whatever is written from now on shows.
 */
export function settlesIn({ modifiedNs }: FileStamp): number {
  const nanoseconds = BigInt(modifiedNs);
  const tick = nanoseconds % 1_000_000_000n === 0n ? COARSE_TICK_MS : TICK_MS;
  return Math.max(0, Number(nanoseconds / 1_000_000n) + 1 + tick - Date.now());
}
