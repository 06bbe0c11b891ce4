import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { TapePosition } from "../metadata/replica-metadata.js";
import { coalesceChanges } from "../replay/coalesce-changes.js";
import { statementsOf } from "../replay/transform.js";
import { parseTapeRow, readShapes, readTapeRows, type Shapes } from "../tape/read-tape.js";
import type { RowChange, TapeChange } from "../tape/tape-change.js";
import type { SqlStatement } from "../values/sql-value.js";
import { resumeApply } from "./apply-changes.js";
import { isLocalOnly } from "./local-only.js";
import { readTapeEnd } from "./local-values.js";
import { readRemotePosition, sendPushBatch } from "./push-batch.js";
import type { ReplicaConfig } from "./replica-config.js";
import type { ReplicaSession } from "./replica-session.js";
import { nextBoundary, tapeBoundaries } from "./tape-boundaries.js";

/** What a push did. */
export interface PushResult {
  /** Changes that the remote has taken, those of an attempt whose answer was lost included. */
  readonly changes: number;
}

/** A change and the statement that repeats it on the remote. */
export interface PushStep {
  readonly change: TapeChange;
  readonly statement: SqlStatement;
}

/**
 * Sends the local changes that the remote does not have, in batches that each commit whole, with how far they reach.
 * An answer that is lost is harmless: the next attempt asks the remote how far it got.
 *
 * Fails with `remote-sql-failed` when the remote refuses a change: everything of that batch stays pending.
 */
export function* pushChanges(session: ReplicaSession): Coroutine<PushResult> {
  const { config } = session;
  yield* resumeApply(session);
  const { pullGeneration, changeId: last } = (yield* readTapeEnd()) as TapePosition;
  if (last === 0) return { changes: 0 };
  const boundaries = yield* tapeBoundaries(session);
  const shapes = yield* readShapes();
  let first: number | undefined;
  for (let attempt = 1; ; attempt++) {
    try {
      const remote = yield* readRemotePosition(session.metadata.clientId);
      let done = startOf(remote, pullGeneration);
      first ??= done;
      while (done < last) {
        const until = Math.min(nextBoundary(boundaries, done + config.pushOperationsThreshold) ?? last, last);
        const changes = yield* readChanges(done, until, shapes);
        yield* pushBatch(session, changes, { pullGeneration, changeId: until });
        done = until;
        session.metadata = { ...session.metadata, pushedChangeId: done };
        config.onProgress?.({ phase: "push", done: done - first, total: last - first });
      }
      session.metadata = { ...session.metadata, pushedChangeId: last, lastPushAt: yield* io.now() };
      return { changes: last - first };
    } catch (error) {
      const again = error instanceof SyncError && (error.code === "unreachable" || error.code === "timeout");
      if (!again || attempt >= config.pushAttempts) throw error;
      yield* io.sleep(100 * 2 ** attempt);
    }
  }
}

/** Where on the tape to begin. */
function startOf(remote: TapePosition | undefined, pullGeneration: number): number {
  if (remote === undefined || remote.pullGeneration < pullGeneration) return 0;
  if (remote.pullGeneration === pullGeneration) return remote.changeId;
  throw new SyncError(
    "pull-generation-ahead",
    `The remote has pull generation ${remote.pullGeneration} of this client, the replica ${pullGeneration}: a copy of the replica may be in use elsewhere, or an older one was restored.`,
  );
}

function* readChanges(after: number, until: number, shapes: Shapes): Coroutine<TapeChange[]> {
  const changes: TapeChange[] = [];
  for (let done = after; done < until; ) {
    const rows = yield* readTapeRows(done, until, shapes);
    for (const row of rows) changes.push(parseTapeRow(row, shapes));
    done = Number(rows.at(-1)?.[0] ?? until);
  }
  return changes;
}

/**
 * Sends one batch. When the remote refuses it for a constraint, the net changes are tried once: a row that was mended
 * after it had been written wrongly passes that way.
 */
function* pushBatch(
  session: ReplicaSession,
  all: readonly TapeChange[],
  position: TapePosition,
): Coroutine<void> {
  const { config, metadata } = session;
  const changes = all.filter((change) => !change.parked && !isLocalOnly(change, config.ignoreTables));
  const refusal = yield* sendPushBatch(metadata.clientId, stepsOf(config, changes), position);
  if (refusal === undefined) return;
  const netChanges = coalesceChanges(changes);
  if (!/constraint/i.test(refusal.message) || netChanges.length === changes.length) throw refusal;
  const second = yield* sendPushBatch(metadata.clientId, stepsOf(config, netChanges), position);
  if (second !== undefined) throw second;
}

function stepsOf(config: ReplicaConfig, changes: readonly TapeChange[]): PushStep[] {
  const rows = changes.filter((change): change is RowChange => change.type !== "schema");
  const statements = statementsOf(rows, config.transform, () => ({})).values();
  return changes.flatMap((change) => {
    const statement: SqlStatement | undefined =
      change.type === "schema" ? { sql: change.sql, params: [] } : statements.next().value;
    return statement === undefined ? [] : [{ change, statement }];
  });
}
