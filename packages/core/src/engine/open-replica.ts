import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import { decodeMetadata } from "../metadata/replica-metadata.js";
import { lastChangeId } from "../tape/read-tape.js";
import { finishApply } from "./apply-changes.js";
import { settle } from "./checkpoint.js";
import { createReplica } from "./create-replica.js";
import { findLeftovers } from "./find-leftovers.js";
import { findMetadata, readMetadataFile } from "./find-metadata.js";
import { hasContent } from "./keep-aside.js";
import { makeTape } from "./make-tape.js";
import { abandonSession, openSession } from "./open-session.js";
import { damageOf, repairAfter } from "./repair-replica.js";
import type { ReplicaConfig } from "./replica-config.js";
import { acquireLock, type ReplicaSession, replicaFiles, saveMetadata } from "./replica-session.js";
import { finishSwap } from "./swap-files.js";
import { takeOver } from "./take-over.js";
import { readSavedBoundaries } from "./tape-boundaries.js";

/**
 * Opens a replica: makes one where there is none, or of what libSQL's client has left, finishes what a crash interrupted,
 * finds the synced pages again, and repairs what is damaged. What was wrong is in the session's `recovered`.
 *
 * Fails with `replica-in-use` when another process, or other ports of this one, have it open; with `not-a-replica` for
 * files it must not touch; with `damaged-file` or `damaged-metadata` when it is damaged and cannot be repaired now; and with what the remote says when a new replica has to be downloaded.
 */
export function* openReplica(config: ReplicaConfig): Coroutine<ReplicaSession> {
  yield* acquireLock(config.path);
  try {
    // Not to be repaired: until it is done, the old files and the new ones are both needed.
    yield* finishSwap(config.path);
    return yield* openLocked(config);
  } catch (error) {
    yield* io.releaseLock();
    throw error;
  }
}

function* openLocked(config: ReplicaConfig): Coroutine<ReplicaSession> {
  const leftovers = yield* findLeftovers(config);
  if (leftovers !== undefined && config.takeover !== undefined) {
    const { notice, repair } = yield* takeOver(config, config.takeover, leftovers);
    const session = yield* openSound(config);
    return { ...session, recovered: [notice, ...session.recovered], repair };
  }
  try {
    return yield* openSound(config);
  } catch (error) {
    const damage = damageOf(config.path, error);
    if (damage === undefined) throw error;
    if (!config.repair) throw damage;
    const repair = yield* repairAfter(config, damage);
    const session = yield* openSound(config);
    return { ...session, recovered: [damage, ...session.recovered], repair };
  }
}

/** Opens a replica that needs no repair. */
function* openSound(config: ReplicaConfig): Coroutine<ReplicaSession> {
  const found = yield* findMetadata(config.path);
  const leftBehind = found === undefined ? yield* whatIsLeft(config.path) : found.madeAnewBecause;
  const metadata = found?.metadata ?? (yield* createReplica(config));
  const recovered = leftBehind === undefined ? [] : [leftBehind];
  const session = yield* openSession(config, metadata, recovered);
  try {
    yield* finishInterrupted(session);
    yield* settle(session);
    yield* session.pages.renewGuard();
    // A pull that a crash cut off has left it, and the next ones may be too small to make it anew.
    yield* io.removeFile(replicaFiles(config.path).download);
    // From now on it is open: what is in the log is this replica's, and what a power cut takes away is to be noticed.
    if (session.metadata.closed) yield* saveMetadata(session, {});
    yield* makeTape(session, !metadata.closed || session.recovered.length > 0);
    // Then what was just done to the capture is all that it can differ in besides.
    if (metadata.closed && metadata.rests && session.recovered.length === 0 && (yield* lastChangeId()) === 0)
      yield* session.pages.markRest();
    session.earlierBoundaries = yield* readSavedBoundaries();
    return session;
  } catch (error) {
    yield* abandonSession(session);
    if (found === undefined) yield* discard(config.path, error);
    throw error;
  }
}

/** A new replica that cannot be one is not left in the way of the next attempt. */
function* discard(path: string, error: unknown): Coroutine<void> {
  if (!(error instanceof SyncError) || error.code !== "unexpected-response") return;
  const { metadata, log, logIndex, revert } = replicaFiles(path);
  // The database first: without it, the rest counts for nothing.
  for (const file of [path, log, logIndex, revert, metadata]) yield* io.removeFile(file);
}

/** What a replica whose database is gone has left; `undefined`: there was none. */
function* whatIsLeft(path: string): Coroutine<SyncError | undefined> {
  const { metadata, log, download } = replicaFiles(path);
  const bytes = yield* readMetadataFile(metadata);
  if (!(yield* hasContent(log))) {
    if (bytes === undefined) return undefined;
    // Made, but its download not put in its place: then there was none before.
    if (neverPulled(bytes, metadata) || (yield* hasContent(download))) return undefined;
  }
  return new SyncError(
    "damaged-file",
    `${path} was gone, and what was in it with it: a new replica was made in its place. Files that may hold local changes were kept beside it.`,
    { path },
  );
}

function neverPulled(bytes: Uint8Array, path: string): boolean {
  try {
    return decodeMetadata(bytes, path).revision === undefined;
  } catch (error) {
    // What cannot be read may have been that of any replica.
    if (error instanceof SyncError) return false;
    throw error;
  }
}

/** Finishes an apply that a crash interrupted. */
function* finishInterrupted(session: ReplicaSession): Coroutine<void> {
  try {
    yield* finishApply(session, session.recovered.length === 0 && session.metadata.revision !== undefined);
  } catch (error) {
    // Undone, the local changes are back, and the next pull says the same to whoever asks for it.
    if (session.applyPending) throw error;
  }
}
