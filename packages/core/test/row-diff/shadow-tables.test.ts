import Database from "better-sqlite3";
import { expect, test } from "vitest";
import type { SchemaRow } from "../../src/capture/schema-row.js";
import { findShadowTables } from "../../src/row-diff/shadow-tables.js";

test("of SQLite's own modules, shadow tables are those that SQLite names", () => {
  const db = new Database(":memory:");
  db.exec(`
    CREATE VIRTUAL TABLE five USING fts5(a, b);
    CREATE VIRTUAL TABLE "Three four" USING FTS4(a);
    CREATE VIRTUAL TABLE three USING fts3(a);
    CREATE VIRTUAL TABLE boxes USING rtree(id, x, y);
    CREATE VIRTUAL TABLE whole USING rtree_i32(id, x, y);
    CREATE VIRTUAL TABLE shapes USING geopoly(a);
    CREATE TABLE five_notes (a); CREATE TABLE boxes_content (a);`);
  const rows = db
    .prepare('SELECT type, name, tbl_name AS "table", sql FROM sqlite_schema')
    .all() as SchemaRow[];
  const shadows = db
    .prepare("SELECT name FROM pragma_table_list WHERE type = 'shadow'")
    .pluck()
    .all() as string[];
  db.close();
  const found = findShadowTables(rows);
  expect([...found.keys()].sort()).toEqual(shadows.map((name) => name.toLowerCase()).sort());
  expect(found.get("three four_content")).toBe("Three four");
});

test("of other modules, they are known by their names", () => {
  const rows = [
    { type: "table", name: "Docs", table: "Docs", sql: 'CREATE VIRTUAL TABLE "Docs" USING vec0(a)' },
    { type: "table", name: "docs_chunks", table: "docs_chunks", sql: "CREATE TABLE docs_chunks (a)" },
    { type: "table", name: "documents", table: "documents", sql: "CREATE TABLE documents (a)" },
    { type: "view", name: "docs_view", table: "docs_view", sql: "CREATE VIEW docs_view AS SELECT 1" },
  ];
  expect([...findShadowTables(rows)]).toEqual([["docs_chunks", "Docs"]]);
});
