import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { hasTable, setNamedValue } from "../engine/local-values.js";
import { runOrFail } from "../engine/run-or-fail.js";
import { LOCAL_TABLE, TAPE_TABLE } from "../tape/tape-schema.js";
import type { SqlRow, SqlValue } from "../values/sql-value.js";
import { CREATE_STREAM_TABLES, STREAM_TABLES, STREAM_VALUE } from "./stream-schema.js";
import { writing } from "./write-transaction.js";

/** Where the tape of a database stands, as its streams see it. */
export interface StreamState {
  readonly epoch: number;
  /** Cursor of a row of the tape, less its id. */
  readonly base: number;
  /** Rows of the tape with ids up to here are passed over. */
  readonly repeatedUpTo: number;
  /** Changes up to this cursor are not kept any more. */
  readonly trimmedUpTo: number;
  /** Cursor of the newest row of the tape. */
  readonly end: number;
  /** The hub of a spoke; `undefined`: it is none. */
  readonly hub: string | undefined;
  /** Values a row of `tributary_stream_kept` has; `undefined`: the table is not there. */
  readonly keptValues: number | undefined;
}

/** Columns of `tributary_stream_kept` before its values. */
const KEPT_FIXED_COLUMNS = 5;

/** Asks for a {@link StreamState} in one query, of whatever connection. */
export const STREAM_STATE_SQL: string = `SELECT ${[
  STREAM_VALUE.epoch,
  STREAM_VALUE.base,
  STREAM_VALUE.repeatedUpTo,
  STREAM_VALUE.trimmedUpTo,
  STREAM_VALUE.rebaseFrom,
]
  .map((name) => `(SELECT value FROM main.${LOCAL_TABLE} WHERE name = '${name}')`)
  .join(
    ", ",
  )}, (SELECT max(id) FROM main.${TAPE_TABLE}), (SELECT count(*) FROM pragma_table_info('${STREAM_TABLES.kept}'))`;

/** Reads the answer to {@link STREAM_STATE_SQL}. */
export function streamStateOf(rows: readonly SqlRow[]): StreamState {
  const [row = []] = rows;
  const [epoch = 0, base = 0, repeatedUpTo = 0, trimmedUpTo = 0] = row.slice(0, 4).map(Number);
  const [hub, last, keptColumns] = [row[4], Number(row[5]), Number(row[6])];
  return {
    epoch,
    base,
    repeatedUpTo,
    trimmedUpTo,
    end: base + last,
    hub: typeof hub === "string" ? hub : undefined,
    keptValues: keptColumns === 0 ? undefined : keptColumns - KEPT_FIXED_COLUMNS,
  };
}

/** Where the tape stands now. The stream tables must be there. */
export function* readStreamState(): Coroutine<StreamState> {
  return streamStateOf(yield* io.querySql("writer", STREAM_STATE_SQL));
}

/** A named value of the streams; `null` when it is not set. */
export function* readStreamValue(name: keyof typeof STREAM_VALUE): Coroutine<SqlValue> {
  const sql = `SELECT value FROM main.${LOCAL_TABLE} WHERE name = ?`;
  return (yield* io.querySql("writer", sql, [STREAM_VALUE[name]]))[0]?.[0] ?? null;
}

/** Makes the stream tables where they are missing. Fails with `database-busy`. */
export function* ensureStreamTables(randomBytes: (count: number) => Uint8Array): Coroutine<void> {
  if ((yield* hasTable(STREAM_TABLES.seen)) && (yield* readStreamValue("epoch")) !== null) return;
  yield* writing(() => makeStreamTables(newEpoch(randomBytes(7))));
  // The app's capture notices the change of schema by its triggers only.
  yield* io.refreshCapture("app");
}

/** As `ensureStreamTables`, inside the transaction that the caller began. */
export function* makeStreamTables(epoch: number): Coroutine<void> {
  yield* io.executeSql("writer", CREATE_STREAM_TABLES);
  if ((yield* readStreamValue("epoch")) !== null) return;
  yield* runOrFail([setNamedValue(STREAM_VALUE.epoch, BigInt(epoch))]);
}

/** An epoch out of seven random bytes: 0 < epoch < 2^53. */
export function newEpoch(random: Uint8Array): number {
  let epoch = 0n;
  for (const byte of random) epoch = (epoch << 8n) | BigInt(byte);
  return Number(epoch & ((1n << 53n) - 1n)) || 1;
}
