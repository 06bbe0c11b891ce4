import { expect, test } from "vitest";
import { schemaChanges } from "../../src/capture/schema-changes.js";
import type { SchemaRow } from "../../src/capture/schema-row.js";
import { classifyStatement, type SchemaStatement } from "../../src/sql/classify-statement.js";

const row = (type: string, name: string, sql: string | null, table = name): SchemaRow => ({
  type,
  name,
  table,
  sql,
});
const changes = (sql: string, before: SchemaRow[], after: SchemaRow[]): readonly string[] =>
  schemaChanges(classifyStatement(sql) as SchemaStatement, sql, before, after);

const T = row("table", "T", "CREATE TABLE T(a UNIQUE)");
const AUTO = row("index", "sqlite_autoindex_T_1", null, "T");

test("a CREATE is what SQLite stored, made repeatable; what came with it is left out", () => {
  expect(changes("create table if not exists main.t(a unique)", [], [T, AUTO])).toEqual([
    "CREATE TABLE IF NOT EXISTS T(a UNIQUE)",
  ]);
  const index = row("index", "i", "CREATE UNIQUE INDEX i ON T(a)", "T");
  expect(changes("CREATE UNIQUE INDEX i ON T(a)", [T], [T, index])).toEqual([
    "CREATE UNIQUE INDEX IF NOT EXISTS i ON T(a)",
  ]);
  expect(changes("CREATE TABLE IF NOT EXISTS t(b)", [T, AUTO], [T, AUTO])).toEqual([]);
});

test("a DROP names the object only", () => {
  expect(changes("DROP TABLE t", [T, AUTO], [])).toEqual(['DROP TABLE IF EXISTS "T"']);
  expect(changes("DROP TABLE IF EXISTS u", [T], [T])).toEqual([]);
});

test("an ALTER is its own text, without what surrounds it", () => {
  const after = row("table", "T", "CREATE TABLE T(a UNIQUE, b)");
  expect(changes("/* x */ ALTER TABLE t ADD COLUMN b ; -- y", [T], [after])).toEqual([
    "ALTER TABLE t ADD COLUMN b",
  ]);
  expect(changes("ALTER TABLE temp.t ADD COLUMN b", [T], [T])).toEqual([]);
});
