import { openConnection } from "../../src/database/open-connection.js";
import type { ServerDatabase } from "../../src/database/server-database.js";

/** A connection as those that run SQL have it. Closing it is left to the end of the process unless `close` is called. */
export function connectTo(database: ServerDatabase): { run(sql: string): void; close(): void } {
  const connection = openConnection(database.options.path, database.options.walLimitBytes);
  return {
    run: (sql) => void connection.exec(sql),
    close: () => void connection.close(),
  };
}

/** Runs one statement as a stream of a client would, and lets the server see the commit. */
export function runSql(database: ServerDatabase, sql: string): void {
  const connection = connectTo(database);
  connection.run(sql);
  connection.close();
  database.sync();
}

/** Makes a table `t` of that many pages, roughly, with one row in each, and writes all of it. */
export function createPages(database: ServerDatabase, count: number): void {
  runSql(database, "CREATE TABLE t(id INTEGER PRIMARY KEY, body)");
  runSql(
    database,
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) INSERT INTO t SELECT i, zeroblob(3000) FROM n`,
  );
}

/** Writes to the page of one row. */
export function changePage(database: ServerDatabase, id: number): void {
  runSql(database, `UPDATE t SET body = randomblob(3000) WHERE id = ${id}`);
}
