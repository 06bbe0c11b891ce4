import type { EndSignal } from "@tributary/live";
import type { ServerDatabase } from "../database/server-database.js";
import { RequestError } from "../http/request-error.js";
import type { RequestSlot } from "../http/request-limiter.js";
import { parseRevision, type Revision, sameRevision } from "./revision.js";
import type { Snapshot } from "./snapshot.js";

/** What a client asks for. Revisions are empty where it names none. */
export interface PullTarget {
  readonly clientRevision: string;
  readonly serverRevision: string;
  readonly longPollTimeoutMs: number;
  /** Only some pages: the client may come back for others. */
  readonly isPartial: boolean;
}

/** Who asks. */
export interface PullCaller {
  /** Its signal is looked at where somebody waits. */
  readonly request: { readonly signal: EndSignal };
  readonly slot: RequestSlot;
  /** When what it may do ends, ms since 1970. */
  readonly expiresAt: number;
}

/** What it gets. The snapshot is to be released. */
export interface OpenPull {
  readonly snapshot: Snapshot;
  /** Ids of the pages to send, or undefined for all. */
  readonly changed: Uint32Array | undefined;
}

/**
 * Finds what a pull is to be answered with, and waits for a commit where there is nothing. Rejects with `RequestError` and
 * `ServerError`.
 */
export async function openPull(
  database: ServerDatabase,
  target: PullTarget,
  caller: PullCaller,
): Promise<OpenPull> {
  const known = parseRevision(target.clientRevision);
  const snapshot = await findSnapshot(database, target, known, caller);
  try {
    return { snapshot, changed: changedPages(database, known, snapshot) };
  } catch (error) {
    database.snapshots.release(snapshot);
    throw error;
  }
}

async function findSnapshot(
  database: ServerDatabase,
  target: PullTarget,
  known: Revision | undefined,
  { request, slot, expiresAt }: PullCaller,
): Promise<Snapshot> {
  await catchUp(database);
  if (target.serverRevision !== "") {
    const revision = parseRevision(target.serverRevision);
    if (revision === undefined)
      throw new RequestError(400, `unknown revision ${JSON.stringify(target.serverRevision)}`);
    return database.snapshots.acquire(revision);
  }
  // Nobody hears of a commit with a token that has expired: the next request is refused.
  const holdMs = Math.min(target.longPollTimeoutMs, database.options.maxLongPollMs, expiresAt - Date.now());
  if (holdMs > 0 && sameRevision(known, database.log.current)) {
    slot.park();
    await database.commitWaiters.wait(holdMs, request.signal);
    slot.unpark();
    // A commit wakes all who wait for it at once: it was read just now, and once for all of them. Nobody reads the answer to
    // one that was given up.
    if (sameRevision(known, database.log.current) && !request.signal.aborted) await catchUp(database);
    else database.assertUsable();
  }
  const isIncremental = known !== undefined && database.log.knows(known);
  return database.snapshots.acquireCurrent(!isIncremental || target.isPartial);
}

/** Reads what was committed, in pieces that let others on where that is much. Rejects as `ServerDatabase.sync` throws. */
export async function catchUp(database: ServerDatabase): Promise<void> {
  database.assertUsable();
  // Most pulls find nothing: two short reads tell.
  if (!database.log.isBehind) return;
  const reading = database.readAhead();
  if (reading !== undefined) await reading;
  database.sync();
}

function changedPages(
  database: ServerDatabase,
  known: Revision | undefined,
  { revision, databaseSize }: Snapshot,
): Uint32Array | undefined {
  if (sameRevision(known, revision)) return new Uint32Array();
  if (known === undefined || known.sequence > revision.sequence) return undefined;
  // Where the snapshot is not the newest one, this may name pages that changed only after it: they do no harm.
  return database.log.changedSince(known)?.filter((pageId) => pageId < databaseSize);
}
