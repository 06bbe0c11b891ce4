import { foldName } from "../capture/schema-row.js";
import { imageColumns, type TableShape } from "../capture/table-shape.js";
import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { TransformResult } from "../replay/transform.js";
import { quoteIdentifier } from "../sql/quote-identifier.js";
import { sameValue } from "../values/same-value.js";
import type { SqlRow, SqlValue } from "../values/sql-value.js";
import type { ChangeRunner, StreamRowChange } from "./change-runner.js";
import type { StreamConflict } from "./stream-options.js";

/** Applies a row change, asking the app where the row is not as it was when the change was made. */
export function* resolveConflict(
  runner: ChangeRunner,
  change: StreamRowChange,
  group: { readonly origin: string; readonly originCursor: number },
  decide: (conflict: StreamConflict) => TransformResult,
): Coroutine<void> {
  yield* runner.flush();
  const columns = yield* runner.tables.columnsFor(change.shape);
  const current = yield* currentRow(change, columns);
  if (!isConflict(change, current, columns)) {
    yield* runner.change(change);
    return;
  }
  const { shape, type } = change;
  const mutation = {
    changeId: group.originCursor,
    table: shape.table,
    type,
    ...("before" in change && { before: recordOf(shape, change.before) }),
    ...("after" in change && { after: recordOf(shape, change.after) }),
  };
  const result = ask(decide, {
    mutation,
    current: current && Object.fromEntries(current),
    origin: group.origin,
  });
  if (result.operation === "keep") yield* runner.change(change);
  else if (result.operation === "rewrite") {
    yield* runner.statement({ sql: result.sql, params: result.params }, change);
  }
}

type NamedValues = readonly (readonly [name: string, value: SqlValue])[];

/** The row that a change is about, as it is here; `undefined`: there is none. */
function* currentRow(
  change: StreamRowChange,
  columns: ReadonlySet<string>,
): Coroutine<NamedValues | undefined> {
  const { shape } = change;
  const names = imageColumns(shape).filter((name) => isHere(shape, name, columns));
  const image = new Map(named(shape, change.type === "insert" ? change.after : change.before));
  const key = shape.key.type === "columns" ? shape.key.columns : [];
  const isKeyed = key.length > 0 && key.every((name) => image.get(name) !== null);
  // Without a key nothing is overwritten by an insert, and a row is the one that looks like it.
  if (!isKeyed && change.type === "insert") return undefined;
  const known = isKeyed
    ? key
    : names.filter((name) => shape.key.type === "columns" || name !== shape.key.alias);
  const where = known.map((name) => `${quoteIdentifier(name)} ${isKeyed ? "=" : "IS"} ?`).join(" AND ");
  const sql = `SELECT ${names.map(quoteIdentifier).join(", ")} FROM main.${quoteIdentifier(shape.table)} WHERE ${where} LIMIT 1`;
  const params = known.map((name) => image.get(name) as SqlValue);
  const [row] = yield* io.querySql("writer", sql, params);
  return row && names.map((name, index) => [name, row[index] as SqlValue]);
}

function isConflict(
  change: StreamRowChange,
  current: NamedValues | undefined,
  columns: ReadonlySet<string>,
): boolean {
  if (current === undefined) return change.type !== "insert";
  const { shape } = change;
  const expected = new Map(named(shape, change.type === "insert" ? change.after : change.before));
  return current.some(([name, value]) => {
    const isRowid = shape.key.type === "rowid" && name === shape.key.alias;
    return !isRowid && isHere(shape, name, columns) && !sameValue(value, expected.get(name) as SqlValue);
  });
}

function isHere(shape: TableShape, name: string, columns: ReadonlySet<string>): boolean {
  return columns.has(foldName(name)) || (shape.key.type === "rowid" && name === shape.key.alias);
}

function named(shape: TableShape, image: SqlRow): NamedValues {
  return imageColumns(shape).map((name, index) => [name, image[index] as SqlValue]);
}

function recordOf(shape: TableShape, image: SqlRow): Record<string, SqlValue> {
  return Object.fromEntries(named(shape, image));
}

const OPERATIONS: ReadonlySet<unknown> = new Set<TransformResult["operation"]>(["keep", "skip", "rewrite"]);

/** Whatever the app's code does wrong is told as the app's. */
function ask(
  decide: (conflict: StreamConflict) => TransformResult,
  conflict: StreamConflict,
): TransformResult {
  let result: TransformResult | undefined;
  try {
    result = decide(conflict);
  } catch (cause) {
    throw new SyncError("invalid-option", `resolveConflict has thrown: ${String(cause)}`, { cause });
  }
  if (OPERATIONS.has(result?.operation)) return result;
  throw new SyncError(
    "invalid-option",
    'resolveConflict must return { operation: "keep", "skip" or "rewrite" }.',
  );
}
