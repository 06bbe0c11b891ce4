import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import { encodeMetadata, type ReplicaMetadata } from "../metadata/replica-metadata.js";
import type { ReplicaPages } from "../ports/replica-pages.js";
import { hasContent } from "./keep-aside.js";
import { readLocalValue } from "./local-values.js";
import type { ReplicaConfig } from "./replica-config.js";
import { FORGOTTEN, hidesSyncedPages, type ReplicaSession, replicaFiles } from "./replica-session.js";

/**
 * Opens the connections and finds the synced pages. Where another program has made that impossible, the replica goes on
 * without them: local changes are in the database all the same, or in the journal, and the next pull downloads the
 * remote's pages whole instead of rolling back to what it had of them. The session's `recovered` then says why.
 */
export function* openSession(
  config: ReplicaConfig,
  metadata: ReplicaMetadata,
  recovered: readonly SyncError[],
): Coroutine<ReplicaSession> {
  const doubt = yield* doubtOf(config.path, metadata);
  if (doubt !== undefined) return yield* openForgetting(config, metadata, [...recovered, doubt]);
  yield* io.openConnections(config.path);
  try {
    const pages = yield* config.openPages(config.path, metadata.pages);
    return newSession(config, metadata, { pages, recovered, closed: metadata.closed });
  } catch (error) {
    yield* io.closeConnections(true);
    if (!hidesSyncedPages(error) || metadata.revision === undefined) throw error;
    return yield* openForgetting(config, metadata, [...recovered, error]);
  }
}

/**
 * Gives up a session that could not be opened whole. The log stays: while an apply is pending, it may have the only
 * images of the local pages, without which the apply cannot be undone.
 */
export function* abandonSession({ pages }: ReplicaSession): Coroutine<void> {
  yield* io.closeConnections(true);
  yield* pages.close();
}

/** Why what the metadata says of the synced pages may not be so; `undefined` when it is. */
function* doubtOf(path: string, metadata: ReplicaMetadata): Coroutine<SyncError | undefined> {
  if (metadata.revision === undefined) return undefined;
  if ((yield* io.fileStamp(path)) !== metadata.fileStamp) {
    return new SyncError(
      "foreign-writer",
      `${path} is not as this replica left it: another program has written to it or checkpointed it, or a process died in the middle of a checkpoint. What another program wrote is not captured: the next pull downloads the database whole and puts the local changes of this replica on top.`,
      { path },
    );
  }
  const { log } = replicaFiles(path);
  const { watermark } = metadata.pages;
  const hasLog = yield* hasContent(log);
  if (metadata.closed && watermark === undefined && hasLog) {
    return new SyncError(
      "foreign-writer",
      `Another program has written to ${path} since it was closed. That is not captured: the next pull undoes it.`,
      { path },
    );
  }
  if (hasLog || (watermark?.frames ?? 0) === 0) return undefined;
  return new SyncError(
    "damaged-file",
    `${log} is missing. What was committed to it since the last checkpoint is lost; the rest is kept, and the next pull downloads the database whole.`,
    { path: log },
  );
}

function* openForgetting(
  config: ReplicaConfig,
  metadata: ReplicaMetadata,
  recovered: readonly SyncError[],
): Coroutine<ReplicaSession> {
  yield* io.openConnections(config.path);
  try {
    // Metadata of another replica may lie there: the database says whose tape it has.
    const owner = yield* readLocalValue("clientId");
    const clientId = typeof owner === "string" ? owner : metadata.clientId;
    const forgetful = { ...metadata, ...FORGOTTEN, clientId, closed: false };
    // Before the doubt is forgotten too: a replica that turns out to be damaged must be found so the next time as well.
    yield* checkIsSound(config.path);
    yield* io.replaceWholeFile(replicaFiles(config.path).metadata, encodeMetadata(forgetful));
    const pages = yield* config.openPages(config.path, forgetful.pages);
    return newSession(config, forgetful, { pages, recovered, closed: metadata.closed });
  } catch (error) {
    yield* io.closeConnections(true);
    throw error;
  }
}

/** What `quick_check` says of rows that break a rule of the schema: no damage, however they came in. */
const BROKEN_RULE = /^(NULL value in|CHECK constraint failed in|(TEXT|NUMERIC|NULL|non-[A-Z]+) value in) /;

/**
 * Fails with `damaged-file` when the database is not one that SQLite could have written. Reads all of it: only for when
 * there is reason to doubt it.
 */
export function* checkIsSound(path: string): Coroutine<void> {
  const rows = yield* io.querySql("writer", "PRAGMA quick_check");
  const damage = rows.find(([message]) => message !== "ok" && !BROKEN_RULE.test(String(message)));
  if (damage === undefined) return;
  throw new SyncError("damaged-file", `${path} is damaged: ${String(damage[0])}.`, { path });
}

interface FoundPages {
  readonly pages: ReplicaPages;
  readonly recovered: readonly SyncError[];
  /** As the replica was left: then no push of it is still on its way. */
  readonly closed: boolean;
}

function newSession(
  config: ReplicaConfig,
  metadata: ReplicaMetadata,
  { pages, recovered, closed }: FoundPages,
): ReplicaSession {
  return {
    config,
    pages,
    // It may be of a tape that was before the present one.
    metadata: closed ? metadata : { ...metadata, pushedChangeId: 0 },
    unsavedPages: 0,
    applyPending: false,
    batchesSent: 0,
    unknownBatch: closed ? undefined : 0,
    remoteMark: undefined,
    remoteWentBack: false,
    tape: { repeatedUpTo: 0, sentUpTo: 0 },
    earlierBoundaries: [],
    recovered,
    repair: undefined,
  };
}
