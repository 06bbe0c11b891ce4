import { foldName } from "../capture/schema-row.js";
import type { TableShape } from "../capture/table-shape.js";
import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { SqlFailure } from "../ports/sql-io.js";
import { coalesceChanges } from "../replay/coalesce-changes.js";
import { statementsOf } from "../replay/transform.js";
import { parseTapeRow } from "../tape/read-tape.js";
import type { TapeCopy } from "../tape/replay-journal.js";
import type { ReplaySource } from "../tape/replay-source.js";
import type { RowChange, SchemaChange, TapeChange } from "../tape/tape-change.js";
import { isBefore, type TapePosition } from "../tape/tape-position.js";
import { createTapeSql, SHAPE_TABLE } from "../tape/tape-schema.js";
import type { SqlStatement } from "../values/sql-value.js";
import { restoreStreams } from "./carry-streams.js";
import { isLocalOnly } from "./local-only.js";
import { readPulledPosition, setLocalValue } from "./local-values.js";
import { parkChange } from "./park-change.js";
import type { ReplicaConfig } from "./replica-config.js";
import { runOrFail } from "./run-or-fail.js";

/** A change that could not be replayed, and why. */
interface ReplayFailure extends SqlFailure {
  readonly change: TapeChange;
}

/** What an ALTER or DROP says when the remote has already done the same, or the object is gone there. */
const NOTHING_TO_DO = /duplicate column name|there is already (an|another) |already exists|no such /;
/** Codes of SQLite's that say nothing of a change. */
const HOST_FAILURE = /^SQLITE_(FULL|IOERR|CANTOPEN|READONLY|NOMEM|BUSY|LOCKED|INTERRUPT)/;
/** What a CREATE says when what it builds on is not there. */
const NO_PLACE = /no such (table|column|index|view|trigger)/;

/**
 * Makes the tape anew on freshly published remote state, inside the write transaction that the caller began: what the
 * remote does not have yet is repeated, and thereby recorded again; the rest is in the pages. Fails with
 * `replay-conflict` when a change and the remote state cannot both hold.
 */
export function* replayTape(config: ReplicaConfig, reader: ReplaySource): Coroutine<void> {
  const { journal } = reader;
  const position = yield* readPulledPosition(journal.clientId);
  if (!journal.full && isBefore(position, journal.position)) {
    throw new SyncError(
      "remote-went-back",
      `The remote has lost pushes of the client ${journal.clientId} that it had taken: it was restored from a backup. What it says has changed is not enough to follow it.`,
    );
  }
  const pushed = pushedOf(journal, position);
  if (pushed === undefined) throw isElsewhere(journal.clientId);
  yield* replayAbove(config, reader, pushed);
  yield* restoreStreams(reader);
}

/**
 * Up to which change the remote has a tape; `undefined` when it has taken pushes of this client that are not on it.
 */
export function pushedOf(
  tape: Pick<TapeCopy, "pullGeneration" | "lastChangeId">,
  position: TapePosition | undefined,
): number | undefined {
  if (position === undefined || position.pullGeneration < tape.pullGeneration) return 0;
  if (position.pullGeneration > tape.pullGeneration) return undefined;
  return position.changeId <= (tape.lastChangeId ?? position.changeId) ? position.changeId : undefined;
}

/**
 * Whether pushes of this client have come with a pull that are not of an earlier tape: a replay, which follows pushes of
 * its own, makes a tape of a later generation.
 */
export function hasPushesOfOthers(pulled: TapePosition | undefined, pullGeneration: number): boolean {
  return pulled !== undefined && pulled.pullGeneration >= pullGeneration;
}

/** Another copy of the replica has gone on under this client's name. */
export function isElsewhere(clientId: string): SyncError {
  return new SyncError(
    "pull-generation-ahead",
    `The remote has taken pushes of the client ${clientId} that this replica does not know: a copy of the replica is in use elsewhere, or an older one was restored. Repair the replica: it then goes on as a client of its own.`,
  );
}

/** As `replayTape`, for a tape of which the remote is known to have all up to a change id. */
export function* replayAbove(
  config: ReplicaConfig,
  reader: ReplaySource<TapeCopy>,
  pushed: number,
  clientId: string = reader.journal.clientId,
): Coroutine<void> {
  const { journal } = reader;

  yield* io.executeSql("writer", createTapeSql(journal.tapeValues));
  yield* runOrFail([
    ...journal.shapes.map(([id, shape]) => ({
      sql: `INSERT OR IGNORE INTO main.${SHAPE_TABLE} (id, description) VALUES (?, ?)`,
      params: [BigInt(id), JSON.stringify(shape)],
    })),
    setLocalValue("clientId", clientId),
    setLocalValue("pullGeneration", BigInt(journal.pullGeneration + 1)),
    setLocalValue("journalId", journal.id),
  ]);
  yield* io.refreshCapture("writer");

  const shapes = new Map(journal.shapes);
  // A change that was never pushed because it is local only has to be repeated whatever its id.
  const isPending = (change: TapeChange): boolean =>
    change.changeId > pushed || change.parked || isLocalOnly(change, config.ignoreTables);
  function* pendingChanges(): Coroutine<readonly TapeChange[] | undefined> {
    const rows = yield* reader.nextRows();
    return rows.length === 0 ? undefined : rows.map((row) => parseTapeRow(row, shapes)).filter(isPending);
  }

  // The steps of one row may pass through states that only the end of the transaction mends.
  yield* io.executeSql("writer", "PRAGMA defer_foreign_keys = ON; SAVEPOINT tributary_replay");
  const { yields = false } = journal;
  const failure = yield* replayAll({ config, yields }, pendingChanges);
  if (failure !== undefined) {
    yield* io.executeSql("writer", "ROLLBACK TO tributary_replay");
    yield* io.refreshCapture("writer");
    reader.rewind();
    const all: TapeChange[] = [];
    for (let next = yield* pendingChanges(); next !== undefined; next = yield* pendingChanges())
      all.push(...next);
    const netFailure = yield* replayAll({ config, yields }, once(coalesceChanges(all)));
    if (netFailure !== undefined) throw conflict(netFailure);
  }
  yield* io.executeSql("writer", "RELEASE tributary_replay");
}

