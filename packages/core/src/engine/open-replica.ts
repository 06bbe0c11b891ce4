import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import {
  decodeMetadata,
  encodeMetadata,
  MAX_METADATA_BYTES,
  type ReplicaMetadata,
} from "../metadata/replica-metadata.js";
import type { ReplicaPages } from "../ports/replica-pages.js";
import { createTapeSql, TAPE_TABLE } from "../tape/tape-schema.js";
import { hexOf } from "../values/hex.js";
import { finishApply, servesAReplica } from "./apply-changes.js";
import { bootstrap } from "./bootstrap.js";
import { settle } from "./checkpoint.js";
import { hasTable, readLocalValue, readPulledPosition, readTapeEnd, setLocalValue } from "./local-values.js";
import type { ReplicaConfig } from "./replica-config.js";
import {
  acquireLock,
  beginWrite,
  committing,
  FORGOTTEN,
  hidesSyncedPages,
  type ReplicaSession,
  replicaFiles,
  UNKNOWN_PAGES,
} from "./replica-session.js";
import { readSavedBoundaries } from "./tape-boundaries.js";

/**
 * Opens a replica: makes one where there is none, finishes what a crash interrupted, and finds the synced pages again.
 * Fails with `replica-in-use` when another process, or other ports of this one, have it open, with `not-a-replica` or `damaged-metadata` for files it must not touch, and with what the remote says when a
 * new replica has to be downloaded.
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
  const metadata = (yield* readExisting(config)) ?? (yield* createReplica(config));
  const session = yield* openSession(config, metadata);
  try {
    yield* finishInterrupted(session);
    yield* settle(session);
    yield* session.pages.renewGuard();
    yield* makeTape(session);
    session.earlierBoundaries = yield* readSavedBoundaries();
    return session;
  } catch (error) {
    yield* io.closeConnections();
    yield* session.pages.close();
    throw error;
  }
}

/**
 * Opens the connections and finds the synced pages. Where another program has made that impossible, the replica goes on
 * without them: local changes are in the database all the same, and the next pull downloads the remote's pages whole
 * instead of rolling back to what it had of them. Not while a journal is there, which may hold the only copy of the
 * local changes.
 */
function* openSession(config: ReplicaConfig, metadata: ReplicaMetadata): Coroutine<ReplicaSession> {
  const files = replicaFiles(config.path);
  const hasJournal = yield* hasContent(files.journal);
  const logIsGone = !(yield* hasContent(files.log));
  yield* io.openConnections(config.path);
  let pages: ReplicaPages | undefined;
  try {
    // What was written since the synced images were last saved must be in the log, and nowhere else.
    const isUnsettled = metadata.revision !== undefined && !hasJournal && !(yield* isSettled(metadata));
    if (isUnsettled && logIsGone) throw checkpointedElsewhere(config.path);
    pages = yield* config.openPages(config.path, metadata.pages);
    if (isUnsettled && (yield* pages.touchedPagesInFile())) throw checkpointedElsewhere(config.path);
    return { config, pages, metadata, applyPending: false, batchesSent: 0, earlierBoundaries: [] };
  } catch (error) {
    yield* io.closeConnections();
    if (pages !== undefined) yield* pages.close();
    if (!hidesSyncedPages(error) || hasJournal || metadata.revision === undefined) throw error;
    const forgetful = { ...metadata, ...FORGOTTEN };
    yield* io.replaceWholeFile(files.metadata, encodeMetadata(forgetful));
    return yield* openSession(config, forgetful);
  }
}

/** Whether the tape ends where it did when the synced images were last saved. */
function* isSettled({ settled }: ReplicaMetadata): Coroutine<boolean> {
  const end = yield* readTapeEnd();
  return end?.changeId === settled?.changeId && end?.pullGeneration === settled?.pullGeneration;
}

function checkpointedElsewhere(path: string): SyncError {
  return new SyncError("foreign-writer", `Another program has checkpointed ${path} after a crash.`, { path });
}

function* hasContent(path: string): Coroutine<boolean> {
  const file = yield* io.openFile(path, "read");
  if (file === undefined) return false;
  const size = yield* io.fileSize(file);
  yield* io.closeFile(file);
  return size > 0;
}

/** The metadata of the replica that is there; `undefined` when there is none. */
function* readExisting(config: ReplicaConfig): Coroutine<ReplicaMetadata | undefined> {
  const files = replicaFiles(config.path);
  const exists = yield* hasContent(config.path);
  const bytes = yield* io.readWholeFile(files.metadata, MAX_METADATA_BYTES);
  if (bytes !== undefined) {
    const metadata = decodeMetadata(bytes, files.metadata);
    // Metadata is written before the database is put in its place: without a database, the creation did not end.
    return exists ? metadata : undefined;
  }
  if (!exists) return undefined;
  throw new SyncError(
    "not-a-replica",
    `${config.path} is a database, but not a replica of Tributary's: ${files.metadata} is missing. Open the replica at another path, or put that file back.`,
    { path: config.path },
  );
}

/** Makes a new replica: downloaded whole, or empty until its first pull. */
function* createReplica(config: ReplicaConfig): Coroutine<ReplicaMetadata> {
  const files = replicaFiles(config.path);
  const download = config.bootstrapIfEmpty ? yield* bootstrap(config) : undefined;
  // What an earlier database of this name left behind would be taken for this one's.
  for (const leftover of [files.log, files.logIndex, files.revert, files.journal])
    yield* io.removeFile(leftover);
  const metadata: ReplicaMetadata = {
    clientId: `${config.clientName}-${uuidOf(yield* io.randomBytes(16))}`,
    revision: download?.revision,
    pages: download?.pages ?? UNKNOWN_PAGES,
    settled: undefined,
    pushedChangeId: 0,
    lastPullAt: download === undefined ? undefined : yield* io.now(),
    lastPushAt: undefined,
  };
  yield* io.replaceWholeFile(files.metadata, encodeMetadata(metadata));
  if (download?.downloadedFile !== undefined) yield* io.renameFile(download.downloadedFile, config.path);
  else yield* io.removeFile(files.download);
  return metadata;
}

/** Finishes an apply that a crash interrupted. */
function* finishInterrupted(session: ReplicaSession): Coroutine<void> {
  try {
    yield* finishApply(session);
  } catch (error) {
    // Undone, the local changes are back, and the next pull says the same to whoever asks for it.
    if (session.applyPending) throw error;
  }
}

/** Makes the tape where it is missing, and the capture triggers of all connections. */
function* makeTape(session: ReplicaSession): Coroutine<void> {
  yield* beginWrite(session.config);
  yield* committing(makeTapeInTransaction(session.metadata));
  yield* io.refreshCapture("app");
}

function* makeTapeInTransaction({ clientId }: ReplicaMetadata): Coroutine<void> {
  if (yield* hasTable(TAPE_TABLE)) {
    if ((yield* readLocalValue("clientId")) !== clientId) throw servesAReplica();
  } else {
    const known = yield* readPulledPosition(clientId);
    yield* io.executeSql("writer", createTapeSql());
    yield* io.runSql([
      setLocalValue("clientId", clientId),
      setLocalValue("pullGeneration", BigInt((known?.pullGeneration ?? -1) + 1)),
    ]);
  }
  yield* io.refreshCapture("writer");
}

/** A version 4 UUID of 16 random bytes. */
function uuidOf(random: Uint8Array): string {
  const bytes = Uint8Array.from(random);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return hexOf(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
