import type { Coroutine } from "../coroutine/coroutine.js";
import { resumeApply } from "./apply-changes.js";
import { catchUpMetadata, type ReplicaSession, saveMetadata, underWriteLock } from "./replica-session.js";

/**
 * Saves the revert pages and moves the log into the database file, so that neither grows with the number of local
 * writes. When a reader stands in the way the log stays as it is; the next checkpoint tries again. With a
 * `lockTimeoutMs` of 0 it waits for nothing, so that it can run synchronously; not while an apply is pending.
 */
export function* checkpoint(session: ReplicaSession, lockTimeoutMs?: number): Coroutine<void> {
  yield* resumeApply(session);
  yield* settle(session, lockTimeoutMs);
  // Always saved: the database file has another stamp now.
  yield* saveMetadata(session, { pages: yield* session.pages.checkpoint() });
}

/** Saves the synced image of every page that local changes have touched, and where they are. Durable. */
export function* settle(session: ReplicaSession, lockTimeoutMs?: number): Coroutine<void> {
  yield* catchUpMetadata(session);
  const pages = yield* underWriteLock(session.config, () => session.pages.settle(), lockTimeoutMs);
  if (JSON.stringify(pages) !== JSON.stringify(session.metadata.pages))
    yield* saveMetadata(session, { pages });
}
