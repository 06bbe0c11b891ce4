import { imageWidth } from "../capture/table-shape.js";
import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import type { Shapes } from "../tape/read-tape.js";
import { rowBytes } from "../tape/tape-cursor.js";
import { TAPE_FIXED_COLUMNS, TAPE_OPERATION, TAPE_TABLE } from "../tape/tape-schema.js";
import type { SqlRow } from "../values/sql-value.js";
import { STREAM_TABLES } from "./stream-schema.js";
import type { StreamState } from "./stream-state.js";

/** A row of the tape, by its cursor. */
export interface StreamRow {
  readonly cursor: number;
  /** Whether a transaction ended after it, for rows from before a pull; `undefined`: the boundaries of the tape say. */
  readonly ends: boolean | undefined;
  /** As `parseTapeRow` takes it, with more behind it. */
  readonly row: SqlRow;
}

const FIRST_READ_ROWS = 16;
const MOST_READ_ROWS = 5_000;

/** Reads changes in the order of their cursors, those that a pull has kept before those of the tape, a bounded amount at a time. */
export class StreamRows {
  readonly #state: StreamState;
  readonly #upTo: number;
  readonly #bytesPerRead: number;
  readonly #keptSql: string;
  readonly #tapeSql: string;
  #after: number;
  #inKept: boolean;
  #rows: readonly StreamRow[] = [];
  #next = 0;
  #rowsPerRead = FIRST_READ_ROWS;

  constructor(after: number, state: StreamState, shapes: Shapes, bytesPerRead: number) {
    this.#after = after;
    this.#state = state;
    this.#upTo = state.end;
    this.#bytesPerRead = bytesPerRead;
    this.#inKept = state.keptValues !== undefined;
    // Only as many values as the shapes can fill.
    const values = Math.max(1, ...Array.from(shapes.values(), (shape) => 2 * imageWidth(shape)));
    const columns = (count: number): string => Array.from({ length: count }, (_, at) => `v${at}`).join(", ");
    const condition = `op <> ${TAPE_OPERATION.gap}`;
    this.#keptSql = `SELECT cursor, shape, op, parked, ${columns(Math.min(values, state.keptValues ?? 0))}, ends FROM main.${STREAM_TABLES.kept} WHERE cursor > ? AND cursor <= ? AND ${condition} ORDER BY cursor LIMIT ?`;
    this.#tapeSql = `SELECT ${TAPE_FIXED_COLUMNS.join(", ")}, ${columns(values)} FROM main.${TAPE_TABLE} WHERE id > ? AND id <= ? AND ${condition} ORDER BY id LIMIT ?`;
  }

  /** The next row, which stays the next one until {@link take}; `undefined` at the end. */
  *peek(): Coroutine<StreamRow | undefined> {
    while (this.#next === this.#rows.length) {
      yield* this.#read();
      if (this.#rows.length > 0) break;
      if (!this.#inKept) return undefined;
      this.#inKept = false;
    }
    return this.#rows[this.#next];
  }

  /** Goes past the next row. */
  take(): void {
    this.#next++;
  }

  /** Goes past all rows up to a cursor, without reading those that are not read yet. */
  skipTo(cursor: number): void {
    while (this.#next < this.#rows.length && (this.#rows[this.#next] as StreamRow).cursor <= cursor)
      this.#next++;
    if (this.#next === this.#rows.length) this.#after = Math.max(this.#after, cursor);
  }

  *#read(): Coroutine<void> {
    const { base, repeatedUpTo } = this.#state;
    const offset = this.#inKept ? 0 : base;
    const after = this.#inKept ? this.#after : Math.max(this.#after - base, repeatedUpTo);
    const sql = this.#inKept ? this.#keptSql : this.#tapeSql;
    const params = [after, this.#upTo - offset, this.#rowsPerRead].map(BigInt);
    const rows = yield* io.querySql("writer", sql, params);
    this.#next = 0;
    this.#rows = rows.map((row) => ({
      cursor: Number(row[0]) + offset,
      ends: this.#inKept ? row.at(-1) === 1n : undefined,
      row,
    }));
    const last = this.#rows.at(-1);
    if (last === undefined) return;
    this.#after = last.cursor;
    const bytesPerRow = rows.reduce((sum, row) => sum + rowBytes(row), 0) / rows.length;
    const fitting = Math.ceil(this.#bytesPerRead / bytesPerRow);
    // Twice as many as long as they are small: a few small rows say nothing of the next.
    this.#rowsPerRead = Math.max(1, Math.min(MOST_READ_ROWS, fitting, this.#rowsPerRead * 2));
  }
}
