import {
  foldName,
  imageColumns,
  jsonOfValue,
  parseTableDefinition,
  quoteIdentifier,
  type Renamed,
  type RowChange,
  type SqlRow,
  type SqlValue,
  sameValue,
} from "@tributary/core";
import { SqlError } from "../sql/sql-error.js";
import type { MergeTarget, SqlRefusal } from "./merge-target.js";
import { runDefinition, type SchemaNames } from "./run-definition.js";
import type { AlteredTable } from "./schema-difference.js";

/** The old form of a table while the new one is filled. */
const OLD_TABLE = "tributary_rebuilt";

/** A change of a row that was there. */
type KnownChange = RowChange & { readonly type: "update" | "delete" };

/**
 * Gives a table another definition where ALTER TABLE cannot: it is made anew, with its rows, its indexes and triggers, and the
 * columns that only the database has. Rows that the new constraints do not allow are kept in `tributary_refused`. To be called
 * where it is undone if it throws.
 */
export function rebuildTable(
  target: MergeTarget,
  { before, after, renamedColumns, changes }: AlteredTable,
  names: SchemaNames,
): void {
  const { name } = after;
  const old = quoteIdentifier(OLD_TABLE);
  const table = quoteIdentifier(name);
  const oldSql = target.sqlOf("table", name) ?? "";
  const oldColumns = target.columnsOf(name);
  const dependents = target.query(
    "SELECT sql FROM main.sqlite_schema WHERE type IN ('index', 'trigger') AND tbl_name = ? COLLATE NOCASE AND sql IS NOT NULL ORDER BY rowid",
    [name],
  );
  const sequence = readSequence(target, name);
  // In the old way nothing that names the table is rewritten.
  target.alterInTheOldWay(`ALTER TABLE ${table} RENAME TO ${old}`);
  const refusal = runDefinition(target, after.sql, names);
  if (refusal !== undefined) throw new SqlError(refusal.code, refusal.message);
  keepOtherColumns(target, name, oldSql, before.sql);
  const isThere = new Set(target.columnsOf(name).map(foldName));
  const newNames = new Map(renamedColumns.map(({ from, to }) => [foldName(from), to]));
  const copied = oldColumns
    .map((from) => ({ from, to: newNames.get(foldName(from)) ?? from }))
    .filter(({ to }) => isThere.has(foldName(to)));
  if (keepsRowids(target, name)) copied.unshift({ from: "rowid", to: "rowid" });
  copyRows(target, name, copied, changes);
  target.execute(`DROP TABLE ${old}`);
  if (sequence !== undefined && readSequence(target, name) !== undefined) {
    target.run("UPDATE main.sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", [sequence, name]);
  }
  for (const [sql] of dependents) {
    const refusal = runDefinition(target, String(sql), names);
    if (refusal !== undefined) target.refuseSchema(name, String(sql), refusal);
  }
}

/** Columns that are in neither of the replica's definitions are somebody else's. */
function keepOtherColumns(target: MergeTarget, table: string, oldSql: string, beforeSql: string): void {
  const known = new Set([
    ...target.allColumnsOf(table).map(foldName),
    ...(parseTableDefinition(beforeSql)?.columns ?? []).map(({ name }) => foldName(name)),
  ]);
  for (const { name, text } of parseTableDefinition(oldSql)?.columns ?? []) {
    if (known.has(foldName(name))) continue;
    const sql = `ALTER TABLE ${quoteIdentifier(table)} ADD COLUMN ${text}`;
    const refusal = target.attempt(() => target.execute(sql));
    if (refusal !== undefined) target.refuseSchema(table, sql, refusal);
  }
}

/** Whether rows are known by their rowids on both sides, because neither form of the table has a key. */
function keepsRowids(target: MergeTarget, table: string): boolean {
  const sql =
    "SELECT count(*) FROM pragma_table_xinfo(?, 'main') WHERE pk > 0 OR name COLLATE NOCASE = 'rowid'";
  return [table, OLD_TABLE].every((name) => target.query(sql, [name])[0]?.[0] === 0n);
}

/** `changes`: what the replica did to the rows, which has not been merged yet. */
function copyRows(
  target: MergeTarget,
  table: string,
  columns: readonly Renamed[],
  changes: () => Iterable<RowChange>,
): void {
  const names = columns.map(({ to }) => to);
  const into = `INSERT OR ABORT INTO ${quoteIdentifier(table)} (${names.map(quoteIdentifier).join(", ")})`;
  const select = `SELECT ${columns.map(({ from }) => quoteIdentifier(from)).join(", ")} FROM ${quoteIdentifier(OLD_TABLE)}`;
  if (target.try(() => void target.run(`${into} ${select}`)) === undefined) return;
  const insert = `${into} VALUES (${columns.map(() => "?").join(", ")})`;
  const refused = new Map<SqlRow, SqlRefusal>();
  for (const row of target.query(select)) {
    const refusal = target.try(() => void target.run(insert, row));
    if (refusal !== undefined) refused.set(row, refusal);
  }
  // The replica has made them fit, most likely: NULLs where the new form has NOT NULL. As they were they have no place.
  for (const [row, change] of changedRows(names, refused.keys(), changes)) {
    const isGone = change.type === "delete";
    if (isGone || target.try(() => void target.run(insert, changedRow(names, row, change))) === undefined)
      refused.delete(row);
  }
  for (const [row, refusal] of refused) target.refuseImage(table, names, row, refusal);
}

/** Rows of which the replica says what became of them. */
function* changedRows(
  names: readonly string[],
  rows: Iterable<SqlRow>,
  changes: () => Iterable<RowChange>,
): Generator<[SqlRow, KnownChange], void> {
  const places = new Map(names.map((name, place) => [foldName(name), place]));
  let byKey: Map<string, SqlRow> | undefined;
  for (const change of changes()) {
    if (change.type === "insert") continue;
    const { key } = change.shape;
    const keyNames = key.type === "rowid" ? [key.alias] : key.columns;
    const inRow = keyNames.map((name) => places.get(foldName(name)) ?? -1);
    // The key itself is new: no row was known by it.
    if (inRow.includes(-1)) return;
    byKey ??= new Map(Array.from(rows, (row) => [keyText(row, inRow), row]));
    const columns = imageColumns(change.shape);
    const inImage = keyNames.map((name) => columns.indexOf(name));
    const row = byKey.get(keyText(change.before, inImage));
    if (row !== undefined) yield [row, change];
  }
}

function keyText(row: SqlRow, places: readonly number[]): string {
  return JSON.stringify(places.map((place) => jsonOfValue(row[place] as SqlValue)));
}

function changedRow(
  names: readonly string[],
  row: SqlRow,
  change: KnownChange & { readonly type: "update" },
): SqlRow {
  const columns = imageColumns(change.shape).map(foldName);
  return names.map((name, place) => {
    const index = columns.indexOf(foldName(name));
    const [before, after] = [change.before[index], change.after[index]];
    if (before === undefined || after === undefined || sameValue(before, after))
      return row[place] as SqlValue;
    return after;
  });
}

function readSequence(target: MergeTarget, table: string): bigint | undefined {
  if (target.sqlOf("table", "sqlite_sequence") === undefined) return undefined;
  const [row] = target.query("SELECT seq FROM main.sqlite_sequence WHERE name = ?", [table]);
  return typeof row?.[0] === "bigint" ? row[0] : undefined;
}
