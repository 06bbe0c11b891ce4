import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import { lastChangeId } from "../tape/read-tape.js";
import { resumeApply } from "./apply-changes.js";
import { checkpoint } from "./checkpoint.js";
import { hasContent } from "./keep-aside.js";
import { setLocalValue } from "./local-values.js";
import { abandonSession } from "./open-session.js";
import {
  beginWrite,
  committing,
  FORGOTTEN,
  hidesSyncedPages,
  type ReplicaSession,
  replicaFiles,
  saveMetadata,
} from "./replica-session.js";
import { tapeBoundaries } from "./tape-boundaries.js";

/** Closes a replica so that closing loses nothing. Fails with `database-busy`, leaving the replica open. */
export function* closeReplica(session: ReplicaSession): Coroutine<void> {
  yield* closeSession(session);
  yield* io.releaseLock();
}

/** As `closeReplica`, and keeps the lock. */
export function* closeSession(session: ReplicaSession): Coroutine<void> {
  try {
    yield* resumeApply(session);
  } catch (error) {
    if (error instanceof SyncError && error.code === "database-busy") throw error;
    // What cannot be finished now is left to the next opening, journal and log as they are, and does not keep it open.
    if (session.applyPending) return yield* abandonSession(session);
  }
  const boundaries = yield* tapeBoundaries(session);
  if (boundaries.length > session.earlierBoundaries.length) {
    yield* beginWrite(session.config);
    yield* committing(io.runSql([setLocalValue("boundaries", JSON.stringify(boundaries))]));
  }
  try {
    // SQLite would checkpoint when the last connection closes: done here, the revert pages and the stamp are saved too.
    yield* checkpoint(session);
  } catch (error) {
    if (!hidesSyncedPages(error)) throw error;
    yield* saveMetadata(session, FORGOTTEN);
  }
  const rests = (yield* lastChangeId()) === 0 && (yield* session.pages.rests());
  yield* io.closeConnections();
  try {
    yield* session.pages.close();
    yield* saveClosed(session, rests);
  } catch (error) {
    // It is closed all the same. What could not be saved, the next opening finds out and says in `recovered`.
    if (!(error instanceof SyncError) || error.code !== "io-failed") throw error;
  }
}

function* saveClosed(session: ReplicaSession, rests: boolean): Coroutine<void> {
  const { pages } = session.metadata;
  const logIsGone = !(yield* hasContent(replicaFiles(session.config.path).log));
  // With the last connection SQLite has moved what was left into the file; it was settled.
  yield* saveMetadata(session, {
    closed: session.unknownBatch === undefined,
    // What is left in the log cannot be told from what somebody writes there later.
    rests: rests && logIsGone,
    pages: logIsGone ? { ...pages, watermark: undefined } : pages,
  });
}
