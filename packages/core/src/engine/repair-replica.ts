import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import { findMetadata } from "./find-metadata.js";
import { nameAside } from "./keep-aside.js";
import { makeTape } from "./make-tape.js";
import { rebuildBeside, replayCopy, type TapeHistory } from "./rebuild-beside.js";
import type { ReplicaConfig } from "./replica-config.js";
import { acquireLock } from "./replica-session.js";
import { isUnreadable, type SalvagedTape, salvageTape } from "./salvage-tape.js";
import { finishSwap } from "./swap-files.js";

/** Options of {@link repairReplica}. */
export interface RepairOptions {
  /** Go on also when some local changes cannot be read any more. Default false: then nothing is done. */
  readonly acceptLoss?: boolean;
}

/** What a repair did. */
export interface RepairReport {
  /** The damaged files are kept under names that begin with this. */
  readonly keptAs: string;
  /** Local changes that were carried over. Those that the remote had already are not among them. */
  readonly changes: number;
  /** Why some local changes could not be read; `undefined` when nothing is missing. */
  readonly unreadable: SyncError | undefined;
  /** Names the replica to the remote; another one than before where a copy of the replica was in use. */
  readonly clientId: string;
}

/**
 * Repairs a replica that is closed: downloads the database afresh beside it, checks that, repeats the local changes on
 * it, and puts it in the place of the damaged files, which are kept. Until that last step nothing of the replica is
 * touched, and the step itself happens as a whole.
 *
 * Fails with `replica-in-use`, `not-a-replica` (there is nothing to repair), `damaged-file` (local changes cannot be
 * read, and `acceptLoss` is not set), `replay-conflict`, and all that a pull may fail with.
 */
export function* repairReplica(config: ReplicaConfig, options: RepairOptions = {}): Coroutine<RepairReport> {
  yield* acquireLock(config.path);
  try {
    yield* finishSwap(config.path);
    yield* checkIsReplica(config.path);
    return yield* repairLocked(config, options);
  } finally {
    yield* io.releaseLock();
  }
}

/** The damage that made opening fail, and that a repair may mend; `undefined` for other failures. */
export function damageOf(path: string, error: unknown): SyncError | undefined {
  if (!(error instanceof SyncError)) return undefined;
  if (error.code === "damaged-file" || error.code === "damaged-metadata") return error;
  if (!isUnreadable(error)) return undefined;
  const { sqlCode } = error.details;
  return new SyncError("damaged-file", `${path} is damaged: ${error.message}.`, {
    path,
    ...(sqlCode !== undefined && { sqlCode }),
    cause: error,
  });
}

/** As `repairReplica`, by whoever has the lock; a failure is told together with the damage that it was to mend. */
export function* repairAfter(config: ReplicaConfig, damage: SyncError): Coroutine<RepairReport> {
  try {
    return yield* repairLocked(config, {});
  } catch (cause) {
    if (!(cause instanceof SyncError) || cause.code === "aborted") throw cause;
    const advice =
      cause.code === "replay-conflict"
        ? " Until the replica is repaired the change can only be skipped or rewritten by `transform`, or the remote mended."
        : "";
    throw new SyncError(
      damage.code,
      `${damage.message} A repair was tried and failed: ${cause.message}${advice}`,
      {
        ...damage.details,
        cause,
      },
    );
  }
}

/** Fails with `not-a-replica` for what is none. Damage is what a repair is for. */
function* checkIsReplica(path: string): Coroutine<void> {
  let found: unknown;
  try {
    found = yield* findMetadata(path);
  } catch (error) {
    if (damageOf(path, error) === undefined) throw error;
    found = error;
  }
  if (found === undefined) throw new SyncError("not-a-replica", `There is no replica at ${path}.`, { path });
}

function* repairLocked(
  config: ReplicaConfig,
  { acceptLoss = false }: RepairOptions,
): Coroutine<RepairReport> {
  const { path, onProgress } = config;
  const salvaged = yield* salvageTape(path, (done) =>
    onProgress?.({ phase: "salvage", done, total: undefined }),
  );
  if (salvaged.unreadable !== undefined && !acceptLoss) throw changesUnreadable(path, salvaged);
  const rebuilt = yield* rebuildBeside(config, {
    aside: yield* nameAside(),
    fill: function* (session) {
      if (salvaged.file !== undefined)
        return yield* replayCopy(session, salvaged.file, yield* historyOf(path, salvaged));
      yield* makeTape(session, false);
      return 0;
    },
  });
  if (salvaged.file === `${path}-salvage`) yield* io.removeFile(salvaged.file);
  return { ...rebuilt, unreadable: salvaged.unreadable };
}

function* historyOf(path: string, { isElsewhere }: SalvagedTape): Coroutine<TapeHistory> {
  try {
    const found = yield* findMetadata(path);
    if (found === undefined || found.madeAnewBecause !== undefined)
      return { knownPushed: 0, isElsewhere, wasClosed: false };
    const { pushedChangeId, closed } = found.metadata;
    return { knownPushed: pushedChangeId, isElsewhere, wasClosed: closed };
  } catch (error) {
    // What is damaged tells nothing.
    if (damageOf(path, error) === undefined) throw error;
    return { knownPushed: 0, isElsewhere, wasClosed: false };
  }
}

function changesUnreadable(path: string, { changes, unreadable, file }: SalvagedTape): SyncError {
  const kept = file === undefined ? "" : ` The ${changes} that can be are in ${file}.`;
  return new SyncError(
    "damaged-file",
    `${path} is damaged, and local changes in it cannot be read.${kept} Put back a copy of the replica's files that is whole, or repair it with acceptLoss. Nothing was touched.`,
    { path, cause: unreadable },
  );
}
