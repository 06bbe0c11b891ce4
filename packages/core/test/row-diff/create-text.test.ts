import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { createTextFor } from "../../src/row-diff/create-text.js";

test.each([
  ["CREATE TABLE a (x, y)", "CREATE TABLE t (x, y)"],
  ['CREATE TABLE "a b"(x TEXT, y, CHECK (x <> ")"))', "CREATE TABLE t (x TEXT, y, CHECK (1))"],
  ["CREATE TABLE a (x, y AS (f(x)) STORED)", "CREATE TABLE t (x, y AS (NULL) STORED)"],
  [
    "CREATE TABLE a (x DECIMAL(1, 2) GENERATED ALWAYS AS ((1)), y DEFAULT (CAST(1 AS TEXT)))",
    "CREATE TABLE t (x DECIMAL(1, 2) GENERATED ALWAYS AS (NULL), y DEFAULT (CAST(1 AS TEXT)))",
  ],
  [
    "CREATE TABLE a (x TEXT COLLATE nocase, y TEXT COLLATE mine, PRIMARY KEY (x COLLATE RTRIM)) STRICT, WITHOUT ROWID",
    "CREATE TABLE t (x TEXT COLLATE nocase, y TEXT COLLATE BINARY, PRIMARY KEY (x COLLATE RTRIM)) STRICT, WITHOUT ROWID",
  ],
  ["CREATE TABLE a (x /* ( */, y) -- )", "CREATE TABLE t (x /* ( */, y)"],
])("%s", (sql, expected) => {
  expect(createTextFor("t", sql)).toBe(expected);
  const db = new Database(":memory:");
  db.exec(expected);
  db.close();
});

test.each([
  "",
  "SELECT 1",
  "CREATE TABLE a AS SELECT 1",
  "CREATE TABLE main.a (x)",
  "CREATE TEMP TABLE a (x)",
  "CREATE VIRTUAL TABLE a USING fts5(x)",
  "CREATE TABLE a (x); ATTACH 'file' AS b",
  "CREATE TABLE a (x CHECK (",
  "CREATE TABLE a (x 'unterminated",
])("refuses what is no table of columns: %s", (sql) => {
  expect(createTextFor("t", sql)).toBeUndefined();
});
