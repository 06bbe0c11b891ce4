import { deepEqual, equal, ok } from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { SqlConnection, SqlValue } from "@tributary/core";
import type { Check } from "../check.js";
import { expectFailure } from "../expect-failure.js";
import { runInOtherProcess } from "../other-process.js";
import { expectSame, VALUES } from "../sql-values.js";
import type { SqlIoContext } from "./sql-io-context.js";

/** `querySql`, `executeSql` and `queryFile`. */
export const queryChecks: readonly Check<SqlIoContext>[] = [
  {
    name: "values of every type come as they went",
    async run({ sql, path }) {
      await sql.openConnections(path);
      for (const connection of ["writer", "guard"] as const) {
        for (const [value, type] of VALUES) {
          const [row] = await sql.querySql(connection, "SELECT ?, typeof(?)", [value, value]);
          expectSame(row?.[0], value);
          equal(row?.[1], type, `the type of ${String(value)}`);
        }
      }
      const [row] = await sql.querySql("guard", "SELECT 1, 1.0, 'a', x'00ff', NULL, 9223372036854775807");
      deepEqual(row?.slice(0, 3), [1n, 1, "a"]);
      expectSame(row?.[3], new Uint8Array([0, 255]));
      deepEqual(row?.slice(4), [null, 2n ** 63n - 1n]);
    },
  },
  {
    name: "rows come by position, all of them and in order",
    async run({ sql, path }) {
      await sql.openConnections(path);
      const numbers = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)";
      const rows = await sql.querySql("guard", `${numbers} SELECT i, -i AS i, 'x' FROM n ORDER BY n.i`);
      equal(rows.length, 10_000);
      deepEqual(rows[1234], [1234n, -1234n, "x"], "columns of the same name are two");
      deepEqual(await sql.querySql("guard", "SELECT 1 WHERE 0"), []);
    },
  },
  {
    name: "executeSql runs all statements, and fails with the first that does",
    async run({ sql, path }) {
      await sql.openConnections(path);
      await sql.executeSql(
        "writer",
        "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, ';'); INSERT INTO t VALUES (2, 'x');",
      );
      deepEqual(await sql.querySql("writer", "SELECT * FROM t"), [
        [1n, ";"],
        [2n, "x"],
      ]);
      await expectFailure(
        () =>
          sql.executeSql(
            "writer",
            "INSERT INTO t VALUES (3, 'y'); INSERT INTO nowhere VALUES (1); DELETE FROM t",
          ),
        "a statement of several",
      );
      deepEqual(await sql.querySql("writer", "SELECT count(*) FROM t"), [[3n]]);
      await expectFailure(() => sql.querySql("guard", "SELECT * FROM nowhere"), "a query");
    },
  },
  {
    name: "each connection sees what the others have committed, and nothing else",
    async run({ sql, path, execute }) {
      await sql.openConnections(path);
      await execute("CREATE TABLE t (a)");
      const count = async (connection: SqlConnection): Promise<SqlValue | undefined> =>
        (await sql.querySql(connection, "SELECT count(*) FROM t"))[0]?.[0];
      await execute("BEGIN; INSERT INTO t VALUES (1)");
      deepEqual([await count("writer"), await count("guard")], [0n, 0n], "before the app's commit");
      await execute("COMMIT");
      deepEqual([await count("writer"), await count("guard")], [1n, 1n], "after it");
      await sql.executeSql("writer", "INSERT INTO t VALUES (2)");
      equal(await count("guard"), 2n);
    },
  },
  {
    name: "the guard sees one state while it holds a transaction, and keeps it in the log",
    async run({ sql, path, execute }) {
      await sql.openConnections(path);
      await execute("CREATE TABLE t (a); INSERT INTO t VALUES ('old')");
      await sql.executeSql("guard", "BEGIN");
      const read = async (): Promise<unknown> => await sql.querySql("guard", "SELECT a FROM t");
      deepEqual(await read(), [["old"]]);
      await execute("UPDATE t SET a = 'new'");
      deepEqual(await read(), [["old"]], "after a commit of the app's");
      const [row] = await sql.querySql("writer", "PRAGMA wal_checkpoint(PASSIVE)");
      ok(Number(row?.[2]) < Number(row?.[1]), "a checkpoint stops at the state that the guard sees");
      deepEqual(await read(), [["old"]], "after a checkpoint");
      await sql.executeSql("guard", "COMMIT");
      deepEqual(await read(), [["new"]], "without the transaction");
    },
  },
  {
    name: "queryFile reads a file that is not open, what its log holds too, and changes neither",
    async run({ sql, path }) {
      // Another process that ends without closing leaves its log.
      const fill =
        "PRAGMA journal_mode = wal; CREATE TABLE t (a, b); INSERT INTO t VALUES (9007199254740993, x'01')";
      await (await runInOtherProcess(path, fill))();
      ok(existsSync(`${path}-wal`), "the log is there");
      const before = [readFileSync(path), readFileSync(`${path}-wal`)];
      const rows = await sql.queryFile(path, "SELECT a, b, ? FROM t", ["param"]);
      deepEqual(rows[0]?.[0], 2n ** 53n + 1n);
      expectSame(rows[0]?.[1], new Uint8Array([1]));
      deepEqual([rows[0]?.[2], rows.length], ["param", 1]);
      ok(before[0]?.equals(readFileSync(path)), "the file is as it was");
      ok(before[1]?.equals(readFileSync(`${path}-wal`)), "the log is as it was");
    },
  },
  {
    name: "queryFile fails where no file is, and where it is no database",
    async run({ sql, path }) {
      await expectFailure(() => sql.queryFile(path, "SELECT 1"), "no file");
      equal(existsSync(path), false, "and makes none");
      writeFileSync(path, "This is a text of some length, and no database at all. ".repeat(100));
      await expectFailure(() => sql.queryFile(path, "SELECT count(*) FROM sqlite_schema"), "no database");
    },
  },
];
