import { expect, test } from "vitest";
import { namesOf, withTextsInSingleQuotes } from "../../src/merge/run-definition.js";

const names = namesOf([
  { type: "table", name: "task", table: "task", sql: 'CREATE TABLE task(id, "state", done)' },
  { type: "view", name: "open tasks", table: "open tasks", sql: "CREATE VIEW …" },
]);

test.each([
  [
    'CREATE TABLE t(a DEFAULT "state", "b" AS (a || "it\'s"))',
    "CREATE TABLE t(a DEFAULT 'state', \"b\" AS (a || 'it''s'))",
  ],
  [
    'CREATE TABLE t("a" CHECK ("a" <> "state" AND (a <> "b")), CONSTRAINT "c" FOREIGN KEY ("a") REFERENCES "task"("id"))',
    'CREATE TABLE t("a" CHECK ("a" <> \'state\' AND (a <> \'b\')), CONSTRAINT "c" FOREIGN KEY ("a") REFERENCES "task"("id"))',
  ],
  [
    'CREATE INDEX i ON task("id") WHERE "state" = "open"',
    'CREATE INDEX i ON task("id") WHERE "state" = \'open\'',
  ],
  [
    'CREATE VIEW v AS SELECT "x"."state" AS "what", "text" FROM "task" AS "x", "open tasks" ORDER BY "what"',
    'CREATE VIEW v AS SELECT "x"."state" AS "what", \'text\' FROM "task" AS "x", "open tasks" ORDER BY "what"',
  ],
  [
    'ALTER TABLE "task" ADD COLUMN kind DEFAULT "state"',
    "ALTER TABLE \"task\" ADD COLUMN kind DEFAULT 'state'",
  ],
  ["CREATE TABLE t([a] DEFAULT `b`)", "CREATE TABLE t([a] DEFAULT `b`)"],
])("%s", (sql, expected) => {
  expect(withTextsInSingleQuotes(sql, names)).toBe(expected);
});
