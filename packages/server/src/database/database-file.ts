import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";
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
    throw new ServerError("cannot-open", explainOpenFailure(path, error), error);
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

/** Throws `ServerError` "unsupported-page-size", which begins with `subject`. */
export function checkPageSize(pageSize: number, subject: string): void {
  if (pageSize === PAGE_SIZE) return;
  throw new ServerError(
    "unsupported-page-size",
    `${subject} has pages of ${pageSize} bytes, syncing needs ${PAGE_SIZE}: convert a copy with ` +
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
  const encoding = String(keeper.pragma("encoding", { simple: true }));
  if (encoding !== "UTF-8") throw unsupportedEncoding(path, encoding);
}

/** The error about a database whose text is UTF-16. */
export function unsupportedEncoding(subject: string, encoding: string): ServerError {
  return new ServerError(
    "unsupported-encoding",
    `${subject} stores text as ${encoding}, syncing needs UTF-8: copy it with ` +
      '".dump" into a new file that has had "PRAGMA encoding = \'UTF-8\';"',
  );
}

/** What to do about a file that cannot be opened, in one line. `error` is of Node or of SQLite. */
export function explainOpenFailure(path: string, error: unknown): string {
  switch (codeOf(error)) {
    case "EISDIR":
      return `${path} is a directory: give the path of a file`;
    // Of a directory that was to be made.
    case "EEXIST":
      return `${path} is a file: give the path of a directory`;
    case "ENOENT":
      return `there is no directory ${dirname(path)}: create it first`;
    case "ENOTDIR":
      return `${dirname(path)} is not a directory: give another path`;
    case "EACCES":
    case "EPERM":
      return `${path} may not be read, or not be created in its directory: give this user permission to both`;
    case "EROFS":
    case "SQLITE_READONLY":
    case "SQLITE_READONLY_DIRECTORY":
    case "SQLITE_CANTOPEN":
      return `${path} or its directory may not be written: give this user permission to write both`;
    case "ENOSPC":
    case "SQLITE_FULL":
      return `there is no space left for ${path}: make room first`;
    default:
      return `cannot open ${path}: ${messageOf(error)}`;
  }
}

function toServerError(error: unknown, path: string): ServerError {
  if (error instanceof ServerError) return error;
  const code = codeOf(error);
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
  return new ServerError("cannot-open", explainOpenFailure(path, error), error);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
