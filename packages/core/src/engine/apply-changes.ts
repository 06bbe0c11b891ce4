import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { namingEndpoint } from "../errors/naming-endpoint.js";
import { SyncError } from "../errors/sync-error.js";
import type { PublishPlan, SyncedPages } from "../ports/replica-pages.js";
import { KeptTape } from "../tape/kept-tape.js";
import { lastChangeId, readShapes } from "../tape/read-tape.js";
import { type ReplayJournal, ReplayJournalReader, ReplayJournalWriter } from "../tape/replay-journal.js";
import type { ReplaySource } from "../tape/replay-source.js";
import { TapeCursor } from "../tape/tape-cursor.js";
import { TAPE_FIXED_COLUMNS, TAPE_TABLE } from "../tape/tape-schema.js";
import { hexOf } from "../values/hex.js";
import { readCarriedStreams, writeStreams } from "./carry-streams.js";
import { dropPushedTape } from "./drop-pushed-tape.js";
import { hasContent } from "./keep-aside.js";
import { followPull, layOver } from "./lay-over.js";
import { hasTable, readLocalValue, readPulledPosition } from "./local-values.js";
import { commitReplay, replayTape } from "./replay-tape.js";
import type { ReplicaConfig } from "./replica-config.js";
import {
  beginWrite,
  catchUpMetadata,
  committing,
  type ReplicaSession,
  replicaFiles,
  saveMetadata,
} from "./replica-session.js";
import { witnessesOf } from "./same-history.js";
import type { PulledChanges } from "./wait-changes.js";

/**
 * Brings the replica from S(R) and local changes to S(R') and local changes. What each step leaves when the process
 * dies right after it is in docs/REPLICA.md; `finishApply` is what the next opening runs.
 *
 * From the publish to the end nothing waits for the outside, so with synchronous ports no other code of this process
 * sees the state between. Returns false, having done nothing, when the download is out of date: a push was sent since
 * it began, another apply happened, or the remote turns out to have gone back; then it has to be pulled again. Fails with
 * `database-busy` or `replay-conflict`; the replica is then as it was before. After another failure it is that, or what
 * is left to do is done before the next operation.
 */
export function* applyChanges(session: ReplicaSession, changes: PulledChanges): Coroutine<boolean> {
  const { config } = session;
  yield* resumeApply(session);
  // Without what was pushed meanwhile, the download would make the tape send it a second time.
  if (changes.since !== session.metadata.revision || changes.batchesSent !== session.batchesSent)
    return false;
  if (session.unknownBatch !== undefined) return false;
  let laidOver: SyncedPages | undefined;
  let kept: ReplaySource | undefined;
  yield* dropPushedTape(session, changes);
  yield* beginWrite(config);
  try {
    laidOver = yield* layOver(session, changes);
    if (laidOver === undefined) kept = yield* publish(session, changes);
  } finally {
    yield* io.executeSql("writer", "ROLLBACK");
  }
  if (laidOver !== undefined) {
    yield* followPull(session, changes, laidOver);
    return true;
  }
  try {
    yield* namingEndpoint(changes.endpoint, finishApply(session, true, kept));
  } catch (error) {
    // Undone: the next download is a whole one.
    if (error instanceof SyncError && error.code === "remote-went-back") return false;
    throw error;
  }
  session.remoteWentBack = false;
  return true;
}

/** Writes the tape to the journal and turns L into S(R'). Under the write lock. Gives the tape where it is not long. */
function* publish(session: ReplicaSession, changes: PulledChanges): Coroutine<ReplaySource | undefined> {
  const { pages } = session;
  yield* catchUpMetadata(session);
  const planning = pages.planPublish(changes.pages, changes.databaseSize);
  const plan = yield* namingEndpoint(changes.endpoint, planning);
  const kept = yield* writeJournal(session, plan, changes);
  // From here on the journal stays, whatever fails: whether the publish counts is seen from the log.
  session.applyPending = true;
  yield* pages.publish(plan, changes.pages, changes.databaseSize);
  return kept;
}

