import { imageWidth } from "../capture/table-shape.js";
import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { parseTapeRow, type Shapes } from "../tape/read-tape.js";
import type { TapeChange } from "../tape/tape-change.js";
import { rowBytes } from "../tape/tape-cursor.js";
import { TAPE_EFFECT, TAPE_FIXED_COLUMNS, TAPE_OPERATION, TAPE_TABLE } from "../tape/tape-schema.js";
import { STREAM_TABLES } from "./stream-schema.js";

/** What makes a row of the tape a change that was made here, or an effect of one. */
const IS_OWN = `op <> ${TAPE_OPERATION.gap} AND coalesce((SELECT last FROM main.${STREAM_TABLES.origin} WHERE first <= id ORDER BY first DESC LIMIT 1), 0) < id`;

/** Id of the first change that was made here, above an id up to another; `undefined`: there is none. */
export function* firstOwnChange(after: number, upTo: number): Coroutine<number | undefined> {
  const sql = `SELECT id FROM main.${TAPE_TABLE} WHERE id > ? AND id <= ? AND ${IS_OWN} ORDER BY id LIMIT 1`;
  const [row] = yield* io.querySql("writer", sql, [BigInt(after), BigInt(upTo)]);
  return row && Number(row[0]);
}

const BYTES_PER_READ = 1024 * 1024;
const FIRST_READ_ROWS = 16;
const MOST_READ_ROWS = 1_000;

/**
 * Reads the changes of the tape that were made here, above an id up to another, a bounded amount at a time: ascending, to be
 * made again, or descending, with their effects, to be taken back. Only for a database that is no replica, whose cursors are the ids.
 */
export class OwnChanges {
  readonly #sql: string;
  readonly #shapes: Shapes;
  readonly #descending: boolean;
  #after: number;
  #upTo: number;
  #rowsPerRead = FIRST_READ_ROWS;

  constructor(after: number, upTo: number, shapes: Shapes, order: "ascending" | "descending") {
    const values = Math.max(1, ...Array.from(shapes.values(), (shape) => 2 * imageWidth(shape)));
    const columns = [...TAPE_FIXED_COLUMNS, ...Array.from({ length: values }, (_, index) => `v${index}`)];
    this.#descending = order === "descending";
    this.#sql = `SELECT ${columns.join(", ")} FROM main.${TAPE_TABLE} WHERE id > ? AND id <= ? AND ${IS_OWN}${this.#descending ? "" : ` AND op < ${TAPE_EFFECT}`} ORDER BY id${this.#descending ? " DESC" : ""} LIMIT ?`;
    this.#shapes = shapes;
    this.#after = after;
    this.#upTo = upTo;
  }

  /** The next changes; none at the end. */
  *next(): Coroutine<readonly TapeChange[]> {
    const rows = yield* io.querySql(
      "writer",
      this.#sql,
      [this.#after, this.#upTo, this.#rowsPerRead].map(BigInt),
    );
    const last = rows.at(-1);
    if (last === undefined) return [];
    if (this.#descending) this.#upTo = Number(last[0]) - 1;
    else this.#after = Number(last[0]);
    const bytesPerRow = rows.reduce((sum, row) => sum + rowBytes(row), 0) / rows.length;
    const fitting = Math.ceil(BYTES_PER_READ / bytesPerRow);
    this.#rowsPerRead = Math.max(1, Math.min(MOST_READ_ROWS, fitting, this.#rowsPerRead * 2));
    return rows.map((row) => parseTapeRow(row, this.#shapes));
  }
}
