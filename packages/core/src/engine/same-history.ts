import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import { pageIdOf } from "../values/page.js";
import type { ReplicaSession } from "./replica-session.js";

/** A revision that only counts, as Turso's server gives it: the same number may name another state after a restore. */
const COUNT = /^[0-9]+$/;
/** How many pages of a pull are remembered. */
const WITNESSES = 4;

/** Whether a revision names the history that it belongs to, so that one of a restored server is told from it. */
export function namesHistory(revision: string): boolean {
  return !COUNT.test(revision);
}

/** Pages that a pull has changed, spread over them, by which its revision can be told from another of the same number. */
export function witnessesOf(pageNumbers: ArrayLike<number>): readonly number[] {
  const count = Math.min(WITNESSES, pageNumbers.length);
  return Array.from({ length: count }, (_, index) => {
    const at = Math.round(((index + 1) * pageNumbers.length) / count) - 1;
    return pageNumbers[at] as number;
  });
}

/**
 * Whether the remote still is the database that was pulled from. A server whose revisions carry no epoch may have been
 * restored from a backup and have grown since: its changes would then be laid over pages they do not belong to. So, before
 * its changes are believed, it is asked for page 1 and some pages of the last pull as of the synced revision. They are a
 * sample: equal pages make another history unlikely, not impossible.
 */
export function* hasSameHistory(session: ReplicaSession): Coroutine<boolean> {
  const { revision, witnesses } = session.metadata;
  if (revision === undefined || namesHistory(revision)) return true;
  for (const page of new Set([1, ...witnesses])) {
    if (page <= session.pages.synced.databaseSize && !(yield* isSamePage(session, page, revision)))
      return false;
  }
  return true;
}

function* isSamePage(session: ReplicaSession, page: number, revision: string): Coroutine<boolean> {
  const from = pageIdOf(page);
  const request = { serverRevision: revision, pages: { from, to: from + 1 }, longPollTimeoutMs: 0 };
  let isSame = false;
  try {
    const { pull, header } = yield* io.startPull(request);
    try {
      const batch = yield* io.receivePages(pull);
      const known = yield* session.pages.readSynced(page);
      isSame =
        header.revision === revision &&
        batch?.pageIds.length === 1 &&
        batch.bytes.every((byte, index) => byte === known[index]);
    } finally {
      yield* io.endPull(pull);
    }
  } catch (error) {
    // It answered, and makes no sense of the revision: Turso's server says 500 to one that is ahead of it.
    const answered = error instanceof SyncError && (error.details.status ?? 0) >= 400;
    if (!answered || error.code === "unauthorized") throw error;
  }
  return isSame;
}
