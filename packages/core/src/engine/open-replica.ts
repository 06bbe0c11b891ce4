import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import {
  decodeMetadata,
  encodeMetadata,
  MAX_METADATA_BYTES,
  type ReplicaMetadata,
} from "../metadata/replica-metadata.js";
import { createTapeSql, TAPE_TABLE } from "../tape/tape-schema.js";
import { hexOf } from "../values/hex.js";
import { finishApply } from "./apply-changes.js";
import { bootstrap } from "./bootstrap.js";
import { settle } from "./checkpoint.js";
import { hasTable, readPulledPosition, setLocalValue } from "./local-values.js";
import type { ReplicaConfig } from "./replica-config.js";
import { beginWrite, type ReplicaSession, replicaFiles } from "./replica-session.js";
import { readSavedBoundaries } from "./tape-boundaries.js";

/**
 * Opens a replica: makes one where there is none, finishes what a crash interrupted, and finds the synced pages again.
 * Fails with `not-a-replica` or `damaged-metadata` for files it must not touch, and with what the remote says when a
 * new replica has to be downloaded.
 */
export function* openReplica(config: ReplicaConfig): Coroutine<ReplicaSession> {
  const metadata = (yield* readExisting(config)) ?? (yield* createReplica(config));
  yield* io.openConnections();
  try {
    const pages = yield* config.openPages(config.path, metadata.pages);
    const session: ReplicaSession = { config, pages, metadata, earlierBoundaries: [] };
    yield* finishInterrupted(session);
    yield* settle(session);
    yield* pages.renewGuard();
    yield* makeTape(session);
    session.earlierBoundaries = yield* readSavedBoundaries();
    return session;
  } catch (error) {
    yield* io.closeConnections();
    throw error;
  }
}

/** The metadata of the replica that is there; `undefined` when there is none. */
function* readExisting(config: ReplicaConfig): Coroutine<ReplicaMetadata | undefined> {
  const files = replicaFiles(config.path);
  const database = yield* io.openFile(config.path, "read");
  const size = database === undefined ? 0 : yield* io.fileSize(database);
  if (database !== undefined) yield* io.closeFile(database);
  const bytes = yield* io.readWholeFile(files.metadata, MAX_METADATA_BYTES);
  if (bytes !== undefined) {
    const metadata = decodeMetadata(bytes, files.metadata);
    // Metadata is written before the database is put in its place: without a database, the creation did not end.
    return size > 0 ? metadata : undefined;
  }
  if (size === 0) return undefined;
  throw new SyncError(
    "not-a-replica",
    `${config.path} is a database, but not a replica of Tributary's: ${files.metadata} is missing. Open the replica at another path, or put that file back.`,
    { path: config.path },
  );
}

/** Makes a new replica: downloaded whole, or empty until its first pull. */
function* createReplica(config: ReplicaConfig): Coroutine<ReplicaMetadata> {
  const files = replicaFiles(config.path);
  const empty = { databaseSize: 0, header: undefined, watermark: undefined, revertId: undefined };
  const download = config.bootstrapIfEmpty ? yield* bootstrap(config) : undefined;
  // What an earlier database of this name left behind would be taken for this one's.
  for (const leftover of [files.log, files.logIndex, files.revert, files.journal])
    yield* io.removeFile(leftover);
  const metadata: ReplicaMetadata = {
    clientId: `${config.clientName}-${uuidOf(yield* io.randomBytes(16))}`,
    revision: download?.revision,
    pages: download?.pages ?? empty,
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
    // The apply has been undone, and the local changes are back. The next pull says the same to whoever asks for it.
    if (!(error instanceof SyncError) || error.code !== "replay-conflict") throw error;
  }
}

/** Makes the tape where it is missing, and the capture triggers of all connections. */
function* makeTape(session: ReplicaSession): Coroutine<void> {
  const { config, metadata } = session;
  yield* beginWrite(config);
  if (!(yield* hasTable(TAPE_TABLE))) {
    const known = yield* readPulledPosition(metadata.clientId);
    yield* io.executeSql("writer", createTapeSql());
    yield* io.runSql([
      setLocalValue("clientId", metadata.clientId),
      setLocalValue("pullGeneration", BigInt((known?.pullGeneration ?? -1) + 1)),
    ]);
  }
  yield* io.refreshCapture("writer");
  yield* io.executeSql("writer", "COMMIT");
  yield* io.refreshCapture("app");
}

/** A version 4 UUID of 16 random bytes. */
function uuidOf(random: Uint8Array): string {
  const bytes = Uint8Array.from(random);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return hexOf(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
