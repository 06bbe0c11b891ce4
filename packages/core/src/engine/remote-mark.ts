import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { RemoteStep, StepCondition } from "../ports/protocol-io.js";
import { hasChanges } from "../tape/read-tape.js";
import type { TapePosition } from "../tape/tape-position.js";
import { PUSH_POSITION_TABLE } from "../tape/tape-schema.js";
import type { SqlStatement, SqlValue } from "../values/sql-value.js";
import { refusalOf } from "./push-refusal.js";
import type { ReplicaSession } from "./replica-session.js";

/** What the remote has noted of a client. */
export interface RemoteMark {
  /** How far it has pushed; `undefined` when it never did. */
  readonly position: TapePosition | undefined;
  /** How often it has given up batches that may still arrive; `undefined` for never. */
  readonly fence: bigint | undefined;
}

export const CREATE_POSITION_TABLE: string = `CREATE TABLE IF NOT EXISTS ${PUSH_POSITION_TABLE} (client_id TEXT PRIMARY KEY, pull_gen INTEGER, change_id INTEGER)`;

/** Sets the position of a client; parameters: client id, pull generation, change id. */
export const SET_POSITION: string = `INSERT INTO ${PUSH_POSITION_TABLE} (client_id, pull_gen, change_id) VALUES (?, ?, ?) ON CONFLICT (client_id) DO UPDATE SET pull_gen = excluded.pull_gen, change_id = excluded.change_id`;

/** The fence is a row beside the client's own: the protocol's table has no column for it, and other clients ignore it. */
const fenceOf = (clientId: string): string => `${clientId}#fence`;

/** Asks the remote what it has noted of a client. */
export function* readRemoteMark(clientId: string): Coroutine<RemoteMark> {
  const sql = `SELECT client_id, pull_gen, change_id FROM ${PUSH_POSITION_TABLE} WHERE client_id = ? OR client_id = ?`;
  const params = [clientId, fenceOf(clientId)];
  const step: RemoteStep = { sql, params, condition: "always", wantRows: true };
  const [result] = yield* io.runRemoteBatch({ steps: [step], repeatable: true });
  if (result?.type === "error" && result.message.includes("no such table"))
    return { position: undefined, fence: undefined };
  if (result?.type !== "ok")
    throw refusalOf(result, "The remote did not tell how far it has the local changes");
  const own = result.rows.find(([id]) => id === clientId);
  const fence = result.rows.find(([id]) => id === fenceOf(clientId));
  return {
    position: own && { pullGeneration: Number(own[1]), changeId: Number(own[2]) },
    fence: fence && BigInt(String(fence[2])),
  };
}

/** Fails, by writing a row twice, unless the remote's mark of a client is the expected one. */
export function checkMark(clientId: string, { position, fence }: RemoteMark): SqlStatement {
  const own = isRow(
    clientId,
    position && { first: BigInt(position.pullGeneration), second: BigInt(position.changeId) },
  );
  const beside = isRow(fenceOf(clientId), fence === undefined ? undefined : { first: 0n, second: fence });
  return {
    sql: `INSERT INTO ${PUSH_POSITION_TABLE} (client_id, pull_gen, change_id) SELECT ?, 0, 0 FROM (SELECT 1 UNION ALL SELECT 2) WHERE NOT (${own.condition} AND ${beside.condition})`,
    params: [`${clientId}#check`, ...own.params, ...beside.params],
  };
}

/** Whether a row is there with these numbers, or is not there at all. */
function isRow(
  id: string,
  numbers: { readonly first: bigint; readonly second: bigint } | undefined,
): { readonly condition: string; readonly params: SqlValue[] } {
  const count = `(SELECT count(*) FROM ${PUSH_POSITION_TABLE} WHERE client_id = ?`;
  if (numbers === undefined) return { condition: `${count}) = 0`, params: [id] };
  const { first, second } = numbers;
  return { condition: `${count} AND pull_gen = ? AND change_id = ?) = 1`, params: [id, first, second] };
}

/**
 * Before a pull, where the outcome of a batch is not known: sees to it that the batch, should it still be on its way, is
 * refused from now on. The pull renumbers its changes, and the remote could not tell any more that it has them.
 */
export function* fenceLateBatches(session: ReplicaSession): Coroutine<void> {
  const { batchesSent } = session;
  if (session.unknownBatch === undefined) return;
  if (yield* hasChanges()) yield* raiseFence(session.metadata.clientId);
  // One that was sent meanwhile has read the fence before or after it was raised: nobody knows.
  if (session.unknownBatch <= batchesSent) session.unknownBatch = undefined;
}

function* raiseFence(clientId: string): Coroutine<void> {
  const { fence = 0n } = yield* readRemoteMark(clientId);
  const statements: readonly (SqlStatement & { readonly condition: StepCondition })[] = [
    { sql: "BEGIN IMMEDIATE", params: [], condition: "always" },
    { sql: CREATE_POSITION_TABLE, params: [], condition: "previous-ok" },
    { sql: SET_POSITION, params: [fenceOf(clientId), 0n, fence + 1n], condition: "previous-ok" },
    { sql: "COMMIT", params: [], condition: "previous-ok" },
    { sql: "ROLLBACK", params: [], condition: "in-transaction" },
  ];
  const steps = statements.map((statement) => ({ ...statement, wantRows: false }));
  try {
    const results = yield* io.runRemoteBatch({ steps, repeatable: true });
    const refused = results.slice(0, -1).find(({ type }) => type !== "ok");
    if (refused !== undefined) throw refusalOf(refused, "The remote did not note that a push was given up");
  } catch (error) {
    // Who may not write has no batch on its way that will be taken; pulling is all the same allowed.
    if (!(error instanceof SyncError) || error.blame !== "remote") throw error;
  }
}
