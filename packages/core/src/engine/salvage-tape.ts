import type { TableShape } from "../capture/table-shape.js";
import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import {
  type ReplayJournal,
  ReplayJournalReader,
  ReplayJournalWriter,
  type TapeCopy,
} from "../tape/replay-journal.js";
import { TapeCursor, type TapeQuery } from "../tape/tape-cursor.js";
import {
  LOCAL_TABLE,
  LOCAL_VALUE,
  PUSH_POSITION_TABLE,
  SHAPE_TABLE,
  TAPE_FIXED_COLUMNS,
  TAPE_OPERATION,
  TAPE_TABLE,
} from "../tape/tape-schema.js";
import { hexOf } from "../values/hex.js";
import type { SqlRow } from "../values/sql-value.js";
import { hasContent } from "./keep-aside.js";
import { replicaFiles } from "./replica-session.js";

/** What could be read of the tape of a damaged replica. */
export interface SalvagedTape {
  /** The tape as a file of the form of the replay journal; `undefined` when there is none, or it is unreadable. */
  readonly file: string | undefined;
  /** Changes in it. */
  readonly changes: number;
  /** Why some changes, or all, could not be read; `undefined` when nothing is missing. */
  readonly unreadable: SyncError | undefined;
  /** Pushes of its client have come with a pull that are not of the tape: a copy of the replica has gone on. */
  readonly isElsewhere: boolean;
}

/**
 * Copies the tape of a replica that is not open into a file beside it, durably. It is read from the database, also when
 * other pages of it are damaged; where an apply was interrupted, from the replay journal.
 */
export function* salvageTape(path: string, onRead: (changes: number) => void): Coroutine<SalvagedTape> {
  let unreadable: SyncError | undefined;
  if (yield* hasContent(path)) {
    try {
      const found = yield* copyFromDatabase(path, onRead);
      if (found !== undefined) return found;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      unreadable = error;
    }
  }
  return yield* readJournal(replicaFiles(path).journal, unreadable);
}

/** @param why Why the database could not be read, if there is one. */
function* readJournal(file: string, why: SyncError | undefined): Coroutine<SalvagedTape> {
  const none = { file: undefined, changes: 0, isElsewhere: false };
  if (!(yield* hasContent(file))) return { ...none, unreadable: why };
  const damage = new SyncError("damaged-file", `${file} cannot be read to its end.`, {
    path: file,
    cause: why,
  });
  const whole = yield* ReplayJournalReader.open<ReplayJournal>(file);
  const reader = whole ?? (yield* ReplayJournalReader.open<ReplayJournal>(file, true));
  if (reader === undefined) return { ...none, unreadable: damage };
  let changes = 0;
  try {
    for (let rows = yield* reader.nextRows(); rows.length > 0; rows = yield* reader.nextRows()) {
      changes += rows.length;
    }
  } finally {
    yield* reader.close();
  }
  return { file, changes, unreadable: whole === undefined ? damage : undefined, isElsewhere: false };
}

/** Whether an error of SQLite says that pages of the file are not what they should be. */
export function isUnreadable(error: unknown): error is SyncError {
  return (
    error instanceof SyncError &&
    error.code === "sql-failed" &&
    /^SQLITE_(CORRUPT|NOTADB|IOERR_(READ|SHORT_READ|CORRUPTFS))/.test(error.details.sqlCode ?? "")
  );
}

/** `undefined` when the database has no tape. */
function* copyFromDatabase(
  path: string,
  onRead: (changes: number) => void,
): Coroutine<SalvagedTape | undefined> {
  const query: TapeQuery = (sql, params) => io.queryFile(path, sql, params);
  const tables = yield* query("SELECT name FROM sqlite_schema WHERE type = 'table'", []);
  const has = (table: string): boolean => tables.some(([name]) => name === table);
  if (!has(TAPE_TABLE) || !has(LOCAL_TABLE)) return undefined;
  const localRows = yield* query(`SELECT name, value FROM ${LOCAL_TABLE}`, []);
  const local = new Map(localRows.map(([name, value]) => [name, value]));
  const shapeRows = yield* query(`SELECT id, description FROM ${SHAPE_TABLE}`, []);
  const columns = yield* query(`SELECT count(*) FROM pragma_table_info('${TAPE_TABLE}')`, []);
  const copy: TapeCopy = {
    id: hexOf(yield* io.randomBytes(16)),
    clientId: String(local.get(LOCAL_VALUE.clientId)),
    pullGeneration: Number(local.get(LOCAL_VALUE.pullGeneration)),
    lastChangeId: yield* lastChangeIdOf(query),
    tapeValues: Number(columns[0]?.[0]) - TAPE_FIXED_COLUMNS.length,
    shapes: shapeRows.map(([id, description]) => [Number(id), JSON.parse(String(description)) as TableShape]),
  };
  const positions = has(PUSH_POSITION_TABLE)
    ? yield* query(`SELECT 1 FROM ${PUSH_POSITION_TABLE} WHERE client_id = ? AND pull_gen >= ?`, [
        copy.clientId,
        BigInt(copy.pullGeneration),
      ])
    : [];
  const file = `${path}-salvage`;
  let changes = 0;
  let unreadable: SyncError | undefined;
  yield* ReplayJournalWriter.write(file, copy, function* (writer) {
    unreadable = yield* copyRows(query, new Map(copy.shapes), function* (rows) {
      yield* writer.add(rows);
      changes += rows.length;
      onRead(changes);
    });
  });
  return { file, changes, unreadable, isElsewhere: positions.length > 0 };
}

/** `undefined` where the end of the tape cannot be read. */
function* lastChangeIdOf(query: TapeQuery): Coroutine<number | undefined> {
  try {
    const [row] = yield* query(`SELECT max(id) FROM ${TAPE_TABLE}`, []);
    return Number(row?.[0] ?? 0);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return undefined;
  }
}

/** Hands over all rows that can be read, in order; returns why others could not. */
function* copyRows(
  query: TapeQuery,
  shapes: ReadonlyMap<number, TableShape>,
  take: (rows: readonly SqlRow[]) => Coroutine<void>,
): Coroutine<SyncError | undefined> {
  const cursor = new TapeCursor(0, Number.MAX_SAFE_INTEGER, shapes, query);
  try {
    for (let rows = yield* cursor.next(); rows.length > 0; rows = yield* cursor.next()) yield* take(rows);
    return undefined;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    // Row by row up to the first that cannot be read, then from the other end back to the last that cannot.
    const forward = yield* readRows(query, "ASC", cursor.position, Number.MAX_SAFE_INTEGER);
    yield* take(forward);
    const reached = Number(forward.at(-1)?.[0] ?? cursor.position);
    const backward = yield* readRows(query, "DESC", reached, Number.MAX_SAFE_INTEGER);
    yield* take(backward.reverse());
    return error;
  }
}

/** Rows between two change ids, one by one, until one cannot be read. */
function* readRows(
  query: TapeQuery,
  order: "ASC" | "DESC",
  after: number,
  before: number,
): Coroutine<SqlRow[]> {
  const sql = `SELECT * FROM ${TAPE_TABLE} WHERE id > ? AND id < ? AND op <> ${TAPE_OPERATION.gap} ORDER BY id ${order} LIMIT 1`;
  const rows: SqlRow[] = [];
  let [low, high] = [after, before];
  for (;;) {
    try {
      const [row] = yield* query(sql, [BigInt(low), BigInt(high)]);
      if (row === undefined) return rows;
      rows.push(row);
      if (order === "ASC") low = Number(row[0]);
      else high = Number(row[0]);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return rows;
    }
  }
}
