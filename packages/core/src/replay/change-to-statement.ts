import { foldName } from "../capture/schema-row.js";
import { imageColumns, type TableShape } from "../capture/table-shape.js";
import { quoteIdentifier } from "../sql/quote-identifier.js";
import type { RowChange } from "../tape/tape-change.js";
import { sameValue } from "../values/same-value.js";
import type { SqlRow, SqlStatement, SqlValue } from "../values/sql-value.js";

/** What a change may name where it lands. */
export interface ReplayTarget {
  /** Columns that the table has there, as `foldName` writes them; `undefined` when not known: all of the shape's. */
  readonly columns?: ReadonlySet<string>;
  /** Rows that have the key or a unique value already make room for the change, which would fail without it. */
  readonly displaces?: boolean;
  /** An insert makes way for the rows that are there: where a constraint refuses it, it does nothing. */
  readonly yields?: boolean;
}

/**
 * The statement that repeats a row change somewhere else; `undefined` when there is nothing to do. Last writer wins,
 * per changed column:
 * - insert → upsert on the key; update → only the changed columns, found by the key before the change; delete → by key.
 * - Values go by column name. Columns that the target does not have are left out.
 * - A key with a NULL part cannot conflict: such a row is inserted plainly, and found by being the most like the image
 *   before the change.
 * - A rowid that is no key is only a hint: where somebody else's row has it, the row gets another, and it is found by
 *   its image first.
 */
export function changeToStatement(change: RowChange, target: ReplayTarget = {}): SqlStatement | undefined {
  switch (change.type) {
    case "insert":
      return insertStatement(change.shape, change.after, target);
    case "update":
      return updateStatement(change.shape, change.before, change.after, target);
    case "delete": {
      const parameters = new Parameters();
      const where = rowCondition(change.shape, change.before, target, parameters);
      if (where === undefined) return undefined;
      return parameters.statement(`DELETE FROM ${quoteIdentifier(change.shape.table)} WHERE ${where}`);
    }
  }
}

/**
 * Collects parameters in the order of their placeholders. Infinities become literals: JSON, in which parameters
 * travel, has no infinities.
 */
class Parameters {
  readonly #values: SqlValue[] = [];

  add(value: SqlValue): string {
    if (value === Number.POSITIVE_INFINITY) return "9e999";
    if (value === Number.NEGATIVE_INFINITY) return "-9e999";
    this.#values.push(value);
    return "?";
  }

