import { deepEqual, equal, ok } from "node:assert/strict";
import type { Check } from "../check.js";
import { runInOtherProcess } from "../other-process.js";
import type { SqlIoContext } from "./sql-io-context.js";
import { beginWrite, openCapturing, readTape } from "./tape.js";

/** Longest time in which something is done at once, in milliseconds. */
const AT_ONCE_MS = 2_000;

/** `tryBeginWrite` and `transactionBoundaries`. */
export const transactionChecks: readonly Check<SqlIoContext>[] = [
  {
    name: "tryBeginWrite begins a transaction, which COMMIT keeps and ROLLBACK undoes",
    async run(context) {
      const sql = await openCapturing(context, "CREATE TABLE t (a)");
      for (const [end, count] of [
        ["ROLLBACK", 0n],
        ["COMMIT", 1n],
      ] as const) {
        await beginWrite(sql);
        await sql.executeSql("writer", "INSERT INTO t VALUES (1)");
        deepEqual(await sql.querySql("writer", "SELECT count(*) FROM t"), [[1n]], "inside");
        deepEqual(await sql.querySql("guard", "SELECT count(*) FROM t"), [[0n]], "outside");
        await sql.executeSql("writer", end);
        deepEqual(await sql.querySql("guard", "SELECT count(*) FROM t"), [[count]], `after ${end}`);
      }
    },
  },
  {
    name: "tryBeginWrite is refused while the app is in a transaction, also one that only reads",
    async run(context) {
      const sql = await openCapturing(context, "CREATE TABLE t (a)");
      for (const statement of ["SELECT * FROM t", "INSERT INTO t VALUES (1)"]) {
        for (const end of ["COMMIT", "ROLLBACK"]) {
          await context.execute("BEGIN");
          equal(await sql.tryBeginWrite(), false, "after BEGIN");
          await context.execute(statement);
          equal(await sql.tryBeginWrite(), false, `after ${statement}`);
          await context.execute(end);
          await beginWrite(sql);
          await sql.executeSql("writer", "ROLLBACK");
        }
      }
    },
  },
  {
    name: "tryBeginWrite is refused at once while another process writes",
    async run(context) {
      const sql = await openCapturing(context, "CREATE TABLE t (a)");
      const end = await runInOtherProcess(context.path, "BEGIN IMMEDIATE");
      const start = performance.now();
      equal(await sql.tryBeginWrite(), false, "while it writes");
      ok(performance.now() - start < AT_ONCE_MS, "the answer comes at once");
      await end();
      await beginWrite(sql);
      await sql.executeSql("writer", "COMMIT");
    },
  },
  {
    name: "transactionBoundaries are ends of the app's transactions, ascending",
    async run(context) {
      const { execute } = context;
      const sql = await openCapturing(context, "CREATE TABLE t (a INTEGER PRIMARY KEY, b)");
      const ends = new Set<number>();
      for (const statements of [
        "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')",
        "BEGIN; UPDATE t SET b = 'x' WHERE a = 1; DELETE FROM t WHERE a = 2; INSERT INTO t VALUES (4, 'd'); COMMIT",
        "BEGIN; DELETE FROM t; ROLLBACK",
        "BEGIN; INSERT INTO t VALUES (9, 'e'); SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; COMMIT",
        "UPDATE t SET b = 'all'",
      ]) {
        await execute(statements);
        ends.add((await readTape(sql)).at(-1)?.id ?? 0);
      }
      const boundaries = await sql.transactionBoundaries();
      deepEqual(
        [...boundaries].sort((a, b) => a - b),
        boundaries,
        "ascending",
      );
      equal(new Set(boundaries).size, boundaries.length, "each once");
      deepEqual(
        boundaries.filter((id) => !ends.has(id)),
        [],
        "change ids inside of a transaction",
      );
    },
  },
];

/** For apps that read the rows of a query one by one. */
export const iterationChecks: readonly Check<SqlIoContext>[] = [
  {
    name: "tryBeginWrite is refused while the app iterates over a query",
    async run(context) {
      const sql = await openCapturing(context, "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2), (3)");
      ok(context.iterate !== undefined, "with canIterate, the set-up gives iterate");
      const end = await context.iterate("SELECT a FROM t");
      try {
        equal(await sql.tryBeginWrite(), false);
      } finally {
        await end();
      }
      await beginWrite(sql);
      await sql.executeSql("writer", "ROLLBACK");
    },
  },
];
