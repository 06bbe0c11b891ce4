import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import { type LibsqlMetadataFile, readLibsqlMetadata } from "../takeover/libsql-metadata.js";
import { LOCAL_TABLE } from "../tape/tape-schema.js";
import { decodeUtf8 } from "../values/utf8.js";
import { readMetadataFile } from "./find-metadata.js";
import { hasContent } from "./keep-aside.js";
import type { ReplicaConfig } from "./replica-config.js";
import { replicaFiles } from "./replica-session.js";

/** A replica of libSQL's client. */
export interface Leftovers {
  /** `undefined`: there is no metadata file. */
  readonly file: LibsqlMetadataFile | undefined;
  /** Some program has the database open. */
  readonly isOpen: boolean;
}

/** What every metadata file of Tributary's says of itself. */
const OWN_FORMAT = "tributary-replica";

/**
 * Looks for a replica of libSQL's client that is to be taken over; `undefined` where there is none. Its metadata file tells,
 * also a damaged one; where that has nothing to tell any more, a log that was never checkpointed does. Changes nothing.
 */
export function* findLeftovers({ path, takeover }: ReplicaConfig): Coroutine<Leftovers | undefined> {
  if (takeover === undefined) return undefined;
  const files = replicaFiles(path);
  const bytes = yield* readMetadataFile(files.metadata);
  if (bytes !== undefined && decodeUtf8(bytes).includes(OWN_FORMAT)) return undefined;
  const file = bytes && readLibsqlMetadata(bytes);
  const hasLog = yield* hasContent(files.log);
  const isUnnamed = bytes !== undefined && hasLog && !isAnothers(bytes);
  const tells = file !== undefined && (file.type !== "foreign" || isUnnamed);
  if (!tells && !takeover.always) return undefined;
  // Before the file is opened: closing it ends the locks by which this process would be seen to have it open.
  const isOpen = takeover.isOpenElsewhere(path);
  if (!tells && !hasLog && !(yield* hasContent(path))) return undefined;
  // One that has a tape is a replica of Tributary's, whatever lies beside it.
  return (yield* hasTape(path, file)) ? undefined : { file, isOpen };
}

/** A file of @tursodatabase/sync: its database is not read like libSQL's. */
function isAnothers(bytes: Uint8Array): boolean {
  return decodeUtf8(bytes).includes("client_unique_id");
}

/** Where the database cannot be read, metadata that is whole tells that it has none. */
function* hasTape(path: string, file: LibsqlMetadataFile | undefined): Coroutine<boolean> {
  if (!(yield* hasContent(path))) return false;
  try {
    const sql = "SELECT 1 FROM sqlite_schema WHERE name = ?";
    return (yield* io.queryFile(path, sql, [LOCAL_TABLE])).length > 0;
  } catch (error) {
    if (!(error instanceof SyncError) || error.code !== "sql-failed") throw error;
    return file?.type !== "known";
  }
}
