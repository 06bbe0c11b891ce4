import { imageColumns, type TableShape } from "../capture/table-shape.js";
import { SyncError } from "../errors/sync-error.js";
import type { RowChange, TapeChange } from "../tape/tape-change.js";
import type { SqlRow, SqlStatement, SqlValue } from "../values/sql-value.js";
import type { ReplayTarget } from "./change-to-statement.js";
import { ShapeStatements } from "./shape-statements.js";

/** A local row change as a `transform` sees it. Integers are `bigint`. */
export interface RowMutation {
  /** Position on the tape. */
  readonly changeId: number;
  readonly table: string;
  readonly type: "insert" | "update" | "delete";
  /** The row before an update or delete, by column name. */
  readonly before?: Readonly<Record<string, SqlValue>>;
  /** The row after an insert or update, by column name. */
  readonly after?: Readonly<Record<string, SqlValue>>;
}

/** What is to become of a change: sent as it is, not sent at all, or replaced by a statement of the app's. */
export type TransformResult =
  | { readonly operation: "keep" }
  | { readonly operation: "skip" }
  | { readonly operation: "rewrite"; readonly sql: string; readonly params: readonly SqlValue[] };

/**
 * Decides over local row changes, one batch at a time; gives one result for each, in order. It is asked whenever
 * changes are pushed, and also when a pull replays them on fresh remote state: a change that is skipped there is gone
 * from the replica, and one that is rewritten has the effect of its statement. Must be synchronous and free of effects.
 */
export type Transform = (mutations: readonly RowMutation[]) => readonly TransformResult[];

/**
 * The statements of changes after the app's transform, which is not asked about schema changes; `undefined` where nothing
 * is to be done.
 */
export function statementsOf(
  changes: readonly TapeChange[],
  transform: Transform | undefined,
  target: (shape: TableShape) => ReplayTarget,
): (SqlStatement | undefined)[] {
  const results = transform && askApp(transform, changes.filter(isRowChange).map(mutationOf)).values();
  const shapes = new Map<TableShape, ShapeStatements>();
  const statementOf = (change: RowChange): SqlStatement | undefined => {
    let statements = shapes.get(change.shape);
    if (statements === undefined) {
      statements = new ShapeStatements(change.shape, target(change.shape));
      shapes.set(change.shape, statements);
    }
    return statements.statementOf(change);
  };
  return changes.map((change) => {
    if (change.type === "schema") return { sql: change.sql, params: [] };
    const result = results?.next().value;
    if (result?.operation === "skip") return undefined;
    if (result?.operation === "rewrite") return { sql: result.sql, params: result.params };
    return statementOf(change);
  });
}

function isRowChange(change: TapeChange): change is RowChange {
  return change.type !== "schema";
}

/** Whatever the app's code does wrong is told as the app's. */
function askApp(transform: Transform, mutations: readonly RowMutation[]): readonly TransformResult[] {
  let results: unknown;
  try {
    results = transform(mutations);
  } catch (cause) {
    throw new SyncError("invalid-option", `The transform has thrown: ${String(cause)}`, { cause });
  }
  if (Array.isArray(results) && results.length === mutations.length) return results as TransformResult[];
  const message = `The transform must return an array with one result for each of its ${mutations.length} mutations.`;
  throw new SyncError("invalid-option", message);
}

function mutationOf(change: RowChange): RowMutation {
  const { changeId, type, shape } = change;
  return {
    changeId,
    table: shape.table,
    type,
    ...("before" in change && { before: recordOf(shape, change.before) }),
    ...("after" in change && { after: recordOf(shape, change.after) }),
  };
}

function recordOf(shape: TableShape, image: SqlRow): Record<string, SqlValue> {
  return Object.fromEntries(imageColumns(shape).map((name, index) => [name, image[index] as SqlValue]));
}
