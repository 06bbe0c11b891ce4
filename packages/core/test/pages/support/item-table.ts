import Database from "better-sqlite3";
import { dump } from "./dump.js";
import type { RemoteDatabase } from "./remote-database.js";

/** SQL that puts so many rows, some pages of them, into the table `item`. */
export const rows = (count: number, from = 0): string =>
  `WITH RECURSIVE n(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${from + count - 1})
   INSERT OR REPLACE INTO item SELECT i, printf('row %d %s', i, hex(zeroblob(200 + i % 100))) FROM n;`;
/** A table and an index, with 200 rows. */
export const SCHEMA = `CREATE TABLE item (id INTEGER PRIMARY KEY, body TEXT); CREATE INDEX item_body ON item (body); ${rows(200)}`;

/** What a remote database holds. */
export const remoteDump = (remote: RemoteDatabase): string => {
  const db = new Database(remote.path, { readonly: true });
  try {
    return dump(db);
  } finally {
    db.close();
  }
};
