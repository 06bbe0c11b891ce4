import type { Coroutine } from "../coroutine/coroutine.js";
import type { ReplicaMetadata } from "../metadata/replica-metadata.js";
import { resumeApply } from "./apply-changes.js";
import { readTapeEnd } from "./local-values.js";
import { type ReplicaSession, saveMetadata, underWriteLock } from "./replica-session.js";

/**
 * Saves the revert pages and moves the log into the database file, so that neither grows with the number of local
 * writes. When a reader stands in the way the log stays as it is; the next checkpoint tries again. With a
 * `lockTimeoutMs` of 0 it waits for nothing, so that it can run synchronously; not while an apply is pending.
 */
export function* checkpoint(session: ReplicaSession, lockTimeoutMs?: number): Coroutine<void> {
  yield* resumeApply(session);
  yield* settle(session, lockTimeoutMs);
  const pages = yield* session.pages.checkpoint();
  if (pages !== session.metadata.pages) yield* saveMetadata(session, { pages });
}

/** Saves the synced image of every page that local changes have touched, and where they are. Durable. */
export function* settle(session: ReplicaSession, lockTimeoutMs?: number): Coroutine<void> {
  const { config, metadata } = session;
  const save = function* (): Coroutine<Pick<ReplicaMetadata, "settled" | "pages">> {
    return { settled: yield* readTapeEnd(), pages: yield* session.pages.settle() };
  };
  const now = yield* underWriteLock(config, save, lockTimeoutMs);
  const before = { settled: metadata.settled, pages: metadata.pages };
  if (JSON.stringify(now) !== JSON.stringify(before)) yield* saveMetadata(session, now);
}
