import { deepEqual, equal } from "node:assert/strict";
import type { Check } from "../check.js";
import type { ProtocolIoContext } from "./protocol-io-context.js";
import { runSteps, step, typesOf } from "./steps.js";

/** Conditions and transactions of `runRemoteBatch`. */
export const transactionChecks: readonly Check<ProtocolIoContext>[] = [
  {
    name: "always: a step runs whatever became of the one before",
    async run({ remote }) {
      const results = await runSteps(
        remote,
        step("nonsense"),
        step("SELECT 1"),
        step("SELECT 2", "in-transaction"),
        step("SELECT 3"),
      );
      deepEqual(typesOf(results), ["error", "ok", "skipped", "ok"]);
    },
  },
  {
    name: "previous-ok: a failure or a skipped step keeps all that follow from running",
    async run({ remote, query }) {
      await query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
      const results = await runSteps(
        remote,
        step("INSERT INTO t VALUES (1)"),
        step("INSERT INTO t VALUES (2)", "previous-ok"),
        step("INSERT INTO t VALUES (2)", "previous-ok"),
        step("INSERT INTO t VALUES (3)", "previous-ok"),
        step("INSERT INTO t VALUES (4)", "previous-ok"),
      );
      deepEqual(typesOf(results), ["ok", "ok", "error", "skipped", "skipped"]);
      deepEqual(await query("SELECT id FROM t ORDER BY id"), [[1n], [2n]]);
    },
  },
  {
    name: "in-transaction: a step runs where a transaction is open, whatever became of the one before",
    async run({ remote }) {
      const results = await runSteps(
        remote,
        step("SELECT 1", "in-transaction"),
        step("BEGIN"),
        step("SELECT 2", "in-transaction"),
        step("nonsense", "previous-ok"),
        step("SELECT 3", "in-transaction"),
        step("SELECT 4", "previous-ok"),
        step("COMMIT", "in-transaction"),
        step("SELECT 5", "in-transaction"),
      );
      deepEqual(typesOf(results), ["skipped", "ok", "ok", "error", "ok", "ok", "ok", "skipped"]);
    },
  },
  {
    name: "a transaction commits whole, or after a failure not at all",
    async run({ remote, query }) {
      await query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
      const batch = async (...ids: readonly bigint[]): Promise<readonly string[]> => {
        const inserts = ids.map((id) => step("INSERT INTO t VALUES (?)", "previous-ok", [id]));
        const end = [step("COMMIT", "previous-ok"), step("ROLLBACK", "in-transaction")];
        return typesOf(await runSteps(remote, step("BEGIN IMMEDIATE"), ...inserts, ...end));
      };
      deepEqual(await batch(1n, 2n), ["ok", "ok", "ok", "ok", "skipped"]);
      deepEqual(await batch(3n, 1n, 4n), ["ok", "ok", "error", "skipped", "skipped", "ok"]);
      deepEqual(await query("SELECT id FROM t ORDER BY id"), [[1n], [2n]]);
    },
  },
  {
    name: "a batch runs once",
    async run({ remote, query }) {
      await query("CREATE TABLE t (n INTEGER)");
      await query("INSERT INTO t VALUES (0)");
      for (let run = 1; run <= 3; run++) {
        await runSteps(remote, step("UPDATE t SET n = n + 1"));
        equal((await query("SELECT n FROM t"))[0]?.[0], BigInt(run));
      }
    },
  },
];

/** For remotes that give each batch a connection of its own. */
export const leftOpenChecks: readonly Check<ProtocolIoContext>[] = [
  {
    name: "what a batch leaves open is rolled back, and holds nobody up",
    async run({ remote, query }) {
      await query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
      const left = await runSteps(remote, step("BEGIN IMMEDIATE"), step("INSERT INTO t VALUES (1)"));
      deepEqual(typesOf(left), ["ok", "ok"]);
      const next = await runSteps(
        remote,
        step("SELECT 1", "in-transaction"),
        step("INSERT INTO t VALUES (2)"),
        step("SELECT id FROM t"),
      );
      deepEqual(typesOf(next), ["skipped", "ok", "ok"]);
      deepEqual(next[2], { type: "ok", rows: [[2n]] });
      await query("INSERT INTO t VALUES (3)");
      deepEqual(await query("SELECT id FROM t ORDER BY id"), [[2n], [3n]]);
    },
  },
];
