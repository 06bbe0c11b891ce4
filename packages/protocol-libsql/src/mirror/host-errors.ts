import { SyncError } from "@tributary/core";
import Database from "better-sqlite3";

/** Runs work on the mirror's files. What the file system or SQLite rejects it with becomes a `SyncError`. */
export function onHost<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw toHostError(error, path);
  }
}

/** `io-failed` for an error of the file system, `sql-failed` for one of SQLite; every other one as it is. */
export function toHostError(error: unknown, path: string): unknown {
  if (error instanceof SyncError || !(error instanceof Error)) return error;
  if (error instanceof Database.SqliteError) {
    return new SyncError(
      "sql-failed",
      `The copy of the remote at ${path} cannot be used: ${error.message}.`,
      {
        path,
        sqlCode: error.code,
        cause: error,
      },
    );
  }
  if (!("syscall" in error)) return error;
  return new SyncError(
    "io-failed",
    `The copy of the remote at ${path} cannot be read or written: ${error.message}.`,
    { path, cause: error },
  );
}
