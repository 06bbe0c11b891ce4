import type { SqlRow } from "../values/sql-value.js";

/**
 * An empty database in memory, of an SQLite that can be given statements out of a file of anybody's: in which the schema of
 * an image is made anew, to ask SQLite how its tables are stored.
 */
export interface ScratchSql {
  execute(sql: string): void;
  /** Integers as `bigint`. */
  query(sql: string): readonly SqlRow[];
}
