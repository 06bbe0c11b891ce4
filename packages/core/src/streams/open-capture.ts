import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { hasTable, readLocalValue, setLocalValue, setNamedValue } from "../engine/local-values.js";
import { acquireLock, replicaFiles } from "../engine/replica-session.js";
import { runOrFail } from "../engine/run-or-fail.js";
import { readSavedBoundaries } from "../engine/tape-boundaries.js";
import { SyncError } from "../errors/sync-error.js";
import { neededValues } from "../tape/needed-values.js";
import { createTapeSql, GAP_IDS, LOCAL_TABLE, TAPE_OPERATION, TAPE_TABLE } from "../tape/tape-schema.js";
import { hexOf } from "../values/hex.js";
import { STREAM_VALUE } from "./stream-schema.js";
import { makeStreamTables, newEpoch } from "./stream-state.js";
import { writing } from "./write-transaction.js";

/** Options of {@link openCapture}. */
export interface CaptureSettings {
  readonly path: string;
  /** Begins the name of the site, when it is new. */
  readonly name: string;
}

/** Before the oldest of them the tape counts as one transaction. */
const MOST_BOUNDARIES = 65_536;

/** Values of `tributary_local` under `captured`: the database is captured, and no replica. */
const CAPTURED = { closed: 0n, open: 1n } as const;

/**
 * Opens a database whose changes are captured without it being a replica, with the connections of the SQL port, and makes
 * it one where it is not yet. Only the SQL port and the clock are asked. Returns the name of the site, which stays.
 *
 * Where it was not closed the last time, the tape leaves a gap: with `synchronous` below FULL a power cut may have taken
 * changes that receivers have already, and their cursors must not be given again.
 *
 * Fails with `replica-in-use` when it is open already, with `invalid-state` for the file of a replica, and with
 * `database-busy` while another program has a transaction open.
 */
export function* openCapture({ path, name }: CaptureSettings): Coroutine<string> {
  yield* acquireLock(path);
  try {
    yield* checkIsNoReplica(path);
    yield* io.openConnections(path);
    try {
      const site = yield* writing(() => beginCapture(path, name));
      yield* io.refreshCapture("app");
      return site;
    } catch (error) {
      yield* io.closeConnections();
      throw error;
    }
  } catch (error) {
    yield* io.releaseLock();
    throw error;
  }
}

/** Closes it, saving where transactions ended. Fails with `database-busy`, leaving it open. */
export function* closeCapture(): Coroutine<void> {
  yield* writing(function* () {
    const noted = yield* io.transactionBoundaries();
    const [row] = yield* io.querySql("writer", `SELECT min(id) FROM main.${TAPE_TABLE}`);
    const oldest = Number(row?.[0] ?? 0);
    const saved = (yield* readSavedBoundaries()).filter((id) => id < (noted[0] ?? Number.POSITIVE_INFINITY));
    yield* runOrFail([
      setLocalValue(
        "boundaries",
        JSON.stringify([...saved, ...noted].filter((id) => id >= oldest).slice(-MOST_BOUNDARIES)),
      ),
      setLocalValue("captured", CAPTURED.closed),
    ]);
  });
  yield* io.closeConnections();
  yield* io.releaseLock();
}

/**
 * A replica whose apply was interrupted has no tape, only the files beside it. There are SQL ports without files, and that
 * metadata is no database is enough to know that it is there.
 */
function* checkIsNoReplica(path: string): Coroutine<void> {
  try {
    yield* io.queryFile(replicaFiles(path).metadata, "SELECT 1 FROM sqlite_schema LIMIT 1");
  } catch (error) {
    if (!(error instanceof SyncError) || error.code !== "sql-failed") throw error;
    if (error.details.sqlCode?.startsWith("SQLITE_CANTOPEN")) return;
  }
  throw isReplica(path);
}

function isReplica(path: string): SyncError {
  return new SyncError(
    "invalid-state",
    `${path} is the file of a replica: open it with openReplica, whose database has change streams too.`,
    { path },
  );
}

function* beginCapture(path: string, name: string): Coroutine<string> {
  if ((yield* hasTable(LOCAL_TABLE)) && (yield* readLocalValue("pullGeneration")) !== null) {
    throw isReplica(path);
  }
  const isNew = !(yield* hasTable(TAPE_TABLE));
  const [older] = isNew
    ? yield* io.querySql("writer", "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' LIMIT 1")
    : [];
  yield* io.executeSql("writer", createTapeSql(yield* neededValues()));
  if (older !== undefined) yield* runOrFail([setNamedValue(STREAM_VALUE.hasOlderRows, 1n)]);
  yield* makeStreamTables(newEpoch(yield* io.randomBytes(7)));
  if ((yield* readLocalValue("captured")) === CAPTURED.open) yield* io.executeSql("writer", LEAVE_GAP_SQL);
  const known = yield* readLocalValue("clientId");
  const site = typeof known === "string" ? known : `${name}-${hexOf(yield* io.randomBytes(16))}`;
  yield* runOrFail([setLocalValue("clientId", site), setLocalValue("captured", CAPTURED.open)]);
  yield* io.refreshCapture("writer");
  return site;
}

/** Not on a tape that has nothing yet: there is nothing whose cursor could be given again. */
const LEAVE_GAP_SQL = `INSERT INTO main.${TAPE_TABLE} (id, shape, op)
  SELECT max(id) + ${GAP_IDS}, 0, ${TAPE_OPERATION.gap} FROM main.${TAPE_TABLE} HAVING max(id) IS NOT NULL`;
