import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { finishApply } from "./apply-changes.js";
import { settle } from "./checkpoint.js";
import { createReplica } from "./create-replica.js";
import { findMetadata } from "./find-metadata.js";
import { makeTape } from "./make-tape.js";
import { abandonSession, openSession } from "./open-session.js";
import { damageOf, repairAfter } from "./repair-replica.js";
import type { ReplicaConfig } from "./replica-config.js";
import { acquireLock, type ReplicaSession, saveMetadata } from "./replica-session.js";
import { finishSwap } from "./swap-files.js";
import { readSavedBoundaries } from "./tape-boundaries.js";

/**
 * Opens a replica: makes one where there is none, finishes what a crash interrupted, finds the synced pages again, and
 * repairs what is damaged. What was wrong is in the session's `recovered`.
 *
 * Fails with `replica-in-use` when another process, or other ports of this one, have it open; with `not-a-replica` for
 * files it must not touch; with `damaged-file` or `damaged-metadata` when it is damaged and cannot be repaired now; and with what the remote says when a new replica has to be downloaded.
 */
export function* openReplica(config: ReplicaConfig): Coroutine<ReplicaSession> {
  yield* acquireLock(config.path);
  try {
    return yield* openLocked(config);
  } catch (error) {
    yield* io.releaseLock();
    throw error;
  }
}

function* openLocked(config: ReplicaConfig): Coroutine<ReplicaSession> {
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
  yield* finishSwap(config.path);
  const found = yield* findMetadata(config.path);
  const metadata = found?.metadata ?? (yield* createReplica(config));
  const recovered = found?.madeAnewBecause === undefined ? [] : [found.madeAnewBecause];
  const session = yield* openSession(config, metadata, recovered);
  try {
    yield* finishInterrupted(session);
    yield* settle(session);
    yield* session.pages.renewGuard();
    yield* makeTape(session, !metadata.closed || session.recovered.length > 0);
    session.earlierBoundaries = yield* readSavedBoundaries();
    // From now on it is open: what a power cut takes away is to be noticed.
    if (session.metadata.closed) yield* saveMetadata(session, {});
    return session;
  } catch (error) {
    yield* abandonSession(session);
    throw error;
  }
}

/** Finishes an apply that a crash interrupted. */
function* finishInterrupted(session: ReplicaSession): Coroutine<void> {
  try {
    yield* finishApply(session, session.recovered.length === 0);
  } catch (error) {
    // Undone, the local changes are back, and the next pull says the same to whoever asks for it.
    if (session.applyPending) throw error;
  }
}