/** Finishes what an earlier apply of this session could not. Every operation begins with it. */
export function* resumeApply(session: ReplicaSession): Coroutine<void> {
  if (session.applyPending) yield* finishApply(session);
}

/**
 * Finishes an apply whose journal is there, whether it was begun by this process or one that died. Without a journal,
 * or when its publish did not happen, there is nothing to do: the local changes are still in the database. Fails with
 * the reason when the apply had to be undone; after any other failure the journal is still there, to try again.
 *
 * @param trusted Whether what the journal says of the synced pages may be believed; if not, they are forgotten.
 * @param kept What the journal holds, where that was just written.
 */
export function* finishApply(session: ReplicaSession, trusted = true, kept?: ReplaySource): Coroutine<void> {
  const path = replicaFiles(session.config.path).journal;
  // Already now: a journal that cannot be read at the moment may be the only copy of the local changes.
  session.applyPending = true;
  const reader = kept ?? (yield* ReplayJournalReader.open(path));
  let reasonOfUndo: unknown;
  if (reader === undefined) yield* checkIsNotNeeded(path);
  else {
    try {
      reasonOfUndo = yield* completeApply(session, reader, trusted);
    } finally {
      yield* reader.close();
    }
  }
  // Only now: until here it may be the only copy of the local changes.
  yield* io.removeFile(path);
  session.applyPending = false;
  if (reasonOfUndo !== undefined) throw reasonOfUndo;
}

/**
 * A journal that was not finished, or cannot be read, is needed if its publish has happened: then the tape is only there.
 * A tape in the database says that it has not, or that the replay has happened too.
 */
function* checkIsNotNeeded(path: string): Coroutine<void> {
  if (!(yield* hasContent(path)) || (yield* hasTable(TAPE_TABLE))) return;
  throw new SyncError(
    "damaged-file",
    `${path} cannot be read to its end. It is the only copy of local changes: keep all files of the replica.`,
    { path },
  );
}

/** The steps after the publish. Returns why they were undone; `undefined` when they were not. */
function* completeApply(session: ReplicaSession, reader: ReplaySource, trusted: boolean): Coroutine<unknown> {
  const { pages } = session;
  const { journal } = reader;
  const isPublished = yield* pages.isPublished(journal.plan);
  if (isPublished) yield* pages.renewGuard();
  // A tape that is there is the one that was replayed, or the old one: not published yet, or come back with an undo.
  const hasTape = (yield* readLocalValue("clientId")) === journal.clientId;
  const isReplayed = hasTape && (yield* readLocalValue("journalId")) === journal.id;
  // An undo appends to the log. Without one, a tape that is not the replayed one has come with the published pages.
  const cameWithPages =
    hasTape && !isReplayed && isPublished && (yield* pages.logFrames()) === journal.plan.end.frames;
  if (!hasTape || cameWithPages) {
    const reasonOfUndo = yield* replayOrUndo(session, reader);
    session.remoteWentBack ||= reasonOfUndo instanceof SyncError && reasonOfUndo.code === "remote-went-back";
    if (reasonOfUndo !== undefined) return reasonOfUndo;
  } else if (!isReplayed) {
    if (isPublished) yield* finishUndo(session);
    return undefined;
  }
  const isKnown = trusted && isPublished;
  // Otherwise a power cut has brought a journal back that was done with: what is known may be of a later log than its plan.
  const { revision, finishedJournal } = session.metadata;
  // A whole download may bring another state under the same name: revisions that only count come again after a restore.
  const isNew = (journal.full || revision !== journal.revision) && finishedJournal !== journal.id;
  if (!isKnown) yield* pages.forget();
  else if (isNew) yield* pages.adopt(journal.plan);
  const repeatedUpTo = yield* lastChangeId();
  // Where nothing was repeated, and nobody has written since.
  if (isKnown && isNew && !isReplayed && repeatedUpTo === 0) yield* pages.markRest();
  session.earlierBoundaries = [];
  session.tape = { repeatedUpTo, sentUpTo: 0 };
  yield* saveMetadata(session, {
    ...(isNew && { revision: journal.revision, witnesses: journal.witnesses }),
    ...(!isKnown && { revision: undefined }),
    pages: pages.synced,
    finishedJournal: journal.id,
    pushedChangeId: 0,
    lastPullAt: yield* io.now(),
  });
  yield* pages.dropRevertPages();
  yield* io.refreshCapture("app");
  return undefined;
}

