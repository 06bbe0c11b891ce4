import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import { coalesceChanges } from "../replay/coalesce-changes.js";
import { statementsOf } from "../replay/transform.js";
import { parseTapeRow, readShapes, type Shapes } from "../tape/read-tape.js";
import type { TapeChange } from "../tape/tape-change.js";
import { rowBytes, TapeCursor } from "../tape/tape-cursor.js";
import { isBefore, type TapePosition } from "../tape/tape-position.js";
import { resumeApply } from "./apply-changes.js";
import { isLocalOnly } from "./local-only.js";
import { onOneState, readPulledPosition, readTapeEnd } from "./local-values.js";
import { POSITION_MOVED, type PushSteps, sendPushBatch } from "./push-batch.js";
import { type RemoteMark, readRemoteMark } from "./remote-mark.js";
import { hasPushesOfOthers, isElsewhere, pushedOf } from "./replay-tape.js";
import type { ReplicaConfig } from "./replica-config.js";
import type { ReplicaSession } from "./replica-session.js";
import { nextBoundary, tapeBoundaries } from "./tape-boundaries.js";

/** What a push did. */
export interface PushResult {
  /** Local changes that this push has sent and the remote has taken. */
  readonly changes: number;
}

/** A batch also ends, between local transactions, where its values have this many bytes. */
const BATCH_BYTES = 8 * 1024 * 1024;

/**
 * Sends the local changes that the remote does not have, in batches that each commit whole, with how far they reach.
 * An answer that is lost is harmless: the next attempt asks the remote how far it got, and a batch that is still on its
 * way then finds that the position has moved. Where the last batch of this session was taken, the remote is not asked: the
 * next batch is refused should it be elsewhere by now.
 *
 * Fails with `remote-sql-failed` when the remote refuses a change: everything of that batch stays pending.
 */
export function* pushChanges(session: ReplicaSession): Coroutine<PushResult> {
  yield* resumeApply(session);
  const tape = yield* onOneState(readTape(session));
  if (tape.last === 0) return { changes: 0 };
  let changes = 0;
  const onTaken = (count: number): void => {
    changes += count;
  };
  for (let attempt = 1; ; attempt++) {
    const known = knownMark(session, tape);
    try {
      const mark = known ?? (yield* readRemoteMark(session.metadata.clientId));
      const outcome = yield* pushFrom(session, tape, mark, onTaken);
      if (outcome !== POSITION_MOVED) return { changes };
      // Where the remote was not asked, it is now.
      if (known === undefined && attempt >= session.config.pushAttempts) throw positionKeepsMoving();
    } catch (error) {
      const again = error instanceof SyncError && (error.code === "unreachable" || error.code === "timeout");
      if (!again || attempt >= session.config.pushAttempts) throw error;
      yield* io.sleep(100 * 2 ** attempt);
    }
  }
}

/** The tape as it was when the push began; what is written later is for the next one. */
interface PushedTape {
  readonly pullGeneration: number;
  readonly last: number;
  readonly boundaries: readonly number[];
  readonly shapes: Shapes;
  /** How far the pushes have come that pulls have brought back; no pull is applied while a push runs. */
  readonly pulled: TapePosition | undefined;
}

function* readTape(session: ReplicaSession): Coroutine<PushedTape> {
  const end = (yield* readTapeEnd()) as TapePosition;
  return {
    pullGeneration: end.pullGeneration,
    last: end.changeId,
    boundaries: yield* tapeBoundaries(session),
    shapes: yield* readShapes(),
    pulled: yield* readPulledPosition(session.metadata.clientId),
  };
}

/**
 * What the last batch has left at the remote, where that saves asking it; `undefined`: it is to be asked, because nobody
 * knows or there is nothing to send.
 */
function knownMark(
  { remoteMark }: ReplicaSession,
  { pullGeneration, last, pulled }: PushedTape,
): RemoteMark | undefined {
  const first = remoteMark && pushedOf({ pullGeneration, lastChangeId: last }, remoteMark.position);
  if (first === undefined || first >= last) return undefined;
  // A copy of the replica may have gone on since: its pushes have come with a pull.
  return isBefore(remoteMark?.position, pulled) ? undefined : remoteMark;
}

