import { foldName, isOperator, keywordOf, nameOf, type SchemaRow, tokenizeSql } from "@tributary/core";

/** How the texts of each type of row begin, before the name. */
const BEGINNINGS: ReadonlyMap<string, readonly string[]> = new Map([
  ["table", ["CREATE TABLE", "CREATE VIRTUAL TABLE"]],
  ["index", ["CREATE INDEX", "CREATE UNIQUE INDEX"]],
  ["view", ["CREATE VIEW"]],
  ["trigger", ["CREATE TRIGGER"]],
]);

/**
 * Whether a row of sqlite_schema is one that SQLite writes: its text makes what the row says, by that name. The text is run
 * as it is, and comes from anybody: without this it could be any statement (ATTACH, VACUUM INTO), and SQLite would not mind,
 * which reads of such a text what it needs. Whether it is a single statement is seen when it is run (`MergeTarget.define`).
 */
export function isDefinition({ type, name, sql }: SchemaRow): boolean {
  const beginnings = BEGINNINGS.get(type);
  // Indexes that constraints make have no text.
  if (sql === null) return type === "index";
  const tokens = tokenizeSql(sql);
  const length = keywordOf(tokens[1]) === "VIRTUAL" || keywordOf(tokens[1]) === "UNIQUE" ? 3 : 2;
  const beginning = tokens.slice(0, length).map(keywordOf).join(" ");
  if (beginnings?.includes(beginning) !== true) return false;
  if (foldName(nameOf(tokens[length]) ?? "") !== foldName(name)) return false;
  // Not one that computes its rows (CREATE TABLE … AS SELECT): SQLite writes the columns in any case.
  return beginning !== "CREATE TABLE" || isOperator(tokens[length + 1], "(");
}