/** Replays the journal on what was published; when that cannot be, puts the pages back as they were and returns why. */
function* replayOrUndo(session: ReplicaSession, reader: ReplaySource): Coroutine<unknown> {
  const { config, pages } = session;
  yield* beginWriteFirmly(config);
  try {
    if (yield* hasTable(TAPE_TABLE)) throw servesAReplica();
    yield* replayTape(config, reader);
    yield* commitReplay();
    return undefined;
  } catch (error) {
    yield* io.executeSql("writer", "ROLLBACK");
    yield* beginWriteFirmly(config);
    try {
      yield* pages.undoPublish(reader.journal.plan);
    } finally {
      yield* io.executeSql("writer", "ROLLBACK");
    }
    yield* finishUndo(session);
    return error;
  }
}

/** The remote database has a tape, so it is the file of a replica: its local changes would be taken for this one's. */
export function servesAReplica(): SyncError {
  return new SyncError(
    "unexpected-response",
    `The remote database has a table ${TAPE_TABLE}: it is the file of a replica, not a database of its own. Serve a copy without the tables that begin with tributary_.`,
  );
}

/** The pages are as they were; what is kept beside them follows. */
function* finishUndo(session: ReplicaSession): Coroutine<void> {
  const { config, pages } = session;
  yield* pages.renewGuard();
  yield* saveMetadata(session, { pages: pages.synced });
  yield* beginWriteFirmly(config);
  yield* committing(io.refreshCapture("writer"));
  yield* io.refreshCapture("app");
}

/** How long the next step waits, without letting other code run, for the locks of other processes. Milliseconds. */
const FIRM_WAIT_MS = 1_000;

/**
 * As `beginWrite`, between steps that belong together: it does not let go of the turn unless it must, and who aborts
 * the operation has to wait for their end.
 */
function* beginWriteFirmly(config: ReplicaConfig): Coroutine<void> {
  if (yield* io.tryBeginWrite(FIRM_WAIT_MS)) return;
  try {
    yield* beginWrite(config);
  } catch (error) {
    if (!(error instanceof SyncError) || error.code !== "aborted") throw error;
    yield* beginWrite(config);
  }
}

function* writeJournal(
  session: ReplicaSession,
  plan: PublishPlan,
  { revision, full, pages }: PulledChanges,
): Coroutine<ReplaySource | undefined> {
  const { clientId } = session.metadata;
  const last = yield* lastChangeId();
  const shapes = yield* readShapes();
  const columns = yield* io.querySql("writer", `SELECT count(*) FROM pragma_table_info('${TAPE_TABLE}')`);
  const streams = yield* readCarriedStreams(last);
  const journal: ReplayJournal = {
    id: hexOf(yield* io.randomBytes(16)),
    revision,
    plan,
    full,
    witnesses: witnessesOf(pages.pageNumbers),
    position: yield* readPulledPosition(clientId),
    clientId,
    lastChangeId: last,
    pullGeneration: Number(yield* readLocalValue("pullGeneration")),
    tapeValues: Number(columns[0]?.[0]) - TAPE_FIXED_COLUMNS.length,
    shapes: [...shapes],
    ...(streams !== undefined && { streams }),
  };
  const cursor = new TapeCursor(0, last, shapes);
  const kept = new KeptTape(journal);
  const fill = function* (writer: ReplayJournalWriter): Coroutine<void> {
    for (let rows = yield* cursor.next(); rows.length > 0; rows = yield* cursor.next()) {
      kept.add(rows);
      yield* writer.add(rows);
    }
  };
  const fillStreams = streams && ((writer: ReplayJournalWriter) => writeStreams(session, writer, streams));
  yield* ReplayJournalWriter.write(replicaFiles(session.config.path).journal, journal, fill, fillStreams);
  return kept.isWhole && streams === undefined ? kept : undefined;
}
