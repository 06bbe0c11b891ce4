import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import {
  CREATE_STREAM_TABLES,
  createKeptSql,
  STREAM_TABLES,
  STREAM_VALUE,
} from "../streams/stream-schema.js";
import { lastChangeId } from "../tape/read-tape.js";
import type { CarriedStreams, ReplayJournalWriter } from "../tape/replay-journal.js";
import type { ReplaySource } from "../tape/replay-source.js";
import { LOCAL_TABLE } from "../tape/tape-schema.js";
import type { SqlRow, SqlStatement, SqlValue } from "../values/sql-value.js";
import { hasTable, setNamedValue } from "./local-values.js";
import { readTablePieces } from "./read-table-pieces.js";
import type { ReplicaSession } from "./replica-session.js";
import { runOrFail } from "./run-or-fail.js";
import { tapeBoundaries } from "./tape-boundaries.js";

/*
 * A pull rolls back everything local, the tables of change streams too, and makes the tape anew with other ids. Here
 * they are copied to the replay journal and back, so that to the peers of a stream nothing has happened: their positions
 * stand, cursors go on where they were, and what they have not acknowledged is kept under its cursor.
 */

/**
 * How many of the newest changes a pull keeps for streams to a receiver without a name, where none has a name: each pull
 * copies what is kept, and nobody says how long it is needed.
 */
const KEPT_FOR_NOBODY = 10_000;

const KEPT_FIXED_COLUMNS = ["cursor", "ends", "shape", "op", "parked"] as const;

/** What a row of the journal's second section is: its first value. The others are the row. */
const ROW = {
  value: 0n,
  peer: 1n,
  source: 2n,
  part: 3n,
  origin: 4n,
  seen: 5n,
  kept: 6n,
  boundary: 7n,
} as const;

/** How the rows of a table are read: in pieces by an integer key, or at once where they are few. */
const TABLES = [
  { kind: ROW.peer, table: STREAM_TABLES.peer, key: undefined },
  { kind: ROW.source, table: STREAM_TABLES.source, key: undefined },
  { kind: ROW.part, table: STREAM_TABLES.part, key: "rowid" },
  { kind: ROW.origin, table: STREAM_TABLES.origin, key: "first" },
  { kind: ROW.seen, table: STREAM_TABLES.seen, key: undefined },
] as const;

const TABLE_OF: ReadonlyMap<SqlValue | undefined, string> = new Map(
  TABLES.map(({ kind, table }) => [kind, table]),
);

/** What the journal's header says of change streams; `undefined` where their tables are not there. */
export function* readCarriedStreams(lastId: number): Coroutine<CarriedStreams | undefined> {
  if (!(yield* hasTable(STREAM_TABLES.seen))) return undefined;
  const values = new Map(yield* readStreamValues());
  const numberOf = (name: string): number => Number(values.get(name) ?? 0);
  const base = numberOf(STREAM_VALUE.base);
  const sql = `SELECT min(acknowledged) FROM main.${STREAM_TABLES.peer} WHERE is_behind = 0`;
  const [peers] = yield* io.querySql("writer", sql);
  const end = base + lastId;
  const needed = Number(peers?.[0] ?? end - KEPT_FOR_NOBODY);
  const width = `SELECT count(*) FROM pragma_table_info('${STREAM_TABLES.kept}')`;
  const [kept] = yield* io.querySql("writer", width);
  return {
    base,
    keptValues: Math.max(0, Number(kept?.[0]) - KEPT_FIXED_COLUMNS.length),
    repeatedUpTo: numberOf(STREAM_VALUE.repeatedUpTo),
    trimmedUpTo: Math.max(numberOf(STREAM_VALUE.trimmedUpTo), Math.min(needed, end)),
  };
}

/** Adds the rows of the stream tables to a journal, a bounded amount at a time. */
export function* writeStreams(
  session: ReplicaSession,
  writer: ReplayJournalWriter,
  { base, trimmedUpTo }: CarriedStreams,
): Coroutine<void> {
  const add = function* (kind: bigint, rows: readonly SqlRow[]): Coroutine<void> {
    yield* writer.add(rows.map((row) => [kind, ...row]));
  };
  const addPieces = function* (kind: bigint, next: () => Coroutine<readonly SqlRow[]>): Coroutine<void> {
    for (let rows = yield* next(); rows.length > 0; rows = yield* next()) yield* add(kind, rows);
  };
  yield* add(ROW.value, yield* readStreamValues());
  for (const { kind, table, key } of TABLES) {
    const all = (): Coroutine<readonly SqlRow[]> => io.querySql("writer", `SELECT * FROM main.${table}`);
    if (key === undefined) yield* add(kind, yield* all());
    else {
      const before = kind === ROW.origin ? yield* lastOriginDone(trimmedUpTo) : 0;
      yield* addPieces(kind, readTablePieces(table, key, before));
    }
  }
  if (yield* hasTable(STREAM_TABLES.kept)) {
    yield* addPieces(ROW.kept, readTablePieces(STREAM_TABLES.kept, "cursor", trimmedUpTo));
  }
  const boundaries = yield* tapeBoundaries(session);
  yield* add(
    ROW.boundary,
    boundaries.filter((id) => base + id > trimmedUpTo).map((id) => [BigInt(id)]),
  );
}

