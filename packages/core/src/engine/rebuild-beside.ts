import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { ReplicaMetadata } from "../metadata/replica-metadata.js";
import { ReplayJournalReader, type TapeCopy } from "../tape/replay-journal.js";
import { TAPE_TABLE } from "../tape/tape-schema.js";
import { servesAReplica } from "./apply-changes.js";
import { settle } from "./checkpoint.js";
import { closeSession } from "./close-replica.js";
import { createReplica, newClientId } from "./create-replica.js";
import { hasTable, readPulledPosition } from "./local-values.js";
import { abandonSession, checkIsSound, openSession } from "./open-session.js";
import { commitReplay, pushedOf, replayAbove } from "./replay-tape.js";
import type { ReplicaConfig } from "./replica-config.js";
import { beginWrite, type ReplicaSession, replicaFiles, saveMetadata } from "./replica-session.js";
import { swapFiles } from "./swap-files.js";

/** What comes after the database's path in the names of the files that are made beside it. */
const BESIDE = "-repair";

/** How a replica is made anew. */
export interface Rebuilding {
  /** What comes after the database's path in the names that its present files are to have. */
  readonly aside: string;
  /** Looks at the database that was downloaded, while nobody has it open. */
  readonly onDownloaded?: (path: string, metadata: ReplicaMetadata) => Coroutine<void>;
  /** Makes the tape of the new replica; resolves with how many changes are on it. */
  readonly fill: (session: ReplicaSession) => Coroutine<number>;
}

/** A replica that was made anew. */
export interface Rebuilt {
  /** The files that were in its place are kept under names that begin with this. */
  readonly keptAs: string;
  readonly changes: number;
  readonly clientId: string;
}

/**
 * Downloads the database afresh beside what is at a path, fills its tape, and puts it in the place of what was there, which
 * is kept. Until that last step nothing there is touched, and the step happens as a whole.
 */
export function* rebuildBeside(
  config: ReplicaConfig,
  { aside, onDownloaded, fill }: Rebuilding,
): Coroutine<Rebuilt> {
  const { path } = config;
  const beside: ReplicaConfig = { ...config, path: path + BESIDE, bootstrapIfEmpty: true };
  // What an earlier attempt left that did not get to its end.
  for (const file of [beside.path, ...Object.values(replicaFiles(beside.path))]) yield* io.removeFile(file);
  const metadata = yield* createReplica(beside);
  if (onDownloaded !== undefined) yield* onDownloaded(beside.path, metadata);
  const session = yield* openSession(beside, metadata, []);
  let changes: number;
  try {
    yield* settle(session);
    yield* session.pages.renewGuard();
    changes = yield* fill(session);
    yield* checkWhatWasSent(beside.path);
    yield* closeSession(session);
  } catch (error) {
    yield* abandonSession(session);
    throw error;
  }
  yield* swapFiles(path, BESIDE, aside);
  return { keptAs: path + aside, changes, clientId: session.metadata.clientId };
}

/** What is known of a tape beside what is on it. */
export interface TapeHistory {
  /** The remote has taken the changes up to here. */
  readonly knownPushed: number;
  /** What the remote has of its generation was pushed by a copy of the replica. */
  readonly isElsewhere: boolean;
  /** The replica was closed: then no change is missing at its end. */
  readonly wasClosed: boolean;
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

/**
 * Repeats the changes of a copied tape on a fresh database that has no tape yet. Returns how many the remote does not have.
 * Fails with `replay-conflict`, having done nothing.
 */
export function* replayCopy(session: ReplicaSession, file: string, history: TapeHistory): Coroutine<number> {
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
  { knownPushed, isElsewhere, wasClosed }: TapeHistory,
): Coroutine<{ readonly clientId: string }> {
  const { journal } = reader;
  yield* beginWrite(config);
  try {
    const position = yield* readPulledPosition(journal.clientId);
    const pushed = isElsewhere ? undefined : pushedOf(journal, position);
    const endIsLost = !isElsewhere && !wasClosed && position?.pullGeneration === journal.pullGeneration;
    if (pushed === undefined && endIsLost) {
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