  statement(sql: string): SqlStatement {
    return { sql, params: this.#values };
  }
}

function insertStatement(shape: TableShape, after: SqlRow, target: ReplayTarget): SqlStatement {
  const parameters = new Parameters();
  const columns: string[] = [];
  const values: string[] = [];
  imageColumns(shape).forEach((name, index) => {
    if (!hasColumn(shape, name, target)) return;
    columns.push(name);
    const value = after[index] as SqlValue;
    if (shape.key.type === "columns" || index > 0) values.push(parameters.add(value));
    else values.push(freeRowid(shape, value, parameters));
  });
  const otherwise = target.displaces ? "OR REPLACE " : target.yields ? "OR IGNORE " : "";
  const into = `INSERT ${otherwise}INTO ${quoteIdentifier(shape.table)} (${columns.map(quoteIdentifier).join(", ")})`;
  const onConflict = otherwise !== "" ? "" : conflictClause(shape, after, columns);
  return parameters.statement(`${into} VALUES (${values.join(", ")})${onConflict}`);
}

/** The rowid, or NULL, for which SQLite takes the next, when it is taken: overwriting that row would lose it. */
function freeRowid(shape: TableShape, rowid: SqlValue, parameters: Parameters): string {
  const [alias] = imageColumns(shape).map(quoteIdentifier);
  const table = quoteIdentifier(shape.table);
  return `(SELECT CASE count(*) WHEN 0 THEN ${parameters.add(rowid)} END FROM ${table} WHERE ${alias} = ${parameters.add(rowid)})`;
}

function conflictClause(shape: TableShape, after: SqlRow, columns: readonly string[]): string {
  if (shape.key.type === "rowid" || hasNullKey(shape, after)) return "";
  // The key's columns too: under a collation, keys that are equal may still differ.
  const updates = columns.map((name) => `${quoteIdentifier(name)} = excluded.${quoteIdentifier(name)}`);
  return ` ON CONFLICT (${shape.key.columns.map(quoteIdentifier).join(", ")}) DO UPDATE SET ${updates.join(", ")}`;
}

function updateStatement(
  shape: TableShape,
  before: SqlRow,
  after: SqlRow,
  target: ReplayTarget,
): SqlStatement | undefined {
  const parameters = new Parameters();
  const assignments: string[] = [];
  imageColumns(shape).forEach((name, index) => {
    const value = after[index] as SqlValue;
    // A rowid that is no key means nothing: that it changed is not worth a conflict.
    if (shape.key.type === "rowid" && index === 0) return;
    if (sameValue(before[index] as SqlValue, value) || !hasColumn(shape, name, target)) return;
    assignments.push(`${quoteIdentifier(name)} = ${parameters.add(value)}`);
  });
  if (assignments.length === 0) return undefined;
  const where = rowCondition(shape, before, target, parameters);
  if (where === undefined) return undefined;
  const verb = target.displaces ? "UPDATE OR REPLACE" : "UPDATE";
  const sql = `${verb} ${quoteIdentifier(shape.table)} SET ${assignments.join(", ")} WHERE ${where}`;
  return parameters.statement(sql);
}

/** `undefined` when nothing is left that the row could be known by. */
function rowCondition(
  shape: TableShape,
  before: SqlRow,
  target: ReplayTarget,
  parameters: Parameters,
): string | undefined {
  if (shape.key.type === "rowid") return rowidCondition(shape, before, target, parameters);
  const names = shape.columns;
  const keyIs = shape.key.columns
    .map((name) => {
      const value = before[names.indexOf(name)] as SqlValue;
      // `IS ?` would do for all, but an engine may not use an index for it.
      return value === null
        ? `${quoteIdentifier(name)} IS NULL`
        : `${quoteIdentifier(name)} = ${parameters.add(value)}`;
    })
    .join(" AND ");
  if (!hasNullKey(shape, before)) return keyIs;
  const likeness = joined(
    names.flatMap((name, index) =>
      hasColumn(shape, name, target)
        ? [`(${quoteIdentifier(name)} IS ${parameters.add(before[index] as SqlValue)})`]
        : [],
    ),
    " + ",
  );
  const table = quoteIdentifier(shape.table);
  return `rowid = (SELECT rowid FROM ${table} WHERE ${keyIs} ORDER BY ${likeness} DESC LIMIT 1)`;
}

/** The row as it was, at its rowid or anywhere; else the row at its rowid, if it has anything of it. */
function rowidCondition(
  shape: TableShape,
  before: SqlRow,
  target: ReplayTarget,
  parameters: Parameters,
): string | undefined {
  const [rowidName, ...names] = imageColumns(shape);
  const alias = quoteIdentifier(String(rowidName));
  const known = names.flatMap((name, index) =>
    hasColumn(shape, name, target)
      ? [{ column: quoteIdentifier(name), value: before[index + 1] as SqlValue }]
      : [],
  );
  if (known.length === 0) return undefined;
  const select = `SELECT ${alias} FROM ${quoteIdentifier(shape.table)} WHERE`;
  const atRowid = (): string => `${alias} = ${parameters.add(before[0] as SqlValue)}`;
  const image = (glue: string): string =>
    joined(
      known.map(({ column, value }) => `${column} IS ${parameters.add(value)}`),
      glue,
    );
  const same = `${select} ${atRowid()} AND ${image(" AND ")}`;
  const moved = `${select} ${image(" AND ")} LIMIT 1`;
  const changed = `${select} ${atRowid()} AND (${image(" OR ")})`;
  return `${alias} = coalesce((${same}), (${moved}), (${changed}))`;
}

/** A chain of operators is as deep as it is long, and SQLite takes no expression deeper than 1000. A table may have 2000 columns. */
const LONGEST_CHAIN = 100;

function joined(terms: readonly string[], operator: string): string {
  if (terms.length <= LONGEST_CHAIN) return terms.join(operator);
  const parts: string[] = [];
  for (let at = 0; at < terms.length; at += LONGEST_CHAIN)
    parts.push(`(${terms.slice(at, at + LONGEST_CHAIN).join(operator)})`);
  return parts.join(operator);
}

function hasNullKey(shape: TableShape, image: SqlRow): boolean {
  if (shape.key.type === "rowid" || !shape.key.nullable) return false;
  const names = imageColumns(shape);
  return shape.key.columns.some((name) => image[names.indexOf(name)] === null);
}

function hasColumn(shape: TableShape, name: string, target: ReplayTarget): boolean {
  if (target.columns === undefined || target.columns.has(foldName(name))) return true;
  return shape.key.type === "rowid" && name === shape.key.alias;
}
