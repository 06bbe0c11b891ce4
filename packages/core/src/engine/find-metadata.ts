import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import { decodeMetadata, MAX_METADATA_BYTES, type ReplicaMetadata } from "../metadata/replica-metadata.js";
import type { FileHandle } from "../ports/io-operations.js";
import { UNKNOWN_PAGES } from "../ports/replica-pages.js";
import { ReplayJournalReader } from "../tape/replay-journal.js";
import { LOCAL_TABLE, LOCAL_VALUE } from "../tape/tape-schema.js";
import { hasContent } from "./keep-aside.js";
import { replicaFiles } from "./replica-session.js";

/** Metadata of a replica that is there. */
export interface FoundMetadata {
  readonly metadata: ReplicaMetadata;
  /** Why it had to be made anew, without the synced pages; `undefined` when it was as it should be. */
  readonly madeAnewBecause: SyncError | undefined;
}

/**
 * The metadata of the replica at a path; `undefined` when there is none. The file is a cache: where it is missing or
 * damaged, the client id is read from the database or the replay journal, and the rest is unknown until the next pull.
 * Changes nothing.
 *
 * Fails with `not-a-replica` for another program's file, or a database that has no metadata and no tape, and with
 * `damaged-metadata` or `damaged-file` when a repair is needed.
 */
export function* findMetadata(path: string): Coroutine<FoundMetadata | undefined> {
  const files = replicaFiles(path);
  let problem: SyncError | undefined;
  try {
    const bytes = yield* readMetadataFile(files.metadata);
    if (bytes !== undefined) {
      const metadata = decodeMetadata(bytes, files.metadata);
      if (yield* hasContent(path)) return { metadata, madeAnewBecause: undefined };
      // Metadata is written before the database is put in its place: without a database, the creation did not end.
      return yield* checkNothingIsLost(path);
    }
  } catch (error) {
    if (!(error instanceof SyncError) || error.code !== "damaged-metadata") throw error;
    problem = error;
  }
  if (!(yield* hasContent(path))) return yield* checkNothingIsLost(path);
  const clientId = (yield* clientIdOfDatabase(path, problem)) ?? (yield* clientIdOfJournal(files.journal));
  const missing = new SyncError("not-a-replica", missingMetadata(path), { path });
  if (clientId === undefined) throw problem ?? missing;
  return { metadata: metadataOf(clientId), madeAnewBecause: problem ?? damagedByLoss(files.metadata) };
}

/** Reads a little more than a metadata file can have, so that a longer one is seen to be none. */
export function* readMetadataFile(path: string): Coroutine<Uint8Array | undefined> {
  const file: FileHandle | undefined = yield* io.openFile(path, "read");
  if (file === undefined) return undefined;
  try {
    return yield* io.readAt(file, 0, MAX_METADATA_BYTES + 1);
  } finally {
    yield* io.closeFile(file);
  }
}

/** The database is gone; a journal beside it may be the only copy of local changes. */
function* checkNothingIsLost(path: string): Coroutine<undefined> {
  const clientId = yield* clientIdOfJournal(replicaFiles(path).journal);
  if (clientId === undefined) return undefined;
  throw new SyncError(
    "damaged-file",
    `${path} is gone, while ${replicaFiles(path).journal} holds local changes of it.`,
    { path },
  );
}

function* clientIdOfDatabase(path: string, problem: SyncError | undefined): Coroutine<string | undefined> {
  try {
    const sql = `SELECT name, value FROM ${LOCAL_TABLE} WHERE name IN (?, ?)`;
    const rows = yield* io.queryFile(path, sql, [LOCAL_VALUE.clientId, LOCAL_VALUE.captured]);
    const values = new Map(rows.map(([name, value]) => [name, value]));
    if (values.has(LOCAL_VALUE.captured)) throw new SyncError("not-a-replica", isCaptured(path), { path });
    const clientId = values.get(LOCAL_VALUE.clientId);
    return typeof clientId === "string" ? clientId : undefined;
  } catch (error) {
    if (!(error instanceof SyncError) || error.code !== "sql-failed") throw error;
    const unreadable = /^SQLITE_(CORRUPT|NOTADB)/.test(error.details.sqlCode ?? "");
    // A metadata file of Tributary's, damaged or not, tells that the rest was a replica once; so does the table's name.
    if (unreadable && (problem !== undefined || (yield* namesLocalTable(path)))) throw error;
    return undefined;
  }
}

function* namesLocalTable(path: string): Coroutine<boolean> {
  try {
    const sql = "SELECT 1 FROM sqlite_schema WHERE name = ?";
    return (yield* io.queryFile(path, sql, [LOCAL_TABLE])).length > 0;
  } catch (error) {
    if (!(error instanceof SyncError) || error.code !== "sql-failed") throw error;
    return false;
  }
}

function* clientIdOfJournal(path: string): Coroutine<string | undefined> {
  const reader = yield* ReplayJournalReader.open(path);
  if (reader === undefined) return undefined;
  yield* reader.close();
  return reader.journal.clientId;
}

function metadataOf(clientId: string): ReplicaMetadata {
  return {
    clientId,
    revision: undefined,
    witnesses: [],
    pages: UNKNOWN_PAGES,
    finishedJournal: undefined,
    fileStamp: undefined,
    closed: false,
    rests: false,
    pushedChangeId: 0,
    lastPullAt: undefined,
    lastPushAt: undefined,
  };
}

function missingMetadata(path: string): string {
  return `${path} is a database, but not a replica of Tributary's: it has no tape, and ${replicaFiles(path).metadata} is missing. Open the replica at another path; or, if it was one of libSQL's, with \`takeOver: true\`.`;
}

function isCaptured(path: string): string {
  return `${path} is a database with change streams, but not a replica: its tape is not one that a remote could have. Open it with openCapturedDatabase, or the replica at another path.`;
}

function damagedByLoss(path: string): SyncError {
  return new SyncError("damaged-metadata", `The replica's metadata file ${path} is missing.`, { path });
}
