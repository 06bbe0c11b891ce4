import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { rowBytes } from "../tape/tape-cursor.js";
import type { SqlRow } from "../values/sql-value.js";

/** About as much is read with one request, in bytes. */
const BYTES_PER_READ = 4 * 1024 * 1024;
const MOST_READ_ROWS = 5_000;

/**
 * Reads the rows of a table of Tributary's own above a value of its integer key, in its order. Each call gives a bounded
 * amount of them, as all columns; none at the end.
 */
export function readTablePieces(
  table: string,
  key: string,
  after: number,
): () => Coroutine<readonly SqlRow[]> {
  const sql = `SELECT ${key}, * FROM main.${table} WHERE ${key} > ? ORDER BY ${key} LIMIT ?`;
  let position = BigInt(after);
  let rowsPerRead = 1;
  return function* () {
    const rows = yield* io.querySql("writer", sql, [position, BigInt(rowsPerRead)]);
    const last = rows.at(-1)?.[0];
    if (typeof last === "bigint") position = last;
    const bytes = rows.reduce((sum, row) => sum + rowBytes(row), 0);
    // Twice as many as long as they are small: one long row says nothing of the next.
    const fitting = bytes === 0 ? 1 : Math.floor((BYTES_PER_READ * rows.length) / bytes);
    rowsPerRead = Math.max(1, Math.min(MOST_READ_ROWS, fitting, rowsPerRead * 2));
    return rows.map((row) => row.slice(1));
  };
}
