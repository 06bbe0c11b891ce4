import type { ScratchSql, SqlRow } from "@tributary/core";
import Database from "better-sqlite3";

/** A scratch database that is closed by whoever opened it. */
export interface OwnScratch extends ScratchSql {
  close(): void;
}

/** An empty database in memory. What a schema of anybody's has in it may not reach out of it. */
export function openScratch(): OwnScratch {
  const database = new Database(":memory:");
  database.pragma("trusted_schema = OFF");
  database.defaultSafeIntegers(true);
  return {
    execute: (sql) => void database.exec(sql),
    query: (sql) => database.prepare(sql).raw(true).all() as SqlRow[],
    close: () => void database.close(),
  };
}
