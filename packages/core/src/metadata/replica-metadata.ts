import { SyncError } from "../errors/sync-error.js";
import type { SyncedPages } from "../ports/replica-pages.js";
import { crc32 } from "../values/crc32.js";
import { decodeUtf8, encodeUtf8 } from "../values/utf8.js";

/** What `<database>-info` holds: where the replica stands. Replaced atomically; never edited in place. */
export interface ReplicaMetadata {
  /** `NAME-UUID`: names this replica to the remote. */
  readonly clientId: string;
  /** The synced revision; `undefined` before the first pull. */
  readonly revision: string | undefined;
  /** Some numbers of pages that the last pull changed: by them the revision is told from another one of its name. */
  readonly witnesses: readonly number[];
  readonly pages: SyncedPages;
  /** Id of the newest replay journal that is done with, which a power cut may bring back; `undefined`: not known. */
  readonly finishedJournal: string | undefined;
  /**
   * Stamp of the database file when this was saved. While it holds, nobody else has moved pages into the file, and what
   * `pages` says of it is so.
   */
  readonly fileStamp: string | undefined;
  /** Whether the replica was closed, and not left by a process that died, and no push of it may still be on its way. */
  readonly closed: boolean;
  /** Whether it was closed with a local state that is the synced one and the replica's own tables, nothing else. */
  readonly rests: boolean;
  /** How far the tape of the present pull generation has been pushed, as far as it was noted: a hint for `stats`. */
  readonly pushedChangeId: number;
  /** Milliseconds since the Unix epoch, `undefined` for never. */
  readonly lastPullAt: number | undefined;
  readonly lastPushAt: number | undefined;
}

/** What the file begins with, whatever its version. */
const FORMAT = "tributary-replica";
const VERSION = 1;

/** No metadata is larger; a longer file is something else. Bytes. */
export const MAX_METADATA_BYTES = 65_536;

/**
 * The bytes of a metadata file: one line of JSON, `{"format","version","checksum","content"}`, the checksum being the
 * CRC-32 of `version content`, as JSON text, in eight hex digits. Text, so that a person can read it.
 */
export function encodeMetadata(metadata: ReplicaMetadata): Uint8Array {
  const content = JSON.stringify(metadata);
  const checksum = checksumOf(VERSION, content);
  return encodeUtf8(
    `{"format":"${FORMAT}","version":${VERSION},"checksum":"${checksum}","content":${content}}\n`,
  );
}

/** Reads a metadata file. Fails with `damaged-metadata`, or `not-a-replica` for a file of another program or version. */
export function decodeMetadata(bytes: Uint8Array, path: string): ReplicaMetadata {
  let file: unknown;
  try {
    file = JSON.parse(decodeUtf8(bytes));
  } catch (cause) {
    throw damaged(path, "is not the JSON it should be", cause);
  }
  if (!isRecord(file)) throw damaged(path, "is not a JSON object");
  if ("client_unique_id" in file) throw foreign(path, "a file of @tursodatabase/sync");
  if ("durable_frame_num" in file) throw foreign(path, "a file of a libSQL replica");
  if (file.format !== FORMAT) throw damaged(path, "does not say that it is Tributary's");
  if (!isRecord(file.content) || !hasItsChecksum(file)) throw damaged(path, "does not match its checksum");
  // Only now: a flipped bit must not make another version of it.
  if (file.version !== VERSION) throw anotherVersion(path, file.version);
  const content = file.content as unknown as ReplicaMetadata;
  if (typeof content.clientId !== "string" || !isRecord(content.pages) || !Array.isArray(content.witnesses)) {
    throw damaged(path, "lacks what it should say");
  }
  // JSON leaves out what is undefined; give every field back so that callers see one shape.
  return {
    clientId: content.clientId,
    revision: content.revision,
    witnesses: content.witnesses,
    pages: {
      databaseSize: content.pages.databaseSize,
      header: content.pages.header,
      watermark: content.pages.watermark,
      revertId: content.pages.revertId,
    },
    finishedJournal: content.finishedJournal,
    fileStamp: content.fileStamp,
    closed: content.closed,
    // Absent in files of earlier versions.
    rests: content.rests === true,
    pushedChangeId: content.pushedChangeId,
    lastPullAt: content.lastPullAt,
    lastPushAt: content.lastPushAt,
  };
}

function hasItsChecksum({ version, checksum, content }: Record<string, unknown>): boolean {
  try {
    return checksum === checksumOf(version, JSON.stringify(content));
  } catch (error) {
    // Nested so deeply that it cannot be written again: nothing that was written here.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function checksumOf(version: unknown, content: string): string {
  return crc32(encodeUtf8(`${String(version)} ${content}`))
    .toString(16)
    .padStart(8, "0");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function damaged(path: string, what: string, cause?: unknown): SyncError {
  const message = `The replica's metadata file ${path} ${what}. The database and its local changes are untouched: keep both files.`;
  return new SyncError("damaged-metadata", message, { path, cause });
}

function anotherVersion(path: string, version: unknown): SyncError {
  return new SyncError(
    "not-a-replica",
    `${path} was written by another version of Tributary (its format is ${String(version)}, this one knows ${VERSION}). Open the replica with that version; nothing was touched.`,
    { path },
  );
}

function foreign(path: string, what: string): SyncError {
  return new SyncError("not-a-replica", `${path} is ${what}. Open the replica at another path.`, { path });
}
