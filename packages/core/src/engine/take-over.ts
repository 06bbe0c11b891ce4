import { readSchemaRows, SCHEMA_SQL } from "../capture/schema-row.js";
import { imageWidth } from "../capture/table-shape.js";
import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import { compareImages } from "../row-diff/compare-images.js";
import type { DatabaseImage } from "../row-diff/database-image.js";
import { ImageDamage, type ImageDifference } from "../row-diff/image-difference.js";
import { LibsqlFiles } from "../takeover/libsql-files.js";
import { readUniqueColumns, UNIQUE_COLUMNS_SQL } from "../takeover/parked-row.js";
import {
  type ChangeOrder,
  DELETES_FIRST,
  MOVES_FIRST,
  PARKED_FIRST,
  type TakenChanges,
  type TakingRemote,
  takenChanges,
} from "../takeover/taken-changes.js";
import type { TakeoverHost } from "../takeover/takeover-host.js";
import { ReplayJournalWriter, type TapeCopy } from "../tape/replay-journal.js";
import { rowBytes } from "../tape/tape-cursor.js";
import { LEAST_TAPE_VALUES } from "../tape/tape-schema.js";
import { hexOf } from "../values/hex.js";
import type { SqlRow } from "../values/sql-value.js";
import type { Leftovers } from "./find-leftovers.js";
import { hasContent } from "./keep-aside.js";
import { rebuildBeside, replayCopy } from "./rebuild-beside.js";
import type { RepairReport } from "./repair-replica.js";
import type { ReplicaConfig } from "./replica-config.js";
import type { ReplicaSession } from "./replica-session.js";
import { takeoverNotice } from "./takeover-notice.js";

/** What taking over did. */
export interface Takeover {
  /** For `recovered`: what was there, and what has become of it. */
  readonly notice: SyncError;
  readonly repair: RepairReport;
}

/** A client that never was has pushed nothing. */
const NOTHING_PUSHED = { knownPushed: 0, isElsewhere: false, wasClosed: true } as const;
/** About as much is written at once, bytes. */
const BYTES_PER_BLOCK = 1024 * 1024;

/**
 * Makes a replica of what libSQL's client has left at a path: downloads the database afresh beside it, repeats the changes
 * that the client had not pushed, so that they are on the tape, and puts that in the place of the files, which are kept as
 * `<database>-libsql-<ms since 1970>`. Until that last step none of them is touched, and the step happens as a whole.
 *
 * The unpushed changes are the difference between the state at the durable frame and the newest one. Where that frame is not
 * known, rows that the remote does not have are taken for them; nothing is deleted or overwritten on such a guess.
 *
 * Fails with `replica-in-use`, `damaged-file` (what the client left cannot be read), `replay-conflict`, and all that a
 * pull may fail with.
 */
export function* takeOver(
  config: ReplicaConfig,
  host: TakeoverHost,
  leftovers: Leftovers,
): Coroutine<Takeover> {
  const { path } = config;
  if (leftovers.isOpen) throw inUse(path);
  let files: LibsqlFiles | undefined;
  try {
    files = new LibsqlFiles(host.files, path);
    return yield* takeOverFiles(config, host, files, leftovers);
  } catch (error) {
    if (error instanceof ImageDamage) throw unreadable(path, error);
    throw error instanceof SyncError ? explained(path, error) : error;
  } finally {
    files?.close();
  }
}

function* takeOverFiles(
  config: ReplicaConfig,
  host: TakeoverHost,
  files: LibsqlFiles,
  leftovers: Leftovers,
): Coroutine<Takeover> {
  const { path } = config;
  const durable = durableFrame(host, leftovers, files);
  const tape: TapeFile = { path: `${path}-salvage`, yields: durable === undefined, config };
  let taken = NOTHING;
  let given = 0;
  let untold = 0;
  const rebuilt = yield* rebuildBeside(config, {
    aside: `-libsql-${yield* io.now()}`,
    onDownloaded: function* (fresh, { clientId }) {
      // It may never have written, or another program has emptied its log before it pushed anything.
      const isUntold = durable === 0 && files.frames === 0;
      // Closed before SQLite opens the file: closing it later would drop SQLite's locks on it.
      const downloaded = durable === undefined || isUntold ? new LibsqlFiles(host.files, fresh) : undefined;
      try {
        const difference = differenceOf(host, files, durable ?? downloaded);
        const remote = yield* lookAt(fresh);
        if (difference !== undefined) taken = takenChanges(difference, remote, durable === undefined);
        const missing = isUntold ? differenceOf(host, files, downloaded) : undefined;
        if (missing !== undefined) untold = countRows(takenChanges(missing, remote, true));
        given = yield* writeTape(tape, clientId, taken, MOVES_FIRST);
      } finally {
        downloaded?.close();
      }
    },
    fill: function* (session) {
      try {
        return yield* replayCopy(session, tape.path, NOTHING_PUSHED);
      } catch (error) {
        const isConflict = error instanceof SyncError && error.code === "replay-conflict";
        if (!isConflict || durable === undefined) throw error;
        return yield* fillOtherwise(session, tape, taken, error);
      }
    },
  });
  yield* io.removeFile(tape.path);
  const notTaken = durable === undefined ? given - rebuilt.changes : 0;
  const notice = takeoverNotice(path, { leftovers, durable, taken, rebuilt, notTaken, untold });
  return { notice, repair: { ...rebuilt, unreadable: durable === undefined ? notice : undefined } };
}

function countRows({ rows }: TakenChanges): number {
  let count = 0;
  for (const [, shape] of rows(["insert"])) if (shape !== 0n) count++;
  return count;
}

