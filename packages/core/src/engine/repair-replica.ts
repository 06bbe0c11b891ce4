import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import { ReplayJournalReader, type TapeCopy } from "../tape/replay-journal.js";
import { TAPE_TABLE } from "../tape/tape-schema.js";
import { servesAReplica } from "./apply-changes.js";
import { settle } from "./checkpoint.js";
import { closeSession } from "./close-replica.js";
import { createReplica, newClientId } from "./create-replica.js";
import { findMetadata } from "./find-metadata.js";
import { nameAside } from "./keep-aside.js";
import { hasTable, readPulledPosition } from "./local-values.js";
import { makeTape } from "./make-tape.js";
import { abandonSession, checkIsSound, openSession } from "./open-session.js";
import { commitReplay, pushedOf, replayAbove } from "./replay-tape.js";
import type { ReplicaConfig } from "./replica-config.js";
import {
  acquireLock,
  beginWrite,
  type ReplicaSession,
  replicaFiles,
  saveMetadata,
} from "./replica-session.js";
import { isUnreadable, type SalvagedTape, salvageTape } from "./salvage-tape.js";
import { finishSwap, swapFiles } from "./swap-files.js";

/** What comes after the database's path in the names of the files that a repair makes. */
const BESIDE = "-repair";

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
  const beside: ReplicaConfig = { ...config, path: path + BESIDE, bootstrapIfEmpty: true };
  // What an earlier repair left that did not get to its end.
  for (const file of [beside.path, ...Object.values(replicaFiles(beside.path))]) yield* io.removeFile(file);
  const session = yield* openSession(beside, yield* createReplica(beside), []);
  let changes = 0;
  try {
    yield* settle(session);
    yield* session.pages.renewGuard();
    if (salvaged.file === undefined) yield* makeTape(session, false);
    else changes = yield* replaySalvaged(session, salvaged.file, yield* historyOf(path, salvaged));
    yield* checkWhatWasSent(beside.path);
    yield* closeSession(session);
  } catch (error) {
    yield* abandonSession(session);
    throw error;
  }
  const aside = yield* nameAside();
  yield* swapFiles(path, BESIDE, aside);
  if (salvaged.file === `${path}-salvage`) yield* io.removeFile(salvaged.file);
  return {
    keptAs: path + aside,
    changes,
    unreadable: salvaged.unreadable,
    clientId: session.metadata.clientId,
  };
}

/** What is known of a tape beside what is on it. */
interface TapeHistory {
  /** The remote has taken the changes up to here. */
  readonly knownPushed: number;
  /** The replica was closed: then no change is missing at its end. */
  readonly wasClosed: boolean;
}

function* historyOf(path: string, { knownPushed }: SalvagedTape): Coroutine<TapeHistory> {
  try {
    const found = yield* findMetadata(path);
    if (found === undefined || found.madeAnewBecause !== undefined) return { knownPushed, wasClosed: false };
    const { pushedChangeId, closed } = found.metadata;
    return { knownPushed: Math.max(knownPushed, pushedChangeId), wasClosed: closed };
  } catch (error) {
    // What is damaged tells nothing.
    if (damageOf(path, error) === undefined) throw error;
    return { knownPushed, wasClosed: false };
  }
}

/** As `checkIsSound`, for a database that was just downloaded. */
function* checkWhatWasSent(path: string): Coroutine<void> {
  try {
    yield* checkIsSound(path);
  } catch (cause) {
    if (!(cause instanceof SyncError) || cause.code !== "damaged-file") throw cause;
    throw new SyncError(
      "invalid-page-stream",
      `The database that the remote has sent is damaged: ${cause.message}`,
      {
        cause,
      },
    );
  }
}

/** Repeats the salvaged changes on the fresh database. Returns how many the remote does not have. */
function* replaySalvaged(session: ReplicaSession, file: string, history: TapeHistory): Coroutine<number> {
  const { config } = session;
  if (yield* hasTable(TAPE_TABLE)) throw servesAReplica();
  const reader = yield* ReplayJournalReader.open<TapeCopy>(file, true);
  if (reader === undefined)
    throw new SyncError("io-failed", `${file} is not what was written to it.`, { path: file });
  try {
    const { clientId } = yield* replayUnderLock(config, reader, history);
    yield* saveMetadata(session, { clientId });
  } finally {
    yield* reader.close();
  }
  yield* io.refreshCapture("app");
  const rows = yield* io.querySql("writer", `SELECT count(*) FROM main.${TAPE_TABLE}`);
  return Number(rows[0]?.[0]);
}

function* replayUnderLock(
  config: ReplicaConfig,
  reader: ReplayJournalReader<TapeCopy>,
  { knownPushed, wasClosed }: TapeHistory,
): Coroutine<{ readonly clientId: string }> {
  const { journal } = reader;
  yield* beginWrite(config);
  try {
    const position = yield* readPulledPosition(journal.clientId);
    const pushed = pushedOf(journal, position);
    if (pushed === undefined && !wasClosed && position?.pullGeneration === journal.pullGeneration) {
      // The end of the tape is lost, and was pushed; so was all that is left.
      yield* replayAbove(config, reader, position.changeId);
      yield* commitReplay();
      return { clientId: journal.clientId };
    }
    // Another copy of the replica has gone on under that name: from now on this one is a client of its own.
    const identity = pushed === undefined ? yield* newClientId(config) : journal.clientId;
    yield* replayAbove(config, reader, pushed ?? knownPushed, identity);
    yield* commitReplay();
    return { clientId: identity };
  } catch (error) {
    yield* io.executeSql("writer", "ROLLBACK");
    throw error;
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
