import { expect, it } from "vitest";
import { isLocalOnlySchemaChange } from "../../src/engine/local-only.js";

it.each([
  ["CREATE TABLE IF NOT EXISTS Kept (id)", true],
  ['ALTER TABLE "kept" ADD COLUMN more', true],
  ["CREATE INDEX IF NOT EXISTS i ON kept (id)", true],
  ["CREATE TRIGGER IF NOT EXISTS r AFTER INSERT ON kept BEGIN DELETE FROM other; END", true],
  ["CREATE INDEX IF NOT EXISTS kept ON other (id)", false],
  ["PRAGMA user_version = 3", false],
  // These do not say which table: a table with the name of their first word is not it.
  ["DROP INDEX IF EXISTS i", false],
  ["DROP TRIGGER IF EXISTS r", false],
])("%s is of an ignored table: %s", (sql, expected) => {
  expect(isLocalOnlySchemaChange(sql, new Set(["kept", "drop"]))).toBe(expected);
});
