import { existsSync, statSync } from "node:fs";
import { DATABASE_HEADER_SIZE } from "@tributary/core";
import Database from "better-sqlite3";
import { ServerError } from "../server-error.js";
import { checkPageSize, unsupportedEncoding } from "./database-file.js";
import { findProblems } from "./database-jobs.js";

/**
 * What is wrong with a database file, in the words of SQLite; empty if all is well. Reads it without changing anything, also
 * while another process uses it: not to be called on a file that a server in this process has open. Takes as long as
 * reading all of it. Throws `ServerError` "cannot-open", "not-a-database", "database-busy", "unsupported-page-size",
 * "unsupported-encoding".
 */
export function verifyDatabaseFile(path: string): readonly string[] {
  const { size } = statOf(path);
  // An empty file is an empty database, of which nothing is decided yet.
  const hadLog = existsSync(`${path}-wal`);
  if (size === 0 && !hadLog) return [];
  if (size > 0 && size < DATABASE_HEADER_SIZE) throw notADatabase(path);
  try {
    return readProblems(path);
  } catch (error) {
    throw explain(error, path);
  } finally {
    // A journal that waits to be rolled back stays as it is: there is no log then.
    if (!hadLog && existsSync(`${path}-wal`)) removeEmptyLog(path);
  }
}

function statOf(path: string): { readonly size: number } {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new ServerError("cannot-open", `there is no file ${path}`);
  if (!stats.isFile()) throw new ServerError("cannot-open", `${path} is not a file`);
  return stats;
}

function readProblems(path: string): readonly string[] {
  const connection = new Database(path, { readonly: true, fileMustExist: true });
  try {
    checkPageSize(Number(connection.pragma("page_size", { simple: true })), path);
    const encoding = String(connection.pragma("encoding", { simple: true }));
    if (encoding !== "UTF-8") throw unsupportedEncoding(path, encoding);
    return findProblems(connection, "full");
  } catch (error) {
    if (codeOf(error).startsWith("SQLITE_CORRUPT")) return [(error as Error).message];
    throw error;
  } finally {
    connection.close();
  }
}

/**
 * Reading a database in WAL mode makes an empty log beside it, which a connection that may only read leaves behind. One
 * that may write takes it away when it is closed as the last one, under SQLite's locks.
 */
function removeEmptyLog(path: string): void {
  try {
    const connection = new Database(path, { fileMustExist: true });
    try {
      connection.pragma("schema_version");
    } finally {
      connection.close();
    }
  } catch {
    // It may not be written, or is no database: then it stays as it is.
  }
}

function explain(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (code === "SQLITE_NOTADB") return notADatabase(path, error);
  if (code.startsWith("SQLITE_BUSY")) {
    return new ServerError("database-busy", `another program holds ${path} locked: try again`, error);
  }
  if (code === "SQLITE_READONLY_ROLLBACK") {
    const message = `a program ended while it wrote to ${path}: open it once for writing, which mends it, and check again`;
    return new ServerError("cannot-open", message, error);
  }
  if (code.startsWith("SQLITE_CANTOPEN") || code.startsWith("SQLITE_READONLY")) {
    const message = `${path} cannot be opened for reading: SQLite needs to write beside it, to ${path}-shm`;
    return new ServerError("cannot-open", message, error);
  }
  return error;
}

function notADatabase(path: string, cause?: unknown): ServerError {
  return new ServerError("not-a-database", `${path} is not an SQLite database`, cause);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
