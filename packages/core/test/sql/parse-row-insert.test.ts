import { expect, test } from "vitest";
import { parseRowInsert } from "../../src/sql/parse-row-insert.js";

test.each([
  ["INSERT INTO t VALUES (?)", undefined, "t", "INSERT OR FAIL INTO t VALUES (?)"],
  [
    "insert into main.t(a, b) values (@a, 'x)');",
    "main",
    "t",
    "insert OR FAIL into main.t(a, b) values (@a, 'x)');",
  ],
  [
    '/* many */ INSERT INTO "a b" VALUES (-1) -- one',
    undefined,
    "a b",
    '/* many */ INSERT OR FAIL INTO "a b" VALUES (-1) -- one',
  ],
])("%s", (sql, schema, table, orFail) => {
  expect(parseRowInsert(sql)).toEqual({ schema, table, orFail });
});

test.each([
  "INSERT OR IGNORE INTO t VALUES (?)",
  "REPLACE INTO t VALUES (?)",
  "INSERT INTO t VALUES (?), (?)",
  "INSERT INTO t VALUES (?) RETURNING a",
  "INSERT INTO t VALUES (?) ON CONFLICT DO NOTHING",
  "INSERT INTO t(a) VALUES (?) ON CONFLICT (a) DO UPDATE SET a = 1",
  "INSERT INTO t AS u VALUES (?)",
  "INSERT INTO t SELECT ?",
  "INSERT INTO t DEFAULT VALUES",
  "INSERT INTO t VALUES (abs(?))",
  "INSERT INTO t VALUES ((SELECT 1))",
  "INSERT INTO t VALUES (?",
  "INSERT INTO t(a",
  "INSERT INTO",
  "WITH x AS (SELECT 1) INSERT INTO t VALUES (?)",
  "EXPLAIN INSERT INTO t VALUES (?)",
  "UPDATE t SET a = ?",
  "",
])("none: %s", (sql) => {
  expect(parseRowInsert(sql)).toBeUndefined();
});
