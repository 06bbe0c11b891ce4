import { SyncError } from "../errors/sync-error.js";
import type { SyncedHeader } from "../ports/replica-pages.js";
import { PAGE_SIZE } from "../values/page.js";
import { problemOfTableRoot } from "./table-root.js";

/** Bytes of the header at the start of page 1 (https://www.sqlite.org/fileformat2.html#the_database_header). */
export const DATABASE_HEADER_SIZE = 100;

/**
 * The page that holds the byte at 1 GiB. SQLite locks bytes of it and never stores anything there, so no log has a
 * frame of it.
 */
export const LOCK_BYTE_PAGE: number = 0x4000_0000 / PAGE_SIZE + 1;

/** File format version that means write-ahead log. */
const WAL_VERSION = 2;
const MAX_SCHEMA_FORMAT = 4;
const MAX_TEXT_ENCODING = 3;
const MAX_COOKIE = 0xffff_ffff;
/** The same in every database. */
const PAYLOAD_FRACTIONS = [64, 32, 32];
const MAGIC = Uint8Array.from("SQLite format 3\0", (character) => character.charCodeAt(0));

const OFFSET = {
  pageSize: 16,
  writeVersion: 18,
  readVersion: 19,
  reservedBytes: 20,
  payloadFractions: 21,
  changeCounter: 24,
  databaseSize: 28,
  schemaCookie: 40,
  schemaFormat: 44,
  largestRoot: 52,
  textEncoding: 56,
  versionValidFor: 92,
} as const;

/** What this package reads of a database header. */
export interface DatabaseHeader {
  readonly pageSize: number;
  readonly writeVersion: number;
  readonly readVersion: number;
  /** Bytes at the end of each page that SQLite leaves alone. */
  readonly reservedBytes: number;
  readonly changeCounter: number;
  /** Size in pages; `undefined` when a writer did not keep it up, and the size of the file counts instead. */
  readonly databaseSize: number | undefined;
  readonly schemaCookie: number;
}

/** Reads the header of page 1; `undefined` if the bytes do not begin a SQLite database. */
export function parseDatabaseHeader(bytes: Uint8Array): DatabaseHeader | undefined {
  if (bytes.length < DATABASE_HEADER_SIZE) return undefined;
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) return undefined;
  const view = viewOf(bytes);
  const storedPageSize = view.getUint16(OFFSET.pageSize);
  const pageSize = storedPageSize === 1 ? 65_536 : storedPageSize;
  if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) return undefined;
  const changeCounter = view.getUint32(OFFSET.changeCounter);
  const databaseSize = view.getUint32(OFFSET.databaseSize);
  const sizeCounts = databaseSize !== 0 && view.getUint32(OFFSET.versionValidFor) === changeCounter;
  return {
    pageSize,
    writeVersion: view.getUint8(OFFSET.writeVersion),
    readVersion: view.getUint8(OFFSET.readVersion),
    reservedBytes: view.getUint8(OFFSET.reservedBytes),
    changeCounter,
    databaseSize: sizeCounts ? databaseSize : undefined,
    schemaCookie: view.getUint32(OFFSET.schemaCookie),
  };
}

/**
 * Fails with `invalid-page-stream` if a remote's page 1 cannot begin a database that a replica can hold.
 * `databaseSize`: pages that the remote said it has; left out, that is not compared.
 */
export function checkRemoteFirstPage(page: Uint8Array, databaseSize?: number): void {
  const header = parseDatabaseHeader(page);
  if (header === undefined) throw invalid("does not begin with a SQLite database header");
  if (header.pageSize !== PAGE_SIZE) {
    throw invalid(`says that pages have ${header.pageSize} bytes; the protocol knows ${PAGE_SIZE} only`);
  }
  for (const version of [header.writeVersion, header.readVersion]) {
    if (version !== 1 && version !== WAL_VERSION)
      throw invalid(`has the unknown file format version ${version}`);
  }
  const problem = problemOfFirstPage(page, header.reservedBytes, databaseSize);
  if (problem !== undefined) throw invalid(problem);
  // SQLite takes such a database for corrupt. A smaller number is left alone: what counts is what the remote made of it.
  if (databaseSize !== undefined && (header.databaseSize ?? 0) > databaseSize) {
    throw invalid(`counts ${header.databaseSize} pages where the remote announced ${databaseSize}`);
  }
}

/** Why SQLite could not read page 1, though it begins as one: published, it would make every later read fail. */
function problemOfFirstPage(
  page: Uint8Array,
  reservedBytes: number,
  databaseSize?: number,
): string | undefined {
  const view = viewOf(page);
  if (PAYLOAD_FRACTIONS.some((byte, index) => page[OFFSET.payloadFractions + index] !== byte))
    return "has payload fractions other than SQLite's";
  const format = view.getUint32(OFFSET.schemaFormat);
  if (format > MAX_SCHEMA_FORMAT) return `has the unknown schema format ${format}`;
  const encoding = view.getUint32(OFFSET.textEncoding);
  if (encoding > MAX_TEXT_ENCODING) return `has the unknown text encoding ${encoding}`;
  const usableBytes = PAGE_SIZE - reservedBytes;
  return problemOfTableRoot(page, { start: DATABASE_HEADER_SIZE, usableBytes, databaseSize });
}

/** What the remote's page 1 says where the local one says something else. */
export function syncedHeaderOf(page: Uint8Array): SyncedHeader {
  const view = viewOf(page);
  return {
    writeVersion: view.getUint8(OFFSET.writeVersion),
    readVersion: view.getUint8(OFFSET.readVersion),
    schemaCookie: view.getUint32(OFFSET.schemaCookie),
  };
}

/** Page 1 as the replica's file must have it: in WAL mode, with a schema cookie of its own if one is given. A copy. */
export function localFirstPage(page: Uint8Array, schemaCookie?: number): Uint8Array {
  const local = Uint8Array.from(page);
  const view = viewOf(local);
  view.setUint8(OFFSET.writeVersion, WAL_VERSION);
  view.setUint8(OFFSET.readVersion, WAL_VERSION);
  if (schemaCookie !== undefined) view.setUint32(OFFSET.schemaCookie, schemaCookie);
  return local;
}

/** Undoes `localFirstPage`: page 1 byte for byte as the remote has it. A copy. */
export function remoteFirstPage(page: Uint8Array, header: SyncedHeader): Uint8Array {
  const remote = Uint8Array.from(page);
  const view = viewOf(remote);
  view.setUint8(OFFSET.writeVersion, header.writeVersion);
  view.setUint8(OFFSET.readVersion, header.readVersion);
  view.setUint32(OFFSET.schemaCookie, header.schemaCookie);
  return remote;
}

/** The schema cookie of page 1. */
export function schemaCookieOf(page: Uint8Array): number {
  return viewOf(page).getUint32(OFFSET.schemaCookie);
}

/**
 * Whether SQLite moves pages of this database (`auto_vacuum`): there are pages then that say whose the others are, and a new
 * table makes another one's page give way to its root.
 */
export function movesPages(page: Uint8Array): boolean {
  return viewOf(page).getUint32(OFFSET.largestRoot) !== 0;
}

/**
 * A schema cookie that no open connection can have seen: connections compare it to know whether to read the schema
 * again, so it has to grow past the local one even when the remote's is at its end.
 */
export function nextSchemaCookie(local: number, remote: number): number {
  return (Math.max(local, remote) === MAX_COOKIE ? local + 1 : Math.max(local, remote) + 1) >>> 0;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function invalid(what: string): SyncError {
  return new SyncError("invalid-page-stream", `Page 1 of the remote database ${what}. Nothing was applied.`);
}
