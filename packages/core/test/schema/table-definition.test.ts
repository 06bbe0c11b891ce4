import { expect, test } from "vitest";
import { parseTableDefinition } from "../../src/schema/table-definition.js";

test("columns, constraints and options are told apart", () => {
  const sql = `CREATE TABLE "my, table" (id INTEGER PRIMARY KEY, "unique" TEXT DEFAULT (printf('%s,', 1)) -- a, b
, [last one] CHECK (length("last one") > 0), UNIQUE ("unique", [last one]), CONSTRAINT c CHECK (id > 0)) STRICT`;
  const definition = parseTableDefinition(sql);
  expect(definition?.columns.map(({ name, text }) => [name, text])).toEqual([
    ["id", "id INTEGER PRIMARY KEY"],
    ["unique", `"unique" TEXT DEFAULT (printf('%s,', 1))`],
    ["last one", `[last one] CHECK (length("last one") > 0)`],
  ]);
  expect(definition?.rest.join(" ")).toBe(
    ", unique ( unique , last one ) , constraint c check ( id > 0 ) ) strict",
  );
});

test("spelling makes no difference to what is compared", () => {
  const one = parseTableDefinition('CREATE TABLE t(a text NOT NULL, PRIMARY KEY("a"))');
  const other = parseTableDefinition("CREATE TABLE t ( a TEXT not null,\n primary key ([A]) )");
  expect(one?.columns[0]?.body).toEqual(other?.columns[0]?.body);
  expect(one?.rest).toEqual(other?.rest);
});

test.each(["CREATE VIRTUAL TABLE t USING fts5(a)", "CREATE TABLE t AS SELECT 1", "CREATE TABLE t(a", ""])(
  "%s is none",
  (sql) => {
    expect(parseTableDefinition(sql)).toBeUndefined();
  },
);