/** Puts back what {@link writeStreams} saved, beside the tape that was just made anew. */
export function* restoreStreams(reader: ReplaySource): Coroutine<void> {
  const { journal } = reader;
  const { streams } = journal;
  if (streams === undefined) return;
  const keptValues = Math.max(journal.tapeValues, streams.keptValues ?? 0);
  yield* io.executeSql("writer", `${CREATE_STREAM_TABLES}; ${createKeptSql(keptValues)}`);
  const boundaries: number[] = [];
  for (let rows = yield* reader.nextStreamRows(); rows.length > 0; rows = yield* reader.nextStreamRows()) {
    const statements: SqlStatement[] = [];
    for (const [kind, ...row] of rows) {
      if (kind === ROW.boundary) boundaries.push(Number(row[0]));
      else if (kind === ROW.value) statements.push(setNamedValue(String(row[0]), row[1] ?? null));
      else if (kind === ROW.kept) statements.push(insertKept(row));
      else statements.push(insertRow(TABLE_OF.get(kind) as string, row));
    }
    yield* runOrFail(statements);
  }
  yield* keepTape(reader, streams, boundaries);
  const newLast = yield* lastChangeId();
  const oldLast = Number(journal.lastChangeId);
  yield* runOrFail([
    // The next change has the next id, and is to have the next cursor.
    setNamedValue(STREAM_VALUE.base, BigInt(streams.base + oldLast - newLast)),
    setNamedValue(STREAM_VALUE.repeatedUpTo, BigInt(newLast)),
    setNamedValue(STREAM_VALUE.trimmedUpTo, BigInt(streams.trimmedUpTo)),
  ]);
}

/** Keeps the rows of the tape before the pull that somebody may need, under their cursors. */
function* keepTape(
  reader: ReplaySource,
  { base, repeatedUpTo, trimmedUpTo }: CarriedStreams,
  boundaries: readonly number[],
): Coroutine<void> {
  const after = Math.max(repeatedUpTo, trimmedUpTo - base);
  let boundary = 0;
  /** Whether a transaction ended between a row and the next one. */
  const endsBetween = (id: number, next: number): boolean => {
    while (boundary < boundaries.length && (boundaries[boundary] as number) < id) boundary++;
    return (boundaries[boundary] ?? next) < next;
  };
  let held: SqlRow | undefined;
  const insertHeld = (ends: (id: number) => boolean): SqlStatement[] => {
    if (held === undefined) return [];
    const [id, ...rest] = held;
    return [insertKept([BigInt(base + Number(id)), ends(Number(id)) ? 1n : 0n, ...rest])];
  };
  reader.rewind();
  for (let rows = yield* reader.nextRows(); rows.length > 0; rows = yield* reader.nextRows()) {
    const statements: SqlStatement[] = [];
    for (const row of rows) {
      const next = Number(row[0]);
      if (next <= after) continue;
      statements.push(...insertHeld((id) => endsBetween(id, next)));
      held = row;
    }
    yield* runOrFail(statements);
  }
  // Nothing is under way while a pull is applied.
  yield* runOrFail(insertHeld(() => true));
}

/** Where the newest range of origins begins that ends at or below a cursor: nobody asks for it any more. */
function* lastOriginDone(cursor: number): Coroutine<number> {
  const sql = `SELECT max(first) FROM main.${STREAM_TABLES.origin} WHERE last <= ?`;
  const [row] = yield* io.querySql("writer", sql, [BigInt(cursor)]);
  return Number(row?.[0] ?? 0);
}

function* readStreamValues(): Coroutine<(readonly [string, SqlValue])[]> {
  const sql = `SELECT name, value FROM main.${LOCAL_TABLE} WHERE substr(name, 1, 7) = 'stream_'`;
  const rows = yield* io.querySql("writer", sql);
  return rows.map(([name, value]) => [String(name), value ?? null]);
}

function insertRow(table: string, row: SqlRow): SqlStatement {
  return { sql: `INSERT INTO main.${table} VALUES (${row.map(() => "?").join(", ")})`, params: row };
}

/** Of a row that may have fewer values than the table has room for. */
function insertKept(row: SqlRow): SqlStatement {
  const columns = row.map((_, index) => KEPT_FIXED_COLUMNS[index] ?? `v${index - KEPT_FIXED_COLUMNS.length}`);
  return {
    sql: `INSERT INTO main.${STREAM_TABLES.kept} (${columns.join(", ")}) VALUES (${row.map(() => "?").join(", ")})`,
    params: row,
  };
}
