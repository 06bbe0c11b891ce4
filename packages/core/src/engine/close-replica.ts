import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { resumeApply } from "./apply-changes.js";
import { settle } from "./checkpoint.js";
import { setLocalValue } from "./local-values.js";
import {
  beginWrite,
  committing,
  FORGOTTEN,
  hidesSyncedPages,
  type ReplicaSession,
  saveMetadata,
} from "./replica-session.js";
import { tapeBoundaries } from "./tape-boundaries.js";

/**
 * Closes a replica so that closing loses nothing: SQLite checkpoints when the last connection closes, so the revert
 * pages are saved first. Fails with `database-busy`, leaving the replica open.
 */
export function* closeReplica(session: ReplicaSession): Coroutine<void> {
  yield* resumeApply(session);
  const boundaries = yield* tapeBoundaries(session);
  if (boundaries.length > session.earlierBoundaries.length) {
    yield* beginWrite(session.config);
    yield* committing(io.runSql([setLocalValue("boundaries", JSON.stringify(boundaries))]));
  }
  try {
    yield* settle(session);
  } catch (error) {
    if (!hidesSyncedPages(error)) throw error;
    session.metadata = { ...session.metadata, ...FORGOTTEN };
  }
  // Hints that were changed without being saved.
  yield* saveMetadata(session, {});
  yield* io.closeConnections();
  yield* session.pages.close();
  yield* io.releaseLock();
}
