import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { SqlStatement } from "@tributary/core";
import type { Check } from "../check.js";
import { expectSame, VALUES } from "../sql-values.js";
import type { SqlIoContext } from "./sql-io-context.js";
import { beginWrite, openCapturing, readTape, tapeTexts } from "./tape.js";

const SCHEMA = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE)";

function insert(id: bigint, a: string): SqlStatement {
  return { sql: "INSERT INTO t VALUES (?, ?)", params: [id, a] };
}

/** `runSql`. */
export const runChecks: readonly Check<SqlIoContext>[] = [
  {
    name: "runSql runs all statements on the writer, and captures them",
    async run(context) {
      const sql = await openCapturing(context, SCHEMA);
      await beginWrite(sql);
      const failure = await sql.runSql([
        insert(1n, "one"),
        insert(2n, "two"),
        { sql: "UPDATE t SET a = ? WHERE id = ?", params: ["second", 2n] },
        { sql: "DELETE FROM t WHERE id = ?", params: [1n] },
      ]);
      equal(failure, undefined);
      deepEqual(await sql.querySql("writer", "SELECT * FROM t"), [[2n, "second"]]);
      deepEqual(await sql.querySql("guard", "SELECT * FROM t"), [], "before the commit");
      await sql.executeSql("writer", "COMMIT");
      deepEqual(await sql.querySql("guard", "SELECT * FROM t"), [[2n, "second"]], "after it");
      deepEqual(await tapeTexts(sql), [
        "+t[1,'one']",
        "+t[2,'two']",
        "~t[2,'two']>[2,'second']",
        "-t[1,'one']",
      ]);
      equal(await sql.runSql([]), undefined, "no statement");
    },
  },
  {
    name: "runSql stops at the first statement that fails, and says which and why",
    async run(context) {
      const sql = await openCapturing(context, SCHEMA);
      await beginWrite(sql);
      const failure = await sql.runSql([insert(1n, "x"), insert(2n, "y"), insert(3n, "x"), insert(4n, "z")]);
      ok(failure !== undefined, "it says that one failed");
      equal(failure.index, 2);
      match(failure.message, /UNIQUE constraint failed: t\.a/);
      equal(failure.sqlCode, "SQLITE_CONSTRAINT_UNIQUE", "the extended code");
      deepEqual(await sql.querySql("writer", "SELECT id FROM t ORDER BY id"), [[1n], [2n]], "up to there");
      const key = await sql.runSql([insert(1n, "w")]);
      deepEqual([key?.index, key?.sqlCode], [0, "SQLITE_CONSTRAINT_PRIMARYKEY"]);
      equal((await sql.runSql([{ sql: "nonsense", params: [] }]))?.sqlCode, "SQLITE_ERROR");
      await sql.executeSql("writer", "COMMIT");
      deepEqual(await tapeTexts(sql), ["+t[1,'x']", "+t[2,'y']"], "the tape has what was done");
    },
  },
  {
    name: "runSql captures schema changes, and changes of what they made",
    async run(context) {
      const sql = await openCapturing(context, SCHEMA);
      await beginWrite(sql);
      const statements = [
        { sql: "CREATE TABLE u (b PRIMARY KEY)", params: [] },
        { sql: "INSERT INTO u VALUES (?)", params: ["in u"] },
        { sql: "ALTER TABLE u ADD COLUMN c", params: [] },
        { sql: "UPDATE u SET c = ?", params: [1n] },
      ];
      equal(await sql.runSql(statements), undefined);
      await sql.executeSql("writer", "COMMIT");
      const texts = await tapeTexts(sql);
      equal(texts.length, 4);
      match(texts[0] ?? "", /^!CREATE TABLE/);
      equal(texts[1], "+u['in u']");
      match(texts[2] ?? "", /^!ALTER TABLE/);
      equal(texts[3], "~u['in u',NULL]>['in u',1]");
    },
  },
  {
    name: "runSql and the tape keep values of every type",
    async run(context) {
      const sql = await openCapturing(context, "CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
      await beginWrite(sql);
      const statements = VALUES.map(([value], index) => ({
        sql: "INSERT INTO t VALUES (?, ?)",
        params: [BigInt(index), value],
      }));
      equal(await sql.runSql(statements), undefined);
      await sql.executeSql("writer", "COMMIT");
      const stored = await sql.querySql("guard", "SELECT typeof(a), quote(a) FROM t ORDER BY id");
      deepEqual(
        stored.map(([type]) => type),
        VALUES.map(([, type]) => type),
      );
      deepEqual(
        await sql.querySql("writer", "SELECT typeof(v1), quote(v1) FROM tributary_tape ORDER BY id"),
        stored,
        "the tape",
      );
      const values = await sql.querySql("guard", "SELECT a FROM t ORDER BY id");
      for (const [index, [value]] of VALUES.entries()) expectSame(values[index]?.[0], value);
    },
  },
  {
    name: "a transaction that is rolled back leaves nothing on the tape",
    async run(context) {
      const sql = await openCapturing(context, SCHEMA);
      await beginWrite(sql);
      equal(await sql.runSql([insert(1n, "x"), { sql: "CREATE TABLE u (b)", params: [] }]), undefined);
      await sql.executeSql("writer", "ROLLBACK");
      deepEqual(await readTape(sql), []);
      await beginWrite(sql);
      equal(await sql.runSql([insert(2n, "y")]), undefined);
      await sql.executeSql("writer", "COMMIT");
      deepEqual(await tapeTexts(sql), ["+t[2,'y']"]);
    },
  },
];
