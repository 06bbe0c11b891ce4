import { imageWidth } from "../capture/table-shape.js";
import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import type { SqlRow, SqlValue } from "../values/sql-value.js";
import type { Shapes } from "./read-tape.js";
import { TAPE_EFFECT, TAPE_FIXED_COLUMNS, TAPE_OPERATION, TAPE_TABLE } from "./tape-schema.js";

/** About as much is read with one request, in bytes: enough for speed, little beside the rest of the process. */
const BYTES_PER_READ = 4 * 1024 * 1024;
const OPERATION_COLUMN: number = TAPE_FIXED_COLUMNS.indexOf("op");
const UPDATE = BigInt(TAPE_OPERATION.update);
const UPDATE_EFFECT = BigInt(TAPE_OPERATION.update + TAPE_EFFECT);
const FIRST_READ_ROWS = 100;
const MOST_READ_ROWS = 5_000;

/** Asks the database that has the tape. */
export type TapeQuery = (sql: string, params: readonly SqlValue[]) => Coroutine<readonly SqlRow[]>;

const queryWriter: TapeQuery = (sql, params) => io.querySql("writer", sql, params);

/**
 * Reads rows of the tape as they are stored, above a change id up to another, a bounded amount at a time. The place of the
 * second image, which only updates have, may be left out where none of the rows is one.
 */
export class TapeCursor {
  readonly #imageSql: string;
  readonly #bothImagesSql: string;
  readonly #upTo: number;
  #after: number;
  /** Whether what was read last has updates. At first nobody knows. */
  #hasUpdates = true;
  #rowsPerRead = FIRST_READ_ROWS;
  readonly #query: TapeQuery;

  constructor(after: number, upTo: number, shapes: Shapes, query: TapeQuery = queryWriter) {
    // Only as many values as the shapes can fill: the rest of the columns is NULL, and each costs as much time as a value.
    const width = Math.max(1, ...Array.from(shapes.values(), (shape) => imageWidth(shape)));
    this.#imageSql = selectRows(width);
    this.#bothImagesSql = selectRows(2 * width);
    this.#after = after;
    this.#upTo = upTo;
    this.#query = query;
  }

  /** Up to here it has been read. */
  get position(): number {
    return this.#after;
  }

  /** The next rows; none at the end. */
  *next(): Coroutine<readonly SqlRow[]> {
    if (this.#after >= this.#upTo) return [];
    const params = [this.#after, this.#upTo, this.#rowsPerRead].map(BigInt);
    const readsBoth = this.#hasUpdates;
    let rows = yield* this.#query(readsBoth ? this.#bothImagesSql : this.#imageSql, params);
    const last = rows.at(-1);
    if (last === undefined) return rows;
    this.#hasUpdates = rows.some(isUpdate);
    if (this.#hasUpdates && !readsBoth) rows = yield* this.#query(this.#bothImagesSql, params);
    this.#after = Number(last[0]);
    let bytes = 0;
    for (const row of rows) bytes += rowBytes(row);
    const fitting = Math.floor((BYTES_PER_READ * rows.length) / bytes);
    this.#rowsPerRead = Math.max(1, Math.min(MOST_READ_ROWS, fitting));
    return rows;
  }
}

function selectRows(values: number): string {
  const columns = [...TAPE_FIXED_COLUMNS, ...Array.from({ length: values }, (_, index) => `v${index}`)];
  return `SELECT ${columns.join(", ")} FROM main.${TAPE_TABLE} WHERE id > ? AND id <= ? AND op <> ${TAPE_OPERATION.gap} ORDER BY id LIMIT ?`;
}

function isUpdate(row: SqlRow): boolean {
  const operation = row[OPERATION_COLUMN];
  return operation === UPDATE || operation === UPDATE_EFFECT;
}

/** About the memory that a row takes. */
export function rowBytes(row: SqlRow): number {
  let bytes = 0;
  for (const value of row) {
    const isNumber = typeof value === "bigint" || typeof value === "number";
    bytes += isNumber || value === null ? 8 : 16 + value.length;
  }
  return bytes;
}
