import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { encodeMetadata, type ReplicaMetadata } from "../metadata/replica-metadata.js";
import { UNKNOWN_PAGES } from "../ports/replica-pages.js";
import { hexOf } from "../values/hex.js";
import { bootstrap } from "./bootstrap.js";
import { keepAside } from "./keep-aside.js";
import type { ReplicaConfig } from "./replica-config.js";
import { replicaFiles } from "./replica-session.js";
import { witnessesOf } from "./same-history.js";

/**
 * Makes a new replica: downloaded whole, or empty until its first pull. Where the database is gone and files beside it
 * were left, these are kept under another name: they would be taken for the new one's, and may be all that is left of
 * local changes.
 */
export function* createReplica(config: ReplicaConfig): Coroutine<ReplicaMetadata> {
  const files = replicaFiles(config.path);
  const download = config.bootstrapIfEmpty ? yield* bootstrap(config) : undefined;
  yield* keepAside(config.path);
  const clientId = yield* newClientId(config);
  const metadata: ReplicaMetadata = {
    clientId,
    revision: download?.revision,
    witnesses: download === undefined ? [] : spreadOver(download.pages.databaseSize),
    pages: download?.pages ?? UNKNOWN_PAGES,
    finishedJournal: undefined,
    fileStamp: download?.downloadedFile && (yield* io.fileStamp(download.downloadedFile)),
    closed: true,
    rests: download !== undefined,
    pushedChangeId: 0,
    lastPullAt: download === undefined ? undefined : yield* io.now(),
    lastPushAt: undefined,
  };
  yield* io.replaceWholeFile(files.metadata, encodeMetadata(metadata));
  if (download?.downloadedFile !== undefined) yield* io.renameFile(download.downloadedFile, config.path);
  else yield* io.removeFile(files.download);
  return metadata;
}

/** A client id that no other replica has. */
export function* newClientId({ clientName }: ReplicaConfig): Coroutine<string> {
  return `${clientName}-${uuidOf(yield* io.randomBytes(16))}`;
}

/** A version 4 UUID of 16 random bytes. */
function uuidOf(random: Uint8Array): string {
  const bytes = Uint8Array.from(random);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return hexOf(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Some pages of a database of that many. */
function spreadOver(databaseSize: number): readonly number[] {
  return witnessesOf(Uint32Array.from({ length: databaseSize }, (_, index) => index + 1));
}
