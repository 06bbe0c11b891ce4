import { deepEqual, equal, ok } from "node:assert/strict";
import { existsSync } from "node:fs";
import type { SqlConnection } from "@tributary/core";
import type { Check } from "../check.js";
import { expectFailure } from "../expect-failure.js";
import { runInOtherProcess } from "../other-process.js";
import type { SqlIoContext } from "./sql-io-context.js";

const CONNECTIONS: readonly SqlConnection[] = ["writer", "guard"];
/** More than SQLite lets pass before it checkpoints by itself. */
const PAGES = 1_300;

/** `openConnections` and `closeConnections`. */
export const connectionChecks: readonly Check<SqlIoContext>[] = [
  {
    name: "openConnections makes a database in WAL mode",
    async run({ sql, path, execute }) {
      await sql.openConnections(path);
      await execute("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
      ok(existsSync(path), "the file is there");
      ok(existsSync(`${path}-wal`), "the write-ahead log is there");
      for (const connection of CONNECTIONS) {
        deepEqual(await sql.querySql(connection, "PRAGMA journal_mode"), [["wal"]], connection);
        deepEqual(await sql.querySql(connection, "PRAGMA page_size"), [[4096n]], connection);
        deepEqual(await sql.querySql(connection, "SELECT a FROM t"), [[1n]], connection);
      }
    },
  },
  {
    name: "openConnections opens what is there, and puts it in WAL mode",
    async run({ sql, path, execute }) {
      await (await runInOtherProcess(path, "CREATE TABLE t (a); INSERT INTO t VALUES (7)"))();
      await sql.openConnections(path);
      deepEqual(await sql.querySql("guard", "SELECT a FROM t"), [[7n]]);
      deepEqual(await sql.querySql("writer", "PRAGMA journal_mode"), [["wal"]]);
      await execute("INSERT INTO t VALUES (8)");
      deepEqual(await sql.querySql("writer", "SELECT a FROM t"), [[7n], [8n]]);
    },
  },
  {
    name: "no connection checkpoints by itself",
    async run({ sql, path, execute }) {
      await sql.openConnections(path);
      const fill = `INSERT INTO t SELECT zeroblob(4000) FROM (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${PAGES}) SELECT i FROM n)`;
      await execute("CREATE TABLE t (a)");
      await execute(fill);
      await sql.executeSql("writer", fill);
      // After a checkpoint, the next commit would have begun the log anew.
      await execute("INSERT INTO t VALUES (1)");
      const [row] = await sql.querySql("writer", "PRAGMA wal_checkpoint(PASSIVE)");
      ok(Number(row?.[1]) > 2 * PAGES, `the log has all pages (it has ${row?.[1]})`);
    },
  },
  {
    name: "one file is open at a time",
    async run({ sql, path }) {
      await sql.openConnections(path);
      await sql.executeSql("writer", "CREATE TABLE t (a)");
      await expectFailure(() => sql.openConnections(`${path}-other.db`), "opening a second file");
      deepEqual(await sql.querySql("guard", "SELECT count(*) FROM t"), [[0n]], "the first one");
    },
  },
  {
    name: "closeConnections closes all, the app's too, and leaves one file",
    async run({ sql, path, execute }) {
      await sql.openConnections(path);
      await execute("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
      await sql.closeConnections();
      equal(existsSync(`${path}-wal`), false, "the write-ahead log");
      for (const connection of CONNECTIONS) {
        await expectFailure(() => sql.querySql(connection, "SELECT 1"), `the ${connection}`);
      }
      await expectFailure(() => execute("SELECT 1"), "the app's connection");
      await sql.closeConnections();
      await sql.openConnections(path);
      deepEqual(await sql.querySql("guard", "SELECT a FROM t"), [[1n]], "opened again");
    },
  },
  {
    name: "what is no database is not opened, and can be put right",
    async run({ sql, path }) {
      await expectFailure(() => sql.openConnections(`${path}/missing/app.db`), "a path that cannot be");
      await sql.openConnections(path);
      deepEqual(await sql.querySql("guard", "SELECT 1"), [[1n]]);
    },
  },
];
