import { imageColumns, type TableShape } from "../capture/table-shape.js";
import { quoteIdentifier } from "../sql/quote-identifier.js";
import type { RowChange } from "../tape/tape-change.js";
import type { SqlRow, SqlStatement, SqlValue } from "../values/sql-value.js";

/** What a change may name where it lands. */
export interface ReplayTarget {
  /** Columns that the table has there; `undefined` when not known: all of the shape's. */
  readonly columns?: ReadonlySet<string>;
}

/**
 * The statement that repeats a row change somewhere else; `undefined` when there is nothing to do. Last writer wins,
 * per changed column:
 * - insert → upsert on the key; update → only the changed columns, found by the key before the change; delete → by key.
 * - Values go by column name. Columns that the target does not have are left out.
 * - A key with a NULL part cannot conflict: such a row is inserted plainly, and found by being the most like the image
 *   before the change.
 */
export function changeToStatement(change: RowChange, target: ReplayTarget = {}): SqlStatement | undefined {
  switch (change.type) {
    case "insert":
      return insertStatement(change.shape, change.after, target);
    case "update":
      return updateStatement(change.shape, change.before, change.after, target);
    case "delete": {
      const parameters = new Parameters();
      const where = rowCondition(change.shape, change.before, parameters);
      return parameters.statement(`DELETE FROM ${quoteIdentifier(change.shape.table)} WHERE ${where}`);
    }
  }
}

/** Whether two values are the same to the last bit: 1 and 1.0 are not, and neither are 0.0 and −0.0. */
export function sameValue(left: SqlValue, right: SqlValue): boolean {
  if (left instanceof Uint8Array && right instanceof Uint8Array) {
    return left.length === right.length && left.every((byte, index) => byte === right[index]);
  }
  return Object.is(left, right);
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
    values.push(parameters.add(after[index] as SqlValue));
  });
  const into = `INSERT INTO ${quoteIdentifier(shape.table)} (${columns.map(quoteIdentifier).join(", ")})`;
  return parameters.statement(`${into} VALUES (${values.join(", ")})${conflictClause(shape, after, columns)}`);
}

function conflictClause(shape: TableShape, after: SqlRow, columns: readonly string[]): string {
  if (hasNullKey(shape, after)) return "";
  const key = keyColumns(shape);
  const updates = columns.filter((name) => !key.includes(name)).map((name) => {
    const column = quoteIdentifier(name);
    return `${column} = excluded.${column}`;
  });
  const action = updates.length === 0 ? "NOTHING" : `UPDATE SET ${updates.join(", ")}`;
  return ` ON CONFLICT (${key.map(quoteIdentifier).join(", ")}) DO ${action}`;
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
    if (sameValue(before[index] as SqlValue, value) || !hasColumn(shape, name, target)) return;
    assignments.push(`${quoteIdentifier(name)} = ${parameters.add(value)}`);
  });
  if (assignments.length === 0) return undefined;
  const where = rowCondition(shape, before, parameters);
  const sql = `UPDATE ${quoteIdentifier(shape.table)} SET ${assignments.join(", ")} WHERE ${where}`;
  return parameters.statement(sql);
}

function rowCondition(shape: TableShape, before: SqlRow, parameters: Parameters): string {
  const names = imageColumns(shape);
  const keyIs = keyColumns(shape)
    .map((name) => {
      const value = before[names.indexOf(name)] as SqlValue;
      // `IS ?` would do for all, but an engine may not use an index for it.
      return value === null ? `${quoteIdentifier(name)} IS NULL` : `${quoteIdentifier(name)} = ${parameters.add(value)}`;
    })
    .join(" AND ");
  if (!hasNullKey(shape, before)) return keyIs;
  const likeness = names
    .map((name, index) => `(${quoteIdentifier(name)} IS ${parameters.add(before[index] as SqlValue)})`)
    .join(" + ");
  const table = quoteIdentifier(shape.table);
  return `rowid = (SELECT rowid FROM ${table} WHERE ${keyIs} ORDER BY ${likeness} DESC LIMIT 1)`;
}

function keyColumns(shape: TableShape): readonly string[] {
  return shape.key.type === "rowid" ? [shape.key.alias] : shape.key.columns;
}

function hasNullKey(shape: TableShape, image: SqlRow): boolean {
  if (shape.key.type === "rowid" || !shape.key.nullable) return false;
  const names = imageColumns(shape);
  return shape.key.columns.some((name) => image[names.indexOf(name)] === null);
}

function hasColumn(shape: TableShape, name: string, target: ReplayTarget): boolean {
  if (target.columns === undefined || target.columns.has(name)) return true;
  return shape.key.type === "rowid" && name === shape.key.alias;
}
