import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { namingEndpoint } from "../errors/naming-endpoint.js";
import { SyncError } from "../errors/sync-error.js";
import type { PublishPlan } from "../ports/replica-pages.js";
import { lastChangeId, readShapes, readTapeRows } from "../tape/read-tape.js";
import { type ReplayJournal, ReplayJournalReader, ReplayJournalWriter } from "../tape/replay-journal.js";
import { TAPE_FIXED_COLUMNS, TAPE_TABLE } from "../tape/tape-schema.js";
import { hexOf } from "../values/hex.js";
import { hasTable, readLocalValue } from "./local-values.js";
import { commitReplay, replayTape } from "./replay-tape.js";
import { beginWrite, type ReplicaSession, replicaFiles, saveMetadata } from "./replica-session.js";
import type { PulledChanges } from "./wait-changes.js";

/**
 * Brings the replica from S(R) and local changes to S(R') and local changes. What each step leaves when the process
 * dies right after it is in docs/REPLICA.md; `finishApply` is what the next opening runs.
 *
 * From the publish to the end nothing waits for the outside, so with synchronous ports no other code of this process
 * sees the state between. Fails with `database-busy` or `replay-conflict`; the replica is then as it was before.
 */
export function* applyChanges(session: ReplicaSession, changes: PulledChanges): Coroutine<void> {
  const { config, pages } = session;
  if (changes.since !== session.metadata.revision) {
    throw new SyncError("internal", "Changes of another revision were about to be applied.");
  }
  yield* beginWrite(config);
  try {
    const planning = pages.planPublish(changes.pages, changes.databaseSize);
    const plan = yield* namingEndpoint(changes.endpoint, planning);
    yield* writeJournal(session, plan, changes.revision);
    // On a failure the journal stays: whether the publish counts is seen from the log, not from this run.
    yield* pages.publish(plan, changes.pages, changes.databaseSize);
  } finally {
    yield* io.executeSql("writer", "ROLLBACK");
  }
  yield* namingEndpoint(changes.endpoint, finishApply(session));
}

/**
 * Finishes an apply whose journal is there, whether it was begun by this process or one that died. Without a journal,
 * or when its publish did not happen, there is nothing to do: the local changes are still in the database.
 */
export function* finishApply(session: ReplicaSession): Coroutine<void> {
  const { pages, config } = session;
  const path = replicaFiles(config.path).journal;
  const reader = yield* ReplayJournalReader.open(path);
  if (reader === undefined) return;
  const { journal } = reader;
  try {
    if (!(yield* pages.isPublished(journal.plan))) return;
    yield* pages.renewGuard();
    // A tape that is there is the one that was replayed, or the old one that came back when the publish was undone.
    const replayed = yield* hasTable(TAPE_TABLE);
    if (replayed && (yield* readLocalValue("journalId")) !== journal.id) return;
    if (!replayed) yield* replayOrUndo(session, reader);
    yield* pages.adopt(journal.plan);
    session.earlierBoundaries = [];
    yield* saveMetadata(session, {
      revision: journal.revision,
      pages: pages.synced,
      settled: undefined,
      pushedChangeId: 0,
      lastPullAt: yield* io.now(),
    });
    yield* pages.dropRevertPages();
    yield* io.refreshCapture("app");
  } finally {
    yield* reader.close();
    yield* io.removeFile(path);
  }
}

/** Replays the journal on what was published; when that cannot be, puts the pages back as they were. */
function* replayOrUndo(session: ReplicaSession, reader: ReplayJournalReader): Coroutine<void> {
  const { config, pages } = session;
  yield* beginWrite(config);
  try {
    yield* replayTape(config, reader);
    yield* commitReplay();
  } catch (error) {
    yield* io.executeSql("writer", "ROLLBACK");
    yield* beginWrite(config);
    yield* pages.undoPublish(reader.journal.plan);
    yield* io.executeSql("writer", "ROLLBACK");
    yield* pages.renewGuard();
    yield* saveMetadata(session, { pages: pages.synced });
    yield* beginWrite(config);
    yield* io.refreshCapture("writer");
    yield* io.executeSql("writer", "COMMIT");
    yield* io.refreshCapture("app");
    throw error;
  }
}

function* writeJournal(session: ReplicaSession, plan: PublishPlan, revision: string): Coroutine<void> {
  const shapes = yield* readShapes();
  const columns = yield* io.querySql("writer", `SELECT count(*) FROM pragma_table_info('${TAPE_TABLE}')`);
  const journal: ReplayJournal = {
    id: hexOf(yield* io.randomBytes(16)),
    revision,
    plan,
    clientId: session.metadata.clientId,
    pullGeneration: Number(yield* readLocalValue("pullGeneration")),
    tapeValues: Number(columns[0]?.[0]) - TAPE_FIXED_COLUMNS.length,
    shapes: [...shapes],
  };
  const writer = yield* ReplayJournalWriter.create(replicaFiles(session.config.path).journal, journal);
  const last = yield* lastChangeId();
  for (let after = 0; after < last; ) {
    const rows = yield* readTapeRows(after, last, shapes);
    yield* writer.add(rows);
    after = Number(rows.at(-1)?.[0] ?? last);
  }
  yield* writer.finish();
}
