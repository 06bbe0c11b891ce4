import { foldName } from "../capture/schema-row.js";
import { classifyStatement } from "../sql/classify-statement.js";
import { keywordOf, nameOf, tokenizeSql } from "../sql/tokenize-sql.js";
import type { TapeChange } from "../tape/tape-change.js";

/** Whether a change belongs to a table that the app keeps in this replica: it is replayed by every pull, never pushed. */
export function isLocalOnly(change: TapeChange, ignoreTables: ReadonlySet<string>): boolean {
  if (ignoreTables.size === 0) return false;
  if (change.type === "schema") return isLocalOnlySchemaChange(change.sql, ignoreTables);
  return ignoreTables.has(foldName(change.shape.table));
}

/** The same for a schema change, by its text. */
export function isLocalOnlySchemaChange(sql: string, ignoreTables: ReadonlySet<string>): boolean {
  const table = ignoreTables.size === 0 ? undefined : tableOfSchemaChange(sql);
  return table !== undefined && ignoreTables.has(foldName(table));
}

/** The table that a schema change is about: itself, or the one that its index or trigger is on; dropping those tells none. */
export function tableOfSchemaChange(sql: string): string | undefined {
  const statement = classifyStatement(sql);
  if (statement.type !== "schema") return undefined;
  if (statement.object !== "index" && statement.object !== "trigger") return statement.name;
  const tokens = tokenizeSql(sql);
  const on = tokens.findIndex((token) => keywordOf(token) === "ON");
  return on < 0 ? undefined : nameOf(tokens[on + 1]);
}
