import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { DATABASE_HEADER_SIZE, PAGE_SIZE, parseDatabaseHeader } from "@tributary/core";
import { ServerError } from "../server-error.js";
import { type Connection, openConnection } from "./open-connection.js";

/**
 * A database file, opened for reading its pages and for SQL.
 *
 * Trap: closing any descriptor of the file drops every SQLite lock that this process holds on it (POSIX). So it is
 * opened once, and closed after the last connection.
 */
export interface DatabaseFile {
  readonly descriptor: number;
  /** A connection that never begins a transaction: it keeps `-wal` and `-shm` in place, and checkpoints. */
  readonly keeper: Connection;
}

/** Opens or creates a database and puts it into WAL mode. Throws `ServerError`. */
export function openDatabaseFile(path: string, walLimitBytes: number): DatabaseFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_CREAT, 0o644);
  } catch (error) {
    throw new ServerError("cannot-open", `cannot open or create ${path}: ${messageOf(error)}`, error);
  }
  let keeper: Connection | undefined;
  try {
    checkHeader(descriptor, path);
    keeper = openConnection(path, walLimitBytes);
    enterWalMode(keeper, path);
    return { descriptor, keeper };
  } catch (error) {
    keeper?.close();
    closeSync(descriptor);
    throw toServerError(error, path);
  }
}

function checkHeader(descriptor: number, path: string): void {
  if (!fstatSync(descriptor).isFile()) throw new ServerError("cannot-open", `${path} is not a file`);
  const bytes = new Uint8Array(DATABASE_HEADER_SIZE);
  const length = readSync(descriptor, bytes, 0, bytes.length, 0);
  if (length === 0) return;
  const header = parseDatabaseHeader(bytes.subarray(0, length));
  if (header === undefined) {
    throw new ServerError(
      "not-a-database",
      `${path} is not an SQLite database: give the path of one, or of a new file`,
    );
  }
  checkPageSize(header.pageSize, path);
}

function checkPageSize(pageSize: number, path: string): void {
  if (pageSize === PAGE_SIZE) return;
  throw new ServerError(
    "unsupported-page-size",
    `${path} has pages of ${pageSize} bytes, syncing needs ${PAGE_SIZE}: convert a copy with ` +
      `"PRAGMA journal_mode = DELETE; PRAGMA page_size = ${PAGE_SIZE}; VACUUM;"`,
  );
}

function enterWalMode(keeper: Connection, path: string): void {
  const mode = keeper.pragma("journal_mode = WAL", { simple: true });
  if (mode !== "wal") {
    throw new ServerError(
      "cannot-open",
      `${path} cannot be put into WAL mode (it stays in mode ${String(mode)})`,
    );
  }
  checkPageSize(Number(keeper.pragma("page_size", { simple: true })), path);
}

function toServerError(error: unknown, path: string): ServerError {
  if (error instanceof ServerError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code.startsWith("SQLITE_BUSY")) {
    return new ServerError(
      "database-busy",
      `${path} is locked by another program: let it finish first`,
      error,
    );
  }
  if (code.startsWith("SQLITE_NOTADB") || code.startsWith("SQLITE_CORRUPT")) {
    return new ServerError(
      "not-a-database",
      `${path} is not an intact SQLite database: ${messageOf(error)}`,
      error,
    );
  }
  return new ServerError("cannot-open", `cannot open ${path}: ${messageOf(error)}`, error);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
