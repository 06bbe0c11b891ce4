import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Check } from "../check.js";
import { expectSame, VALUES } from "../sql-values.js";
import type { ProtocolIoContext } from "./protocol-io-context.js";
import { runSteps, step, typesOf } from "./steps.js";

/** Bytes of a row that is large. */
const LARGE = 1_000_000;

/** Values and results of `runRemoteBatch`. */
export const batchChecks: readonly Check<ProtocolIoContext>[] = [
  {
    name: "a batch runs its statements in order, and gives their rows",
    async run({ remote, query }) {
      const results = await runSteps(
        remote,
        step("CREATE TABLE t (id INTEGER PRIMARY KEY, a)"),
        step("INSERT INTO t VALUES (?, ?), (2, 'two')", "previous-ok", [1n, "one"]),
        step("SELECT * FROM t ORDER BY id", "previous-ok"),
        step("DELETE FROM t WHERE id = 1", "previous-ok"),
      );
      deepEqual(typesOf(results), ["ok", "ok", "ok", "ok"]);
      deepEqual(results[2], {
        type: "ok",
        rows: [
          [1n, "one"],
          [2n, "two"],
        ],
      });
      deepEqual(await query("SELECT id, a FROM t"), [[2n, "two"]], "found by another way");
    },
  },
  {
    name: "values of every type come as they went",
    async run({ remote }) {
      for (const [value, type] of VALUES) {
        const [result] = await runSteps(remote, step("SELECT ?, typeof(?)", "always", [value, value]));
        ok(result?.type === "ok");
        expectSame(result.rows[0]?.[0], value);
        equal(result.rows[0]?.[1], type, `the type of ${String(value)}`);
      }
    },
  },
  {
    name: "values are stored as they went",
    async run({ remote }) {
      await runSteps(
        remote,
        step("CREATE TABLE t (id INTEGER PRIMARY KEY, a)"),
        ...VALUES.map(([value]) => step("INSERT INTO t (a) VALUES (?)", "previous-ok", [value])),
      );
      const [result] = await runSteps(remote, step("SELECT a, typeof(a) FROM t ORDER BY id"));
      ok(result?.type === "ok");
      equal(result.rows.length, VALUES.length);
      for (const [index, [value, type]] of VALUES.entries()) {
        expectSame(result.rows[index]?.[0], value);
        equal(result.rows[index]?.[1], type, `the type of ${String(value)}`);
      }
    },
  },
  {
    name: "rows may be large, and many",
    async run({ remote }) {
      const blob = new Uint8Array(LARGE).map((_, index) => index * 7 + (index >>> 8));
      const text = "ü".repeat(LARGE / 2);
      const results = await runSteps(
        remote,
        step("CREATE TABLE t (a, b)"),
        step("INSERT INTO t VALUES (?, ?)", "previous-ok", [blob, text]),
        step("SELECT a, b FROM t", "previous-ok"),
      );
      const [row] = results[2]?.type === "ok" ? results[2].rows : [];
      ok(row?.[0] instanceof Uint8Array && Buffer.from(row[0]).equals(blob), "bytes");
      ok(row?.[1] === text, "text");
      const inserts = Array.from({ length: 2_000 }, (_, index) =>
        step("INSERT INTO t VALUES (?, NULL)", "previous-ok", [BigInt(index)]),
      );
      const last = (await runSteps(remote, step("BEGIN"), ...inserts, step("COMMIT", "previous-ok"))).at(-1);
      equal(last?.type, "ok", "a batch of many steps");
      const [counted] = await runSteps(remote, step("SELECT a FROM t WHERE b IS NULL ORDER BY a"));
      equal(counted?.type === "ok" && counted.rows.length, 2_000, "many rows");
    },
  },
  {
    name: "a statement that fails is a result, with the reason, not a failure of the batch",
    async run({ remote }) {
      const results = await runSteps(
        remote,
        step("CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE)"),
        step("INSERT INTO t VALUES (1, 'x')"),
        step("INSERT INTO t VALUES (2, 'x')"),
        step("INSERT INTO nowhere VALUES (1)"),
        step("this is no SQL"),
        step("SELECT count(*) FROM t"),
      );
      deepEqual(typesOf(results), ["ok", "ok", "error", "error", "error", "ok"]);
      const [unique, missing, syntax] = results.slice(2, 5);
      for (const result of [unique, missing, syntax]) {
        ok(result?.type === "error" && result.message !== "", "there is a message");
        ok(result.sqlCode !== "", "a code is a text, or there is none");
      }
      match(unique?.type === "error" ? unique.message : "", /unique|constraint/i);
      // The engine reads this text: it tells a remote that nobody has pushed to.
      match(missing?.type === "error" ? missing.message : "", /no such table/);
      deepEqual(results[5], { type: "ok", rows: [[1n]] });
    },
  },
];

/** For remotes that tell SQLite's codes. */
export const sqlCodeChecks: readonly Check<ProtocolIoContext>[] = [
  {
    name: "a statement that fails has SQLite's extended code",
    async run({ remote, query }) {
      await query("CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE NOT NULL)");
      const results = await runSteps(
        remote,
        step("INSERT INTO t VALUES (1, 'x')"),
        step("INSERT INTO t VALUES (2, 'x')"),
        step("INSERT INTO t VALUES (1, 'y')"),
        step("INSERT INTO t VALUES (3, NULL)"),
      );
      deepEqual(
        results.map((result) => (result.type === "error" ? result.sqlCode : result.type)),
        ["ok", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_NOTNULL"],
      );
    },
  },
];
