import type { ScratchSql, SqlValue } from "@tributary/core";
import Database from "better-sqlite3";
import { asSyncError } from "./as-sync-error.js";
import type { BetterSqlite3Options } from "./create-better-sqlite3.js";
import { plainBytes } from "./plain-bytes.js";

/** An empty database in memory, for statements out of a file of anybody's: functions in its schema are not called. */
export function createScratchSql(options: Pick<BetterSqlite3Options, "nativeBinding"> = {}): ScratchSql {
  const { nativeBinding } = options;
  const db = asSyncError(
    () => new Database(":memory:", nativeBinding === undefined ? {} : { nativeBinding }),
  );
  db.pragma("trusted_schema = OFF");
  return {
    execute(sql) {
      asSyncError(() => db.exec(sql));
    },
    query(sql) {
      return asSyncError(() => {
        const rows = db.prepare(sql).safeIntegers(true).raw(true).all() as SqlValue[][];
        for (const row of rows) plainBytes(row);
        return rows;
      });
    },
  };
}
