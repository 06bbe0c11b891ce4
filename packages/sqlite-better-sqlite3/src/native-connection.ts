import Database from "better-sqlite3";

/** better-sqlite3's own methods, whatever a subclass overrides: for statements of the adapter's own. */
const native = Database.prototype;

/** Prepares a statement without capture. The settings an app may have changed are set back. */
export function nativePrepare(db: Database.Database, sql: string): Database.Statement<unknown[]> {
  return native.prepare.call(db, sql) as Database.Statement<unknown[]>;
}

/** Runs statements without capture. */
export function nativeExec(db: Database.Database, sql: string): void {
  native.exec.call(db, sql);
}

/** All rows by position; integers as bigint whatever the connection's default is. */
export function nativeRows(db: Database.Database, sql: string, ...params: unknown[]): NativeRow[] {
  return nativePrepare(db, sql)
    .safeIntegers(true)
    .raw(true)
    .all(...params) as NativeRow[];
}

/** The first value of the first row. */
export function nativeValue(
  db: Database.Database,
  sql: string,
  ...params: unknown[]
): NativeValue | undefined {
  return nativeRows(db, sql, ...params)[0]?.[0];
}

/** Whether an error is better-sqlite3's refusal to run something while another query of the connection is under way. */
export function isBusyError(error: unknown): boolean {
  return error instanceof TypeError && /^This database connection is busy/.test(error.message);
}

/** Whether a query of the connection is under way: an iterator that is open, or a function that SQLite has called. */
export function isBusy(db: Database.Database): boolean {
  try {
    // There is no such schema, so nothing happens; but better-sqlite3 first looks, in unsafe mode too, whether it is busy.
    native.serialize.call(db, { attached: "tributary_none" });
    return false;
  } catch (error) {
    return isBusyError(error);
  }
}

/** A value as better-sqlite3 gives it. */
export type NativeValue = null | bigint | number | string | Buffer;

/** A row by position. */
export type NativeRow = NativeValue[];

/**
 * Runs `work` so that it happens as a whole or not at all: in a savepoint, or in a transaction of its own when none is
 * open. Some errors of SQLite end the transaction by themselves; there is nothing left to roll back then.
 */
export function atomically<T>(
  db: Database.Database,
  work: () => T,
  begin: "BEGIN" | "BEGIN IMMEDIATE" = "BEGIN",
): T {
  const nested = db.inTransaction;
  nativeExec(db, nested ? "SAVEPOINT tributary_step" : begin);
  try {
    const result = work();
    nativeExec(db, nested ? "RELEASE tributary_step" : "COMMIT");
    return result;
  } catch (error) {
    if (db.inTransaction) {
      nativeExec(db, nested ? "ROLLBACK TO tributary_step; RELEASE tributary_step" : "ROLLBACK");
    }
    throw error;
  }
}
