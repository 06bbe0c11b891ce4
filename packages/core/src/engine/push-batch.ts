import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { RemoteStep, RemoteStepResult, StepCondition } from "../ports/protocol-io.js";
import type { TapePosition } from "../tape/tape-position.js";
import type { SqlStatement } from "../values/sql-value.js";
import type { PushStep } from "./push-changes.js";
import { refusalOf } from "./push-refusal.js";
import { CREATE_POSITION_TABLE, checkMark, type RemoteMark, SET_POSITION } from "./remote-mark.js";

/**
 * Cascades are on the tape before the change that caused them, so a foreign key may be broken between two steps. A
 * remote that does not know the pragma checks at once; it may still accept the changes.
 */
const DEFER_FOREIGN_KEYS = "PRAGMA defer_foreign_keys = ON";

/** Statements of the batch before the first change: BEGIN, the pragma, the table of positions, the check of it. */
const STEPS_BEFORE = 4;

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
  changes: readonly PushStep[],
  expected: RemoteMark,
  position: TapePosition,
): Coroutine<SyncError | typeof POSITION_MOVED | undefined> {
  let rest = changes;
  for (;;) {
    const outcome = yield* sendOnce(clientId, rest, expected, position);
    if (outcome === undefined || outcome === POSITION_MOVED || outcome instanceof SyncError) return outcome;
    rest = rest.filter((step) => step !== outcome.done);
  }
}

/** As `sendPushBatch`, once; `done` is a step that the remote refused because it is done already. */
function* sendOnce(
  clientId: string,
  changes: readonly PushStep[],
  expected: RemoteMark,
  position: TapePosition,
): Coroutine<SyncError | typeof POSITION_MOVED | { readonly done: PushStep } | undefined> {
  const positionParams = [clientId, BigInt(position.pullGeneration), BigInt(position.changeId)];
  const statements: SqlStatement[] = [
    { sql: "BEGIN IMMEDIATE", params: [] },
    { sql: DEFER_FOREIGN_KEYS, params: [] },
    { sql: CREATE_POSITION_TABLE, params: [] },
    checkMark(clientId, expected),
    ...changes.map(({ statement }) => statement),
    { sql: SET_POSITION, params: positionParams },
    { sql: "COMMIT", params: [] },
  ];
  const steps = statements.map((statement, index): RemoteStep => {
    const previous = statements[index - 1];
    const condition: StepCondition =
      previous === undefined
        ? "always"
        : previous.sql === DEFER_FOREIGN_KEYS
          ? "in-transaction"
          : "previous-ok";
    return { sql: statement.sql, params: statement.params, condition, wantRows: false };
  });
  // A remote whose batches share a connection would keep what failed open.
  const rollback: RemoteStep = { sql: "ROLLBACK", params: [], condition: "in-transaction", wantRows: false };
  const results = yield* io.runRemoteBatch({ steps: [...steps, rollback], repeatable: false });
  const failed = steps.findIndex(
    ({ sql }, index) => sql !== DEFER_FOREIGN_KEYS && results[index]?.type !== "ok",
  );
  if (failed === -1) return undefined;
  const refused = results[failed];
  const isCheck = failed === STEPS_BEFORE - 1;
  if (isCheck && refused?.type === "error" && /constraint|unique/i.test(refused.message))
    return POSITION_MOVED;
  const step = changes[failed - STEPS_BEFORE];
  if (step !== undefined && isDone(step, results[failed])) return { done: step };
  const change = step?.change;
  const what =
    change === undefined
      ? "The remote refused the push"
      : change.type === "schema"
        ? `The remote refused the local schema change ${change.changeId}`
        : `The remote refused the local ${change.type} in ${change.shape.table} (change ${change.changeId})`;
  return refusalOf(results[failed], what, {
    ...(change !== undefined && { changeId: change.changeId }),
    ...(change !== undefined && change.type !== "schema" && { table: change.shape.table }),
  });
}

/** Adding a column that is there already is no failure: another replica was first. */
function isDone({ statement }: PushStep, result: RemoteStepResult | undefined): boolean {
  const addsColumn = /^\s*ALTER\s+TABLE\s.*\sADD\s/is.test(statement.sql);
  return addsColumn && result?.type === "error" && /duplicate|already exists/i.test(result.message);
}
