import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { setNamedValue } from "../engine/local-values.js";
import { runOrFail } from "../engine/run-or-fail.js";
import { GAP_IDS, TAPE_OPERATION, TAPE_TABLE } from "../tape/tape-schema.js";
import type { StreamHost } from "./stream-host.js";
import { STREAM_TABLES, STREAM_VALUE } from "./stream-schema.js";
import { newEpoch, type StreamState } from "./stream-state.js";
import { writing } from "./write-transaction.js";

/** What a receiver may claim to be ahead by, in cursors: more is a mistake, and would use up the numbers. */
const MOST_AHEAD = 16 * GAP_IDS;

/**
 * Whether a cursor was never given, as far as this database knows: it lies in a gap, which was left because changes may
 * have been lost there. They were, if a receiver has them.
 */
export function* isInGap(
  cursor: number,
  { base, repeatedUpTo, trimmedUpTo }: StreamState,
): Coroutine<boolean> {
  const id = cursor - base;
  if (id <= repeatedUpTo || cursor <= trimmedUpTo) return false;
  const sql = `SELECT id, op FROM main.${TAPE_TABLE} WHERE id >= ? ORDER BY id LIMIT 1`;
  const [row] = yield* io.querySql("writer", sql, [BigInt(id)]);
  return row !== undefined && Number(row[0]) > id && Number(row[1]) === TAPE_OPERATION.gap;
}

/**
 * A receiver has changes that this database does not: it is an older state of itself, and has given cursors to new changes
 * that were given before. Cursors go on beyond all that may have been seen, in a new epoch.
 */
export function* beginEpoch(host: StreamHost, { base, end }: StreamState, seen: number): Coroutine<void> {
  const id = Math.min(Math.max(seen, end), end + MOST_AHEAD) - base + GAP_IDS;
  yield* writing(function* () {
    yield* runOrFail([
      {
        sql: `INSERT INTO main.${TAPE_TABLE} (id, shape, op) VALUES (?, 0, ${TAPE_OPERATION.gap})`,
        params: [BigInt(id)],
      },
      setNamedValue(STREAM_VALUE.epoch, BigInt(newEpoch(host.randomBytes(7)))),
      { sql: `UPDATE main.${STREAM_TABLES.peer} SET is_behind = 1`, params: [] },
    ]);
  });
}
