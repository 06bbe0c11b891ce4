import Database from "better-sqlite3";
import type { ScratchSql } from "../../../src/row-diff/scratch-sql.js";
import type { SqlRow } from "../../../src/values/sql-value.js";

/** An empty database in memory. */
export function openScratch(): ScratchSql {
  const db = new Database(":memory:");
  db.pragma("trusted_schema = OFF");
  return {
    execute: (sql) => {
      db.exec(sql);
    },
    query: (sql) => db.prepare(sql).safeIntegers().raw().all() as SqlRow[],
  };
}
