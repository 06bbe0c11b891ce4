import type Database from "better-sqlite3";
import { expect } from "vitest";
import { imageColumns } from "../../../src/capture/table-shape.js";
import type { ImageDifference, TableDifference } from "../../../src/row-diff/image-difference.js";
import { quoteIdentifier } from "../../../src/sql/quote-identifier.js";
import type { SqlRow, SqlValue } from "../../../src/values/sql-value.js";

/**
 * Holds a difference against what SQLite reads: the rows before with these changes are the rows after, images before are rows
 * that there were, and no key is told of twice. Tables that are not told of must be the same.
 */
export function checkDifference(
  difference: ImageDifference,
  before: Database.Database,
  after: Database.Database,
): void {
  expect(difference.before.rows).toEqual(schemaOf(before));
  expect(difference.after.rows).toEqual(schemaOf(after));
  const told = new Set(difference.tables.map(({ shape }) => shape.table));
  for (const table of tablesOf(after)) {
    if (told.has(table)) continue;
    const columns = after.pragma(`table_info(${quoteIdentifier(table)})`) as { name: string }[];
    const names = columns.map(({ name }) => name);
    expect([table, texts(rowsOf(before, table, names))]).toEqual([table, texts(rowsOf(after, table, names))]);
  }
  for (const table of difference.tables) checkTable(table, difference, before, after);
}

function checkTable(
  { shape, renamedColumns, rows }: TableDifference,
  { renamedTables }: ImageDifference,
  before: Database.Database,
  after: Database.Database,
): void {
  const old = renamedTables.find(({ to }) => to === shape.table)?.from ?? shape.table;
  const names = imageColumns(shape);
  const known = tablesOf(before).includes(old) ? columnsOf(before, old) : undefined;
  const sources = names.map((name) => {
    const source = renamedColumns.find(({ to }) => to === name)?.from ?? name;
    if (shape.key.type === "rowid" && name === shape.key.alias) return name;
    return known?.has(source.toLowerCase()) ? source : { value: defaultOf(after, shape.table, name) };
  });
  const rowsBefore = known === undefined ? [] : rowsOf(before, old, sources);
  const keyOf = (image: SqlRow): string | undefined =>
    shape.key.type === "rowid" || shape.key.nullable
      ? undefined
      : textOf(shape.key.columns.map((name) => image[names.indexOf(name)] as SqlValue));
  const knownKeys = rowsBefore.map(keyOf);
  // By another key than before, several rows may be one: then it cannot be said which.
  const areUnique = knownKeys.includes(undefined) || new Set(knownKeys).size === knownKeys.length;
  const model = new Map<string, number>();
  const byKey = new Map(rowsBefore.map((row) => [keyOf(row), row]));
  const add = (row: SqlRow, count: number): void => {
    if (!areUnique) {
      if (count > 0) byKey.set(keyOf(row), row);
      else byKey.delete(keyOf(row));
      return;
    }
    const text = textOf(row);
    const left = (model.get(text) ?? 0) + count;
    if (left < 0) throw new Error(`${shape.table} has no row ${text}`);
    model.set(text, left);
  };
  if (areUnique) for (const row of rowsBefore) add(row, 1);
  let deletes = true;
  const keys = new Set<string>();
  for (const change of rows()) {
    if (change.type !== "delete") deletes = false;
    else if (!deletes) throw new Error(`${shape.table} has a deletion behind other changes`);
    if (change.type !== "insert") add(change.before, -1);
    if (change.type !== "delete") add(change.after, 1);
    if (change.type === "update" && textOf(change.before) === textOf(change.after))
      throw new Error(`${shape.table} has an update of nothing: ${textOf(change.after)}`);
    const key = keyOf(change.type === "delete" ? change.before : change.after);
    if (key === undefined) continue;
    if (keys.has(key)) throw new Error(`${shape.table} has two changes of ${key}`);
    keys.add(key);
  }
  // A rowid that is no key is only a hint.
  const width = shape.key.type === "rowid" ? 1 : 0;
  const result = areUnique
    ? [...model].flatMap(([text, count]) => Array.from({ length: count }, () => withoutFirst(text, width)))
    : [...byKey.values()].map(textOf);
  const expected = rowsOf(after, shape.table, names).map((row) => textOf(row.slice(width)));
  expect([shape.table, result.sort()]).toEqual([shape.table, expected.sort()]);
}

function schemaOf(db: Database.Database): unknown[] {
  return db.prepare('SELECT type, name, tbl_name AS "table", sql FROM sqlite_schema ORDER BY rowid').all();
}

function tablesOf(db: Database.Database): string[] {
  const names = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
    .pluck()
    .all() as string[];
  return names.filter((name) => !name.startsWith("sqlite_stat"));
}

function columnsOf(db: Database.Database, table: string): Set<string> {
  const columns = db.pragma(`table_xinfo(${quoteIdentifier(table)})`) as { name: string }[];
  return new Set(columns.map(({ name }) => name.toLowerCase()));
}

function rowsOf(
  db: Database.Database,
  table: string,
  columns: readonly (string | { readonly value: SqlValue })[],
): SqlRow[] {
  const terms = columns.map((column) => (typeof column === "string" ? quoteIdentifier(column) : "?"));
  const values = columns.flatMap((column) => (typeof column === "string" ? [] : [column.value]));
  return db
    .prepare(`SELECT ${terms.join()} FROM ${quoteIdentifier(table)}`)
    .raw()
    .all(...values) as SqlRow[];
}

/** What SQLite gives a row that was there before the column. */
function defaultOf(db: Database.Database, table: string, column: string): SqlValue {
  const columns = db.pragma(`table_xinfo(${quoteIdentifier(table)})`) as {
    name: string;
    type: string;
    dflt_value: string | null;
  }[];
  const found = columns.find(({ name }) => name === column);
  const cast = found?.type === "" ? "" : found?.type;
  const value = found?.dflt_value ?? "NULL";
  return db
    .prepare(`SELECT ${cast === "" ? value : `iif(${value} IS NULL, NULL, CAST(${value} AS ${cast}))`}`)
    .pluck()
    .get() as SqlValue;
}

function texts(rows: readonly SqlRow[]): string[] {
  return rows.map(textOf).sort();
}

/** A text for each row, with the kinds of its values: 1 and 1.0 are not the same. */
function textOf(row: SqlRow): string {
  return JSON.stringify(
    row.map((value) => {
      if (value instanceof Uint8Array) return ["blob", Buffer.from(value).toString("hex")];
      if (typeof value === "bigint") return ["integer", String(value)];
      return Object.is(value, -0) ? ["-0"] : [typeof value, value === Number.POSITIVE_INFINITY ? "∞" : value];
    }),
  );
}

function withoutFirst(text: string, count: number): string {
  return JSON.stringify((JSON.parse(text) as unknown[]).slice(count));
}
