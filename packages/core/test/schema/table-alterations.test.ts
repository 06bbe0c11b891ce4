import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { alterationSql, findAlterations, type Renamed } from "../../src/schema/table-alterations.js";
import { parseTableDefinition, type TableDefinition } from "../../src/schema/table-definition.js";

const definitionOf = (sql: string): TableDefinition => {
  const definition = parseTableDefinition(sql);
  if (definition === undefined) throw new Error(`no table: ${sql}`);
  return definition;
};

const BEFORE =
  "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT CHECK (a <> ''), b REAL DEFAULT 1.5, c, CHECK (b < 10))";

/** What SQLite makes of a table by statements of its own. */
function alterBy(statements: string): string {
  const database = new Database(":memory:");
  onTestFinished(() => void database.close());
  database.exec(`${BEFORE}; ${statements}`);
  return database.prepare("SELECT sql FROM sqlite_schema WHERE name = 't'").pluck().get() as string;
}

test.each<[string, Renamed[]]>([
  ["ALTER TABLE t ADD COLUMN d TEXT NOT NULL DEFAULT ('x,y')", []],
  ["ALTER TABLE t DROP COLUMN c", []],
  ["ALTER TABLE t RENAME COLUMN b TO d", [{ from: "b", to: "d" }]],
  ['ALTER TABLE t RENAME COLUMN a TO "a 2"', [{ from: "a", to: "a 2" }]],
  [
    "ALTER TABLE t DROP COLUMN c; ALTER TABLE t RENAME COLUMN a TO z; ALTER TABLE t ADD d; ALTER TABLE t ADD e",
    [{ from: "a", to: "z" }],
  ],
])("%s is found, and leads to the same table", (statements, renamed) => {
  const after = alterBy(statements);
  const found = findAlterations(definitionOf(BEFORE), definitionOf(after), renamed);
  const sql = (found ?? []).map((alteration) => alterationSql("t", alteration));
  expect(sql.length).toBe(statements.split(";").length);
  // Quotes apart.
  const bodies = ({ columns, rest }: TableDefinition) => [
    columns.map(({ name, body }) => [name, body]),
    rest,
  ];
  expect(bodies(definitionOf(alterBy(sql.join(";"))))).toEqual(bodies(definitionOf(after)));
});

test.each([
  "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b REAL DEFAULT 1.5, c, CHECK (b < 10))",
  "CREATE TABLE t(id INTEGER PRIMARY KEY, b REAL DEFAULT 1.5, a TEXT CHECK (a <> ''), c, CHECK (b < 10))",
  "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT CHECK (a <> ''), d, b REAL DEFAULT 1.5, c, CHECK (b < 10))",
  "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT CHECK (a <> ''), b REAL DEFAULT 1.5, c, CHECK (b < 20))",
  "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT CHECK (a <> ''), b REAL DEFAULT 1.5, c, CHECK (b < 10)) STRICT",
])("ALTER TABLE cannot make it %s", (after) => {
  expect(findAlterations(definitionOf(BEFORE), definitionOf(after), [])).toBeUndefined();
});