/** Sends what the remote does not have, if that is where it is. */
function* pushFrom(
  session: ReplicaSession,
  tape: PushedTape,
  mark: RemoteMark,
  onTaken: (changes: number) => void,
): Coroutine<typeof POSITION_MOVED | undefined> {
  const { config } = session;
  const { pullGeneration, last } = tape;
  const { clientId } = session.metadata;
  let expected = mark;
  const first = pushedOf({ pullGeneration, lastChangeId: last }, expected.position);
  if (first === undefined || hasPushesOfOthers(tape.pulled, pullGeneration)) throw isElsewhere(clientId);
  // It was restored from a backup. What it has lost of this tape is sent again; the next pull has to be a whole one.
  session.remoteWentBack ||= isBefore(expected.position, tape.pulled);
  for (let done = first; done < last; ) {
    const { until, changes } = yield* readBatch(config, done, tape);
    const position = { pullGeneration, changeId: until };
    session.tape.sentUpTo = until;
    const sent = yield* pushBatch(session, changes, expected, position);
    if (sent === POSITION_MOVED) return sent;
    if (sent > 0) expected = { ...expected, position };
    done = until;
    onTaken(sent);
    session.metadata = { ...session.metadata, pushedChangeId: done };
    config.onProgress?.({ phase: "push", done: done - first, total: last - first });
  }
  session.metadata = { ...session.metadata, pushedChangeId: last, lastPushAt: yield* io.now() };
  return undefined;
}

/** What is to be sent of the changes after a change id, up to the first boundary at which they are enough. */
function* readBatch(
  config: ReplicaConfig,
  after: number,
  { last, boundaries, shapes }: PushedTape,
): Coroutine<{ readonly until: number; readonly changes: TapeChange[] }> {
  const changes: TapeChange[] = [];
  const cursor = new TapeCursor(after, last, shapes);
  let count = 0;
  let bytes = 0;
  for (let rows = yield* cursor.next(); rows.length > 0; rows = yield* cursor.next()) {
    for (const row of rows) {
      const change = parseTapeRow(row, shapes);
      if (!change.parked && !isLocalOnly(change, config.ignoreTables)) changes.push(change);
      count += 1;
      bytes += rowBytes(row);
      const isEnough = count >= config.pushOperationsThreshold || bytes >= BATCH_BYTES;
      if (isEnough && nextBoundary(boundaries, change.changeId) === change.changeId) {
        return { until: change.changeId, changes };
      }
    }
  }
  return { until: last, changes };
}

/**
 * Sends one batch; returns how many changes it had. When the remote refuses it for a constraint, the net changes are
 * tried once: a row that was mended after it had been written wrongly passes that way.
 */
function* pushBatch(
  session: ReplicaSession,
  changes: readonly TapeChange[],
  expected: RemoteMark,
  position: TapePosition,
): Coroutine<number | typeof POSITION_MOVED> {
  const { config } = session;
  const steps = stepsOf(config, changes);
  // A position alone is not worth a commit that all replicas would then have to pull.
  if (steps.changes.length === 0) return 0;
  const refusal = yield* sendNoting(session, steps, expected, position);
  if (refusal === undefined) return steps.changes.length;
  if (refusal === POSITION_MOVED) return refusal;
  const netChanges = coalesceChanges(changes);
  if (!/constraint/i.test(refusal.message) || netChanges.length === changes.length) throw refusal;
  const netSteps = stepsOf(config, netChanges);
  const second = yield* sendNoting(session, netSteps, expected, position);
  if (second === POSITION_MOVED) return second;
  if (second !== undefined) throw second;
  return netSteps.changes.length;
}

/** Sends a batch, and notes in the session whether its outcome is known. */
function* sendNoting(
  session: ReplicaSession,
  steps: PushSteps,
  expected: RemoteMark,
  position: TapePosition,
): Coroutine<SyncError | typeof POSITION_MOVED | undefined> {
  const batch = ++session.batchesSent;
  session.remoteMark = undefined;
  let outcome: SyncError | typeof POSITION_MOVED | undefined;
  try {
    outcome = yield* sendPushBatch(session.metadata.clientId, steps, expected, position);
  } catch (error) {
    session.unknownBatch = batch;
    throw error;
  }
  // The position has moved, so whatever of the batches before is still on its way will be refused.
  if (outcome === undefined || outcome === POSITION_MOVED) session.unknownBatch = undefined;
  if (outcome === undefined) session.remoteMark = { ...expected, position };
  return outcome;
}

function stepsOf(config: ReplicaConfig, changes: readonly TapeChange[]): PushSteps {
  const statements = statementsOf(changes, config.transform, () => ({}));
  return {
    changes: changes.filter((_, index) => statements[index] !== undefined),
    statements: statements.filter((statement) => statement !== undefined),
  };
}

function positionKeepsMoving(): SyncError {
  return new SyncError(
    "unexpected-response",
    "The position of this client at the remote keeps changing while it pushes: a copy of the replica may be in use elsewhere. The changes stay pending.",
  );
}
