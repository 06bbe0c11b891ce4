import Database from "better-sqlite3";
import type { SqlIo } from "../../../src/ports/sql-io.js";
import type { SqlRow } from "../../../src/values/sql-value.js";

/** The SQL port as far as pages need it, and the app's connection. */
export interface TestSql
  extends Pick<SqlIo, "openConnections" | "closeConnections" | "querySql" | "executeSql" | "tryBeginWrite"> {
  app(): Database.Database;
}

export function createTestSql(): TestSql {
  let open: { app: Database.Database; writer: Database.Database; guard: Database.Database } | undefined;
  const connections = () => {
    if (open === undefined) throw new Error("The connections are closed.");
    return open;
  };
  return {
    app: () => connections().app,
    openConnections(path) {
      const connect = (): Database.Database => {
        const db = new Database(path, { timeout: 0 });
        db.pragma("journal_mode = wal");
        db.pragma("wal_autocheckpoint = 0");
        return db;
      };
      open = { app: connect(), writer: connect(), guard: connect() };
    },
    closeConnections() {
      if (open === undefined) return;
      for (const db of [open.guard, open.writer, open.app]) db.close();
      open = undefined;
    },
    querySql: (name, sql, params = []) =>
      connections()
        [name].prepare(sql)
        .raw()
        .all(...params) as SqlRow[],
    executeSql: (name, sql) => {
      connections()[name].exec(sql);
    },
    tryBeginWrite() {
      connections().writer.exec("BEGIN IMMEDIATE");
      return true;
    },
  };
}
