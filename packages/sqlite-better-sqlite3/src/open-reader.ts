import { type SqlReader, type SqlValue, StatementCache, SyncError } from "@tributary/core";
import Database from "better-sqlite3";
import { asSyncError } from "./as-sync-error.js";
import { plainBytes } from "./plain-bytes.js";

/** A connection of its own to a database file, inside a transaction that reads the state committed now. */
export function openReader(path: string, options: Database.Options, onClose: () => void): SqlReader {
  const db = new Database(path, { ...options, readonly: true });
  try {
    // BEGIN alone settles nothing: the state is that of the first read.
    db.exec("BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1");
  } catch (error) {
    db.close();
    throw error;
  }
  const statements = new StatementCache<Database.Statement<unknown[]>>();
  return {
    query(sql, params = []) {
      if (!db.open) throw new SyncError("invalid-state", "The reader is closed.", { path });
      return asSyncError(() => {
        const statement = statements.get(sql, (text) =>
          db.prepare<unknown[]>(text).safeIntegers(true).raw(true),
        );
        const rows = statement.all(...params) as SqlValue[][];
        for (const row of rows) plainBytes(row);
        return rows;
      });
    },
    close() {
      if (!db.open) return;
      db.close();
      onClose();
    },
  };
}
