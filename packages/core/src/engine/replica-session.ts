import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import { encodeMetadata, type ReplicaMetadata } from "../metadata/replica-metadata.js";
import { type ReplicaPages, UNKNOWN_PAGES } from "../ports/replica-pages.js";
import type { RemoteMark } from "./remote-mark.js";
import type { RepairReport } from "./repair-replica.js";
import type { ReplicaConfig } from "./replica-config.js";

/** How far things have come on a tape, from the pull that restarted it on. */
export interface TapeProgress {
  /** Changes up to here were repeated by that pull; what comes after has been made since. */
  readonly repeatedUpTo: number;
  /** Changes up to here were sent to the remote in this session, whatever became of them. */
  sentUpTo: number;
}

/** An open replica, as the engine procedures share it. */
export interface ReplicaSession {
  readonly config: ReplicaConfig;
  readonly pages: ReplicaPages;
  /** As it was last saved, or newer: in fields that are only hints, and by pulls that were laid over. */
  metadata: ReplicaMetadata;
  /** Pages of pulls that were laid over since the metadata was last saved. */
  unsavedPages: number;
  /** A publish was begun and its replay is not known to be done: the local changes may be in the journal only. */
  applyPending: boolean;
  /** Batches that were sent to the remote in this session, whatever became of them. */
  batchesSent: number;
  /** The newest batch whose outcome is not known: it may still arrive. 0: one of an earlier session. */
  unknownBatch: number | undefined;
  /** What the last batch that was sent has left at the remote; `undefined` unless that batch was taken. */
  remoteMark: RemoteMark | undefined;
  /** The remote is at an earlier state than it was: from its changes alone the replica cannot follow. */
  remoteWentBack: boolean;
  /** What was wrong when the replica was opened, and has been seen to. Empty for a sound one. */
  readonly recovered: readonly SyncError[];
  /** The repair that opening took. */
  readonly repair: RepairReport | undefined;
  /** Another object after each pull that has restarted the tape. */
  tape: TapeProgress;
  /** Transaction boundaries of the tape that were noted before this session; emptied when a pull restarts the tape. */
  earlierBoundaries: readonly number[];
}

/** The files of a replica. */
export function replicaFiles(path: string): {
  readonly metadata: string;
  readonly swap: string;
  readonly download: string;
  readonly journal: string;
  readonly revert: string;
  readonly log: string;
  readonly logIndex: string;
} {
  return {
    metadata: `${path}-info`,
    swap: `${path}-swap`,
    download: `${path}-changes`,
    // Not `-journal`: that name is SQLite's, which would take it for a rollback journal.
    journal: `${path}-replay`,
    revert: `${path}-revert`,
    log: `${path}-wal`,
    logIndex: `${path}-shm`,
  };
}

/** Takes the lock of a replica for this process. Fails with `replica-in-use`. */
export function* acquireLock(path: string): Coroutine<void> {
  if (yield* io.acquireLock(path)) return;
  throw new SyncError(
    "replica-in-use",
    `${path} is open for writing already, in this process or another one. Close it there; other programs may only read it.`,
    { path },
  );
}

/** Changes the metadata and saves it, durably. */
export function* saveMetadata(session: ReplicaSession, changes: Partial<ReplicaMetadata>): Coroutine<void> {
  const { path } = session.config;
  // While the connections are open, the guard keeps others from moving anything into the file that does harm.
  const fileStamp = yield* io.fileStamp(path);
  const metadata = { ...session.metadata, closed: false, rests: false, ...changes, fileStamp };
  yield* io.replaceWholeFile(replicaFiles(path).metadata, encodeMetadata(metadata));
  session.metadata = metadata;
  session.unsavedPages = 0;
}

/**
 * Saves the metadata where pulls were laid over since. Before revert pages are written, because they are those of the
 * synced state that the saved metadata names: after a crash, they would be taken for those of an earlier one.
 */
export function* catchUpMetadata(session: ReplicaSession): Coroutine<void> {
  if (session.unsavedPages === 0) return;
  const { pushedChangeId } = session.metadata;
  // A pull that brings back what was pushed begins another tape, and saves nothing: there this would count other changes.
  yield* saveMetadata(session, { pushedChangeId: 0 });
  session.metadata = { ...session.metadata, pushedChangeId };
}

/** What the metadata says of a replica that goes on without its synced pages. */
export const FORGOTTEN: Pick<ReplicaMetadata, "revision" | "pages"> = {
  revision: undefined,
  pages: UNKNOWN_PAGES,
};

/** Whether a failure means that another program has destroyed synced images. The local changes are in the database. */
export function hidesSyncedPages(error: unknown): error is SyncError {
  return error instanceof SyncError && (error.code === "foreign-writer" || error.code === "damaged-file");
}

const LONGEST_PAUSE_MS = 50;

/**
 * Begins a write transaction on the engine's writer, waiting for the app's own transactions. After it nobody writes to
 * the database until `COMMIT` or `ROLLBACK`. Fails with `database-busy`.
 */
export function* beginWrite(
  config: ReplicaConfig,
  lockTimeoutMs: number = config.lockTimeoutMs,
): Coroutine<void> {
  const deadline = (yield* io.now()) + lockTimeoutMs;
  for (let pause = 1; !(yield* io.tryBeginWrite()); pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    if ((yield* io.now()) >= deadline) {
      throw new SyncError(
        "database-busy",
        `A transaction on ${config.path} stayed open for more than ${lockTimeoutMs} ms. Commit it or roll it back, then try again.`,
        { path: config.path },
      );
    }
    yield* io.sleep(pause);
  }
}

/** Commits the write transaction that the caller began, after a procedure; rolls it back when that fails. */
export function* committing<T>(procedure: Coroutine<T>): Coroutine<T> {
  try {
    const result = yield* procedure;
    yield* io.executeSql("writer", "COMMIT");
    return result;
  } catch (error) {
    yield* io.executeSql("writer", "ROLLBACK");
    throw error;
  }
}

/** Runs a procedure inside a write transaction that it does not commit. */
export function* underWriteLock<T>(
  config: ReplicaConfig,
  procedure: () => Coroutine<T>,
  lockTimeoutMs?: number,
): Coroutine<T> {
  yield* beginWrite(config, lockTimeoutMs);
  try {
    return yield* procedure();
  } finally {
    yield* io.executeSql("writer", "ROLLBACK");
  }
}
