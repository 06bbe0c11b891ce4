import { SyncError } from "@tributary/core";
import Database from "better-sqlite3";
import { isBusyError } from "./native-connection.js";

/** SQLite's code of an error; `undefined` for one that is not SQLite's. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Database.SqliteError ? error.code : undefined;
}

/** Runs work whose failures are to be told as `SyncError`s: `database-busy` or `sql-failed`. */
export function asSyncError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SyncError) throw error;
    const sqlCode = codeOf(error);
    const busy = sqlCode?.startsWith("SQLITE_BUSY") === true || isBusyError(error);
    const message = error instanceof Error ? error.message : String(error);
    throw new SyncError(busy ? "database-busy" : "sql-failed", message, {
      cause: error,
      ...(sqlCode === undefined ? {} : { sqlCode }),
    });
  }
}
