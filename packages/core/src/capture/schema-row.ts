import type { SqlRow } from "../values/sql-value.js";

/** One row of sqlite_schema. */
export interface SchemaRow {
  readonly type: string;
  readonly name: string;
  /** The table or view it belongs to; its own name for those. */
  readonly table: string;
  /** NULL for the indexes that constraints make. */
  readonly sql: string | null;
}

/** All of the schema in the order of its creation: triggers fire in an order that depends on it. */
export const SCHEMA_SQL = "SELECT type, name, tbl_name, sql FROM main.sqlite_schema ORDER BY rowid";

/** Reads the rows of {@link SCHEMA_SQL}. */
export function readSchemaRows(rows: readonly SqlRow[]): SchemaRow[] {
  return rows.map((row) => ({
    type: String(row[0]),
    name: String(row[1]),
    table: String(row[2]),
    sql: row[3] === null || row[3] === undefined ? null : String(row[3]),
  }));
}

/** Names compare without regard to ASCII case, as SQLite does it. */
export function sameName(a: string, b: string): boolean {
  return foldName(a) === foldName(b);
}

/** A name for use as a key: ASCII letters in lower case. */
export function foldName(name: string): string {
  return /[A-Z]/.test(name) ? name.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : name;
}