/** What cannot be repeated in the usual order may be in another one. `conflict`: what hindered the usual one. */
function* fillOtherwise(
  session: ReplicaSession,
  tape: TapeFile,
  taken: TakenChanges,
  conflict: SyncError,
): Coroutine<number> {
  for (const order of taken.hasCascades ? [PARKED_FIRST] : [DELETES_FIRST, PARKED_FIRST]) {
    yield* writeTape(tape, session.metadata.clientId, taken, order);
    try {
      return yield* replayCopy(session, tape.path, NOTHING_PUSHED);
    } catch (error) {
      if (!(error instanceof SyncError) || error.code !== "replay-conflict") throw error;
    }
  }
  throw conflict;
}

const NOTHING: TakenChanges = { shapes: [], left: [], hasCascades: false, rows: () => [] };

/** Frames that the remote has; `undefined` where that is not known. */
function durableFrame(
  { framesAtRemote }: TakeoverHost,
  { file }: Leftovers,
  files: LibsqlFiles,
): number | undefined {
  const noted = file?.type === "known" ? file.metadata.durableFrames : undefined;
  if (framesAtRemote instanceof SyncError) throw framesAtRemote;
  // Another program has emptied the log: what is in it now may never have been sent.
  if (framesAtRemote === "other" || (noted ?? 0) > files.frames) return undefined;
  // It may have taken more than the client has learned of, or lost some of it.
  return framesAtRemote ?? noted;
}

/** @param since The durable frame, or the database of the remote. Undefined: there is no page that could differ. */
function differenceOf(
  host: TakeoverHost,
  files: LibsqlFiles,
  since: number | LibsqlFiles | undefined,
): ImageDifference | undefined {
  const after = files.imageAt(files.frames);
  if (after === undefined || since === undefined) return undefined;
  const scratch: TakeoverHost["scratch"] = () => host.scratch();
  if (typeof since !== "number") return missingIn(since.imageAt(0), after, scratch);
  return compareImages({
    before: files.imageAt(since),
    after,
    changedPages: files.changedSince(since),
    scratch,
  });
}

/**
 * The difference of two databases that have nothing to do with each other's pages: a table is known by its name alone, while
 * comparing takes one for renamed that is found where another one was.
 */
function missingIn(
  before: DatabaseImage | undefined,
  after: DatabaseImage,
  scratch: TakeoverHost["scratch"],
): ImageDifference {
  const options = { after, changedPages: undefined, scratch };
  const difference = compareImages({ ...options, before });
  const renamed = new Set(difference.renamedTables.map(({ to }) => to));
  if (renamed.size === 0) return difference;
  const all = compareImages({ ...options, before: undefined });
  const whole = new Map(all.tables.map((table) => [table.shape.table, table]));
  const tables = difference.tables.map((table) =>
    renamed.has(table.shape.table) ? (whole.get(table.shape.table) ?? table) : table,
  );
  return { ...difference, renamedTables: [], tables };
}

function* lookAt(path: string): Coroutine<TakingRemote> {
  if (!(yield* hasContent(path))) return { schema: [], unique: new Map() };
  return {
    schema: readSchemaRows(yield* io.queryFile(path, SCHEMA_SQL)),
    unique: readUniqueColumns(yield* io.queryFile(path, UNIQUE_COLUMNS_SQL)),
  };
}

interface TapeFile {
  readonly path: string;
  readonly yields: boolean;
  readonly config: ReplicaConfig;
}

/** Writes the changes as a tape, durably; returns how many there are. */
function* writeTape(
  { path, yields, config }: TapeFile,
  clientId: string,
  taken: TakenChanges,
  order: ChangeOrder,
): Coroutine<number> {
  const { shapes } = taken;
  const copy: TapeCopy = {
    id: hexOf(yield* io.randomBytes(16)),
    clientId,
    pullGeneration: 0,
    lastChangeId: undefined,
    tapeValues: Math.max(LEAST_TAPE_VALUES, ...shapes.map(([, shape]) => 2 * imageWidth(shape))),
    shapes,
    yields,
  };
  let changes = 0;
  yield* ReplayJournalWriter.write(path, copy, function* (writer) {
    let block: SqlRow[] = [];
    let bytes = 0;
    for (const row of taken.rows(order)) {
      block.push(row);
      bytes += rowBytes(row);
      changes++;
      if (bytes < BYTES_PER_BLOCK) continue;
      yield* writer.add(block);
      config.onProgress?.({ phase: "salvage", done: changes, total: undefined });
      block = [];
      bytes = 0;
    }
    yield* writer.add(block);
  });
  return changes;
}

function inUse(path: string): SyncError {
  return new SyncError(
    "replica-in-use",
    `${path} is a replica of libSQL's client, and some program has it open. Close it there, then open it here: it is taken over.`,
    { path },
  );
}

function unreadable(path: string, cause: ImageDamage): SyncError {
  return new SyncError(
    "damaged-file",
    `${path} is a replica of libSQL's client that cannot be read: ${cause.message}. Nothing was touched. Put back a copy of its files that is whole, or move them elsewhere to begin with what the remote has.`,
    { path, cause },
  );
}

function explained(path: string, cause: SyncError): SyncError {
  if (cause.code === "aborted") return cause;
  const advice = cause.code === "replay-conflict" ? " It can be skipped or rewritten by `transform`." : "";
  return new SyncError(
    cause.code,
    `${path} is a replica of libSQL's client, and could not be taken over: ${cause.message}${advice} Nothing was touched.`,
    { ...cause.details, cause },
  );
}
