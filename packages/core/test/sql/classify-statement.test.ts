import { describe, expect, test } from "vitest";
import { classifyStatement } from "../../src/sql/classify-statement.js";

const TYPES: [sql: string, type: string][] = [
  ["-- c\n /* d */ ; SELECT 1", "read"],
  ["VALUES (1)", "read"],
  ["WITH replace AS (SELECT 1) SELECT replace(1,2,3) FROM replace", "read"],
  ["ATTACH 'x' AS y", "attach"],
  ["DETACH y", "detach"],
  ["ANALYZE", "other"],
  ["REINDEX t", "other"],
  ["nonsense", "other"],
  ["CREATE nonsense", "other"],
  ["constructor", "other"],
  ["", "other"],
];

const WRITES: [sql: string, verb: string][] = [
  ["insert into t values (1)", "insert"],
  ["REPLACE INTO t VALUES (1)", "insert"],
  ["/* x */ update t set a = 1", "update"],
  ["WITH a AS (SELECT 1), b(x) AS NOT MATERIALIZED (VALUES (2)) INSERT INTO t SELECT * FROM a", "insert"],
  ["WITH RECURSIVE a(delete) AS (SELECT 1) DELETE FROM t", "delete"],
  ["WITH replace AS (SELECT 1) UPDATE t SET a = 1", "update"],
];

const SCHEMA: [sql: string, expected: Record<string, unknown>][] = [
  ["CREATE TABLE t(a)", { verb: "create", object: "table", name: "t", temporary: false, asSelect: false }],
  [
    "create temporary table if not exists [a b](c)",
    { verb: "create", object: "table", name: "a b", temporary: true },
  ],
  ["CREATE TABLE temp.t(a)", { name: "t", schema: "temp", temporary: true }],
  ['CREATE TABLE "main" . "x""y" AS SELECT 1', { name: 'x"y', schema: "main", asSelect: true }],
  ["CREATE TABLE if(a)", { name: "IF" }],
  ["CREATE VIRTUAL TABLE f USING fts5(a)", { object: "virtual table", name: "f" }],
  ["CREATE UNIQUE INDEX IF NOT EXISTS i ON t(a)", { object: "index", name: "i" }],
  ["CREATE TEMP VIEW v AS SELECT 1", { object: "view", temporary: true, asSelect: false }],
  ["CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END", { object: "trigger", name: "g" }],
  ["ALTER TABLE `t` RENAME TO u", { verb: "alter", object: "table", name: "t", addsColumn: false }],
  ["ALTER TABLE add RENAME TO u", { name: "add", addsColumn: false }],
  ["alter table main.t add column a", { verb: "alter", name: "t", addsColumn: true }],
  ["DROP TABLE IF EXISTS main.t", { verb: "drop", object: "table", name: "t", schema: "main" }],
  ["DROP INDEX 'i'", { verb: "drop", object: "index", name: "i" }],
];

const OTHERS: [sql: string, expected: Record<string, unknown>][] = [
  ["BEGIN", { type: "transaction", verb: "begin", immediate: false }],
  ["BEGIN DEFERRED TRANSACTION", { type: "transaction", verb: "begin", immediate: false }],
  ["BEGIN IMMEDIATE", { type: "transaction", verb: "begin", immediate: true }],
  ["begin exclusive", { type: "transaction", verb: "begin", immediate: true }],
  ["END TRANSACTION", { type: "transaction", verb: "commit" }],
  ["ROLLBACK", { type: "transaction", verb: "rollback" }],
  ["ROLLBACK TRANSACTION TO SAVEPOINT s", { type: "transaction", verb: "rollback to" }],
  ["RELEASE s", { type: "transaction", verb: "release" }],
  ["PRAGMA user_version", { type: "pragma", name: "user_version", value: undefined }],
  ["PRAGMA main.USER_VERSION = -5", { type: "pragma", name: "user_version", schema: "main", value: "-5" }],
  ["PRAGMA journal_mode('WAL')", { type: "pragma", name: "journal_mode", value: "wal" }],
  ["EXPLAIN INSERT INTO t VALUES (1)", { type: "explain", explained: { type: "write", verb: "insert" } }],
  [
    "; explain query plan pragma synchronous = off",
    { type: "explain", explained: { type: "pragma", name: "synchronous", value: "off" } },
  ],
  ["EXPLAIN EXPLAIN SELECT 1", { type: "explain", explained: { type: "other" } }],
  ["EXPLAIN", { type: "explain", explained: { type: "other" } }],
  ["VACUUM", { type: "vacuum", into: false }],
  ["VACUUM main INTO 'x'", { type: "vacuum", into: true }],
];

describe("classifyStatement", () => {
  test.each(TYPES)("%s", (sql, type) => expect(classifyStatement(sql).type).toBe(type));
  test.each(WRITES)("%s", (sql, verb) => expect(classifyStatement(sql)).toEqual({ type: "write", verb }));
  test.each(SCHEMA)("%s", (sql, expected) =>
    expect(classifyStatement(sql)).toMatchObject({ type: "schema", ...expected }),
  );
  test.each(OTHERS)("%s", (sql, expected) => expect(classifyStatement(sql)).toMatchObject(expected));
});