/** A source of changes that has them at hand. */
function once(changes: readonly TapeChange[]): () => Coroutine<readonly TapeChange[] | undefined> {
  let given = false;
  // biome-ignore lint/correctness/useYield: a source may have to read; this one need not.
  return function* () {
    if (given) return undefined;
    given = true;
    return changes;
  };
}

/** How row changes are repeated. */
interface Replay {
  readonly config: ReplicaConfig;
  /** Inserts make way for what is there. */
  readonly yields: boolean;
}

function* replayAll(
  replay: Replay,
  next: () => Coroutine<readonly TapeChange[] | undefined>,
): Coroutine<ReplayFailure | undefined> {
  const columns = new Map<string, ReadonlySet<string>>();
  for (let changes = yield* next(); changes !== undefined; changes = yield* next()) {
    for (let from = 0; from < changes.length; ) {
      const change = changes[from] as TapeChange;
      let failure: ReplayFailure | undefined;
      if (change.type === "schema") {
        failure = yield* replaySchemaChange(change);
        columns.clear();
        from++;
      } else {
        let to = from;
        while (to < changes.length && changes[to]?.type !== "schema") to++;
        failure = yield* replayRowChanges(replay, changes.slice(from, to) as RowChange[], columns);
        from = to;
      }
      if (failure !== undefined) return failure;
    }
  }
  return undefined;
}

function* replaySchemaChange(change: SchemaChange): Coroutine<ReplayFailure | undefined> {
  const failure = yield* io.runSql([{ sql: change.sql, params: [] }]);
  if (failure === undefined) return undefined;
  if (/^\s*(ALTER|DROP)\b/i.test(change.sql) && NOTHING_TO_DO.test(failure.message)) return undefined;
  if (!NO_PLACE.test(failure.message)) return { ...failure, change };
  yield* runOrFail([parkChange(change)]);
  return undefined;
}

function* replayRowChanges(
  { config, yields }: Replay,
  changes: readonly RowChange[],
  columns: Map<string, ReadonlySet<string>>,
): Coroutine<ReplayFailure | undefined> {
  const shapes = new Set(changes.map(({ shape }) => shape));
  for (const { table } of shapes) if (!columns.has(table)) columns.set(table, yield* columnsOf(table));
  const known = (shape: TableShape): ReadonlySet<string> => columns.get(shape.table) as ReadonlySet<string>;
  // No table, or none with such a key any more: there is no row that the change could be about.
  const hasPlace = (shape: TableShape): boolean =>
    known(shape).size > 0 &&
    (shape.key.type === "rowid" || shape.key.columns.every((name) => known(shape).has(foldName(name))));
  const placeless = new Set([...shapes].filter((shape) => !hasPlace(shape)));
  const isParked = ({ shape }: RowChange): boolean => placeless.has(shape);
  if (placeless.size > 0) yield* runOrFail(changes.filter(isParked).map(parkChange));
  const placed = placeless.size > 0 ? changes.filter((change) => !isParked(change)) : changes;
  const made = statementsOf(placed, config.transform, (shape) => ({ columns: known(shape), yields }));
  const steps: RowChange[] = [];
  const statements: SqlStatement[] = [];
  for (const [index, change] of placed.entries()) {
    const statement = made[index];
    if (statement === undefined) continue;
    steps.push(change);
    statements.push(statement);
  }
  const failure = yield* io.runSql(statements);
  return failure && { ...failure, change: steps[failure.index] as RowChange };
}

function* columnsOf(table: string): Coroutine<ReadonlySet<string>> {
  const rows = yield* io.querySql("writer", "SELECT name FROM pragma_table_info(?)", [table]);
  return new Set(rows.map(([name]) => foldName(String(name))));
}

/** Commits the replay. Foreign keys are checked only here, because steps may mend what earlier steps broke. */
export function* commitReplay(): Coroutine<void> {
  try {
    yield* io.executeSql("writer", "COMMIT");
  } catch (error) {
    if (!(error instanceof SyncError) || error.details.sqlCode !== "SQLITE_CONSTRAINT_FOREIGNKEY")
      throw error;
    const [violation] = yield* io.querySql("writer", "PRAGMA foreign_key_check");
    const table = String(violation?.[0]);
    throw new SyncError(
      "replay-conflict",
      `A local change of ${table} refers to a row of ${String(violation?.[2])} that the remote no longer has. Mend the local rows, then pull again; nothing was changed.`,
      { table, sqlCode: error.details.sqlCode, cause: error },
    );
  }
}

function conflict({ change, message, sqlCode }: ReplayFailure): SyncError {
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(sqlCode)) {
    return new SyncError(
      "invalid-page-stream",
      `The pages that were sent make no sound database: ${message}.`,
      { sqlCode },
    );
  }
  // A disk that is full or broken is nobody's conflict.
  if (HOST_FAILURE.test(sqlCode)) return new SyncError("sql-failed", message, { sqlCode });
  const where =
    change.type === "schema" ? "A local schema change" : `A local ${change.type} in ${change.shape.table}`;
  return new SyncError(
    "replay-conflict",
    `${where} does not fit what the remote sent: ${message}. Mend the local rows, then pull again; nothing was changed.`,
    { sqlCode, changeId: change.changeId, ...(change.type !== "schema" && { table: change.shape.table }) },
  );
}
