import type { SchemaStatement } from "../sql/classify-statement.js";
import { quoteIdentifier } from "../sql/quote-identifier.js";
import { splitStatements } from "../sql/split-statements.js";
import { unmarkTrigger } from "./mark-trigger.js";
import { type SchemaRow, sameName } from "./schema-row.js";

/**
 * What a schema statement that has run goes on the tape as: none when it changed nothing of `main` (IF NOT EXISTS, a
 * TEMP object, an attached database). Only the object named counts: what SQLite makes and drops along with it
 * (automatic indexes, shadow tables, triggers of a dropped table) follows from it wherever it is replayed.
 */
export function schemaChanges(
  statement: SchemaStatement,
  sql: string,
  before: readonly SchemaRow[],
  after: readonly SchemaRow[],
): readonly string[] {
  const type = statement.object === "virtual table" ? "table" : statement.object;
  const find = (rows: readonly SchemaRow[]): SchemaRow | undefined =>
    rows.find((row) => row.type === type && sameName(row.name, statement.name));
  const old = find(before);
  const made = find(after);
  switch (statement.verb) {
    case "create":
      return old === undefined && made?.sql ? [createIfMissing(unmarkTrigger(made.sql))] : [];
    case "drop":
      return old !== undefined && made === undefined
        ? [`DROP ${type.toUpperCase()} IF EXISTS ${quoteIdentifier(old.name)}`]
        : [];
    case "alter":
      return sameSchema(before, after) ? [] : splitStatements(sql).slice(0, 1);
  }
}

/**
 * The statement that makes an object of the schema where it is missing. SQLite stores every CREATE in one form: verb, kind,
 * and then the name without a schema.
 */
export function createIfMissing(sql: string): string {
  return sql.replace(
    /^CREATE ((?:UNIQUE )?INDEX|(?:VIRTUAL )?TABLE|VIEW|TRIGGER) (?!IF NOT EXISTS)/,
    "CREATE $1 IF NOT EXISTS ",
  );
}

function sameSchema(before: readonly SchemaRow[], after: readonly SchemaRow[]): boolean {
  const text = (rows: readonly SchemaRow[]): string =>
    JSON.stringify(rows.map((row) => [row.type, row.name, row.table, row.sql]));
  return text(before) === text(after);
}
