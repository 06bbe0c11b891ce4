import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { RemoteStep, RemoteStepResult } from "../ports/protocol-io.js";
import type { TapeChange } from "../tape/tape-change.js";
import type { TapePosition } from "../tape/tape-position.js";
import type { SqlStatement } from "../values/sql-value.js";
import { refusalOf } from "./push-refusal.js";
import { CREATE_POSITION_TABLE, checkMark, type RemoteMark, SET_POSITION } from "./remote-mark.js";

/**
 * Cascades are on the tape before the change that caused them, so a foreign key may be broken between two steps. A
 * remote that does not know the pragma checks at once; it may still accept the changes.
 *
 * Not for a single change, which has nothing between: the pragma makes SQLite compile all statements of its connection
 * anew, which for one row takes longer than running them.
 */
const DEFER_FOREIGN_KEYS = "PRAGMA defer_foreign_keys = ON";

/** Changes, and by the same index the statements that repeat them on the remote. */
export interface PushSteps {
  readonly changes: TapeChange[];
  readonly statements: SqlStatement[];
}

/**
 * The position is another than the one read before: an earlier attempt, whose answer did not come, was still running
 * then. Sending the changes again would apply them twice.
 */
export const POSITION_MOVED: unique symbol = Symbol("the position moved");

/**
 * Sends changes and the position they reach as one transaction, if the position is still the expected one. Returns the
 * error the remote refused it with, having taken nothing of it; other failures are thrown.
 *
 * A column that another replica has added already is no failure: the batch is sent again without the step that adds it.
 * Not in one go, because whatever runs after a step that may fail also runs when that step was skipped, and would commit
 * what is left of a refused batch.
 */
export function* sendPushBatch(
  clientId: string,
  steps: PushSteps,
  expected: RemoteMark,
  position: TapePosition,
): Coroutine<SyncError | typeof POSITION_MOVED | undefined> {
  let rest = steps;
  for (;;) {
    const outcome = yield* sendOnce(clientId, rest, expected, position);
    if (outcome === undefined || outcome === POSITION_MOVED || outcome instanceof SyncError) return outcome;
    const isLeft = (_: unknown, index: number): boolean => index !== outcome.done;
    rest = { changes: rest.changes.filter(isLeft), statements: rest.statements.filter(isLeft) };
  }
}

/** As `sendPushBatch`, once; `done` is the index of a step that the remote refused because it is done already. */
function* sendOnce(
  clientId: string,
  { changes, statements }: PushSteps,
  expected: RemoteMark,
  position: TapePosition,
): Coroutine<SyncError | typeof POSITION_MOVED | { readonly done: number } | undefined> {
  const positionParams = [clientId, BigInt(position.pullGeneration), BigInt(position.changeId)];
  const { steps, mayFail } = stepsBefore(clientId, expected, statements.length > 1);
  const before = steps.length;
  for (const statement of statements) steps.push(previousOk(statement));
  steps.push(previousOk({ sql: SET_POSITION, params: positionParams }));
  steps.push(previousOk({ sql: "COMMIT", params: [] }));
  const last = steps.length;
  // A remote whose batches share a connection would keep what failed open.
  steps.push(inTransaction({ sql: "ROLLBACK", params: [] }));
  const results = yield* io.runRemoteBatch({ steps, repeatable: false });
  let failed = 0;
  while (failed < last && (failed === mayFail || results[failed]?.type === "ok")) failed++;
  if (failed === last) return undefined;
  const refused = results[failed];
  const isCheck = failed === before - 1;
  // Without the table, the remote has lost what it had noted.
  if (isCheck && refused?.type === "error" && /constraint|unique|no such table/i.test(refused.message))
    return POSITION_MOVED;
  const change = changes[failed - before];
  const statement = statements[failed - before];
  if (statement !== undefined && isDone(statement, refused)) return { done: failed - before };
  const what =
    change === undefined
      ? "The remote refused the push"
      : change.type === "schema"
        ? `The remote refused the local schema change ${change.changeId}`
        : `The remote refused the local ${change.type} in ${change.shape.table} (change ${change.changeId})`;
  return refusalOf(refused, what, {
    ...(change !== undefined && { changeId: change.changeId }),
    ...(change !== undefined && change.type !== "schema" && { table: change.shape.table }),
  });
}

/** The statements before the first change, the last of which checks the position, and the index of the one that may fail. */
function stepsBefore(
  clientId: string,
  expected: RemoteMark,
  isSeveral: boolean,
): { readonly steps: RemoteStep[]; readonly mayFail: number | undefined } {
  const steps: RemoteStep[] = [{ sql: "BEGIN IMMEDIATE", params: [], condition: "always", wantRows: false }];
  const mayFail = isSeveral ? steps.push(previousOk({ sql: DEFER_FOREIGN_KEYS, params: [] })) - 1 : undefined;
  const check = checkMark(clientId, expected);
  const hasTable = expected.position !== undefined;
  const [first, ...others] = hasTable ? [check] : [{ sql: CREATE_POSITION_TABLE, params: [] }, check];
  steps.push((isSeveral ? inTransaction : previousOk)(first as SqlStatement));
  for (const statement of others) steps.push(previousOk(statement));
  return { steps, mayFail };
}

/** Adding a column that is there already is no failure: another replica was first. */
function isDone({ sql }: SqlStatement, result: RemoteStepResult | undefined): boolean {
  const addsColumn = /^\s*ALTER\s+TABLE\s.*\sADD\s/is.test(sql);
  return addsColumn && result?.type === "error" && /duplicate|already exists/i.test(result.message);
}

/** Also runs where the step before it has failed. */
function inTransaction({ sql, params }: SqlStatement): RemoteStep {
  return { sql, params, condition: "in-transaction", wantRows: false };
}

function previousOk({ sql, params }: SqlStatement): RemoteStep {
  return { sql, params, condition: "previous-ok", wantRows: false };
}
