import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { RemoteStep, RemoteStepResult, StepCondition } from "../ports/protocol-io.js";
import type { TapePosition } from "../tape/tape-position.js";
import { PUSH_POSITION_TABLE } from "../tape/tape-schema.js";
import type { SqlStatement } from "../values/sql-value.js";
import type { PushStep } from "./push-changes.js";

/** Asks the remote how far a client has pushed; `undefined` when it never did. */
export function* readRemotePosition(clientId: string): Coroutine<TapePosition | undefined> {
  const sql = `SELECT pull_gen, change_id FROM ${PUSH_POSITION_TABLE} WHERE client_id = ?`;
  const step: RemoteStep = { sql, params: [clientId], condition: "always", wantRows: true };
  const [result] = yield* io.runRemoteBatch({ steps: [step], repeatable: true });
  if (result?.type === "error" && result.message.includes("no such table")) return undefined;
  if (result?.type !== "ok")
    throw refusalOf(result, "The remote did not tell how far it has the local changes");
  const [row] = result.rows;
  return row === undefined ? undefined : { pullGeneration: Number(row[0]), changeId: Number(row[1]) };
}

const CREATE_POSITION_TABLE = `CREATE TABLE IF NOT EXISTS ${PUSH_POSITION_TABLE} (client_id TEXT PRIMARY KEY, pull_gen INTEGER, change_id INTEGER)`;
const SET_POSITION = `INSERT INTO ${PUSH_POSITION_TABLE} (client_id, pull_gen, change_id) VALUES (?, ?, ?) ON CONFLICT (client_id) DO UPDATE SET pull_gen = excluded.pull_gen, change_id = excluded.change_id`;

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
 * Fails, by writing the row of a client twice, when its position is not the expected one. A position that is gone is
 * another one too: a remote that was put back to an earlier state has lost what came before this batch.
 */
function checkPosition(clientId: string, expected: TapePosition | undefined): SqlStatement {
  const into = `INSERT INTO ${PUSH_POSITION_TABLE} (client_id, pull_gen, change_id) SELECT`;
  if (expected === undefined) {
    const copy = `${into} client_id, pull_gen, change_id FROM ${PUSH_POSITION_TABLE} WHERE client_id = ?`;
    return { sql: copy, params: [clientId] };
  }
  const position = [clientId, BigInt(expected.pullGeneration), BigInt(expected.changeId)];
  const count = `SELECT count(*) FROM ${PUSH_POSITION_TABLE} WHERE client_id = ? AND pull_gen = ? AND change_id = ?`;
  const twice = `${into} ?, ?, ? FROM (SELECT 1 UNION ALL SELECT 2) WHERE (${count}) = 0`;
  return { sql: twice, params: [...position, ...position] };
}

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
  expected: TapePosition | undefined,
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
  expected: TapePosition | undefined,
  position: TapePosition,
): Coroutine<SyncError | typeof POSITION_MOVED | { readonly done: PushStep } | undefined> {
  const positionParams = [clientId, BigInt(position.pullGeneration), BigInt(position.changeId)];
  const statements: SqlStatement[] = [
    { sql: "BEGIN IMMEDIATE", params: [] },
    { sql: DEFER_FOREIGN_KEYS, params: [] },
    { sql: CREATE_POSITION_TABLE, params: [] },
    checkPosition(clientId, expected),
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
  if (failed === STEPS_BEFORE - 1) return POSITION_MOVED;
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

function refusalOf(
  result: RemoteStepResult | undefined,
  what: string,
  details: { readonly changeId?: number; readonly table?: string } = {},
): SyncError {
  if (result?.type !== "error") {
    return new SyncError(
      "unexpected-response",
      `${what}: a statement was not run, and no reason was given.`,
      details,
    );
  }
  if (/^SQLITE_BUSY/.test(result.sqlCode ?? "") || /database is (locked|busy)/i.test(result.message)) {
    // Nothing is wrong with the change: it is the same as a server that takes too long.
    return new SyncError(
      "timeout",
      `Another transaction kept the remote's database locked: ${result.message}.`,
    );
  }
  return new SyncError("remote-sql-failed", `${what}: ${result.message}. The change stays pending.`, {
    ...details,
    ...(result.sqlCode !== undefined && { sqlCode: result.sqlCode }),
  });
}
