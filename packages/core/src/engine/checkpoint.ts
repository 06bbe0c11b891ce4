import type { Coroutine } from "../coroutine/coroutine.js";
import { type ReplicaSession, saveMetadata, underWriteLock } from "./replica-session.js";

/**
 * Saves the revert pages and moves the log into the database file, so that neither grows with the number of local
 * writes. When a reader stands in the way the log stays as it is; the next checkpoint tries again.
 */
export function* checkpoint(session: ReplicaSession): Coroutine<void> {
  yield* settle(session);
  const pages = yield* session.pages.checkpoint();
  if (pages !== session.metadata.pages) yield* saveMetadata(session, { pages });
}

/** Saves the synced image of every page that local changes have touched, and where they are. Durable. */
export function* settle(session: ReplicaSession): Coroutine<void> {
  const pages = yield* underWriteLock(session.config, () => session.pages.settle());
  if (!samePages(pages, session.metadata.pages)) yield* saveMetadata(session, { pages });
}

function samePages(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
