import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { hasTable, setNamedValue } from "../engine/local-values.js";
import { runOrFail } from "../engine/run-or-fail.js";
import { TAPE_OPERATION, TAPE_TABLE } from "../tape/tape-schema.js";
import type { SqlStatement } from "../values/sql-value.js";
import { firstOwnChange } from "./own-changes.js";
import type { StreamHost } from "./stream-host.js";
import { STREAM_TABLES, STREAM_VALUE } from "./stream-schema.js";
import { readStreamState, type StreamState } from "./stream-state.js";
import { writing } from "./write-transaction.js";

const DEFAULT_MAX_CHANGES = 1_000_000;
const DEFAULT_MAX_AGE_MS = 30 * 24 * 60 * 60 * 1000;
/** Rows that one call deletes at the most: it is called with every acknowledgement, and should not be felt. */
const ROWS_PER_TRIM = 10_000;
/** The bound is looked at again after so many more changes, as a part of it: to count them takes time. */
const BOUND_LOOKS = 20;

/** The end of the tape when its changes were last counted, and the cursor up to which there were too many. */
const lastLooks = new WeakMap<StreamHost, { readonly end: number; readonly bound: number }>();

/**
 * Deletes what no receiver needs any more, and what is beyond the bounds of {@link StreamRetention}. For whoever has the
 * database open, to be called now and then where no stream is used, such as when it is opened; streams call it themselves.
 * Fails with `database-busy`.
 */
export function trimTape(host: StreamHost): void {
  host.run(trim(host));
}

function* trim(host: StreamHost): Coroutine<void> {
  if (yield* hasTable(STREAM_TABLES.seen)) yield* writing(() => trimInTransaction(host));
}

/** As `trimTape`, inside the transaction that the caller began. */
export function* trimInTransaction(host: StreamHost): Coroutine<void> {
  const state = yield* readStreamState();
  const target = yield* findTarget(host, state);
  if (target <= state.trimmedUpTo) return;
  const kept =
    state.keptValues === undefined ? undefined : yield* deleteRows(STREAM_TABLES.kept, "cursor", 0, target);
  const tape =
    kept !== undefined || !host.mayTrimTape
      ? undefined
      : yield* deleteRows(TAPE_TABLE, "id", state.base, target);
  const trimmedUpTo = kept ?? tape ?? target;
  const limit = BigInt(trimmedUpTo);
  const statements: SqlStatement[] = [
    setNamedValue(STREAM_VALUE.trimmedUpTo, limit),
    {
      // The newest row stays, and stays what it was: not a change that was made here.
      sql: `DELETE FROM main.${STREAM_TABLES.origin} WHERE first <= ? AND last <= min(?, ?)`,
      params: [limit, limit, BigInt(state.end - 1)],
    },
    {
      sql: `UPDATE main.${STREAM_TABLES.peer} SET is_behind = 1 WHERE is_behind = 0 AND acknowledged < ?`,
      params: [limit],
    },
  ];
  yield* runOrFail(statements);
}

/** Up to which cursor nothing is needed. */
function* findTarget(host: StreamHost, state: StreamState): Coroutine<number> {
  const { maxChanges = DEFAULT_MAX_CHANGES, maxAgeMs = DEFAULT_MAX_AGE_MS } = host.retention ?? {};
  const sql = `SELECT acknowledged, coalesce(acknowledged_at, added_at) FROM main.${STREAM_TABLES.peer} WHERE is_behind = 0`;
  let needed = Number.POSITIVE_INFINITY;
  for (const [acknowledged, at] of yield* io.querySql("writer", sql)) {
    if (Number(acknowledged) < state.end && host.now() - Number(at) > maxAgeMs) continue;
    needed = Math.min(needed, Number(acknowledged));
  }
  // Nobody has said what is not needed.
  if (needed === Number.POSITIVE_INFINITY) needed = state.trimmedUpTo;
  const bound = yield* boundOf(host, state, maxChanges);
  // In a replica the rows of the tape itself belong to the push.
  const most = host.mayTrimTape ? state.end : Math.min(state.end, state.base + state.repeatedUpTo);
  const target = Math.min(Math.max(needed, bound), most);
  if (state.hub === undefined || target <= state.trimmedUpTo) return target;
  return Math.min(target, yield* lastSettled(state.hub, target));
}

/**
 * Up to which cursor a spoke needs nothing of its tape. What it has done and the hub was not heard to have is nowhere else,
 * so that no bound counts for it.
 */
function* lastSettled(hub: string, target: number): Coroutine<number> {
  const [row] = yield* io.querySql(
    "writer",
    `SELECT heard FROM main.${STREAM_TABLES.source} WHERE site = ?`,
    [hub],
  );
  const first = yield* firstOwnChange(Number(row?.[0] ?? 0), target);
  return first === undefined ? target : first - 1;
}

/** Up to which cursor there are more changes than may be kept. Ids have gaps, so cursors do not tell how many. */
function* boundOf(
  host: StreamHost,
  { end, base, trimmedUpTo }: StreamState,
  maxChanges: number,
): Coroutine<number> {
  if (end - trimmedUpTo <= maxChanges) return 0;
  const last = lastLooks.get(host);
  if (last !== undefined && last.end <= end && end - last.end < maxChanges / BOUND_LOOKS) return last.bound;
  const sql = `SELECT id FROM main.${TAPE_TABLE} WHERE op <> ${TAPE_OPERATION.gap} ORDER BY id DESC LIMIT 1 OFFSET ?`;
  const [row] = yield* io.querySql("writer", sql, [BigInt(maxChanges)]);
  const bound = row === undefined ? 0 : base + Number(row[0]);
  lastLooks.set(host, { end, bound });
  return bound;
}

/**
 * Deletes rows up to a cursor, but for the newest: an id is never given twice. `undefined` when all of them are gone, else
 * the cursor up to which they are.
 */
function* deleteRows(
  table: string,
  key: string,
  base: number,
  target: number,
): Coroutine<number | undefined> {
  const upTo = BigInt(target - base);
  const sql = `SELECT ${key} FROM main.${table} WHERE ${key} <= ? ORDER BY ${key} LIMIT 1 OFFSET ${ROWS_PER_TRIM}`;
  const [row] = yield* io.querySql("writer", sql, [upTo]);
  const end = row === undefined ? upTo : (row[0] as bigint);
  const newest = table === TAPE_TABLE ? ` AND ${key} < (SELECT max(${key}) FROM main.${table})` : "";
  yield* runOrFail([{ sql: `DELETE FROM main.${table} WHERE ${key} <= ?${newest}`, params: [end] }]);
  return row === undefined ? undefined : Number(end) + base;
}
