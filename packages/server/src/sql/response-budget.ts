import type { SqlRow, SqlValue } from "@tributary/core";
import { SqlError } from "./sql-error.js";

/** What a value takes in JSON beside its text, bytes. */
const VALUE_OVERHEAD = 32;
const ROW_OVERHEAD = 8;

/** How much one request may still answer. Rows are counted as they come, so that what is too much is never in memory. */
export class ResponseBudget {
  readonly #limit: number;
  readonly #rowLimit: number;
  #left: number;
  #headLeft: number;

  /** Of the whole answer, and of each row, bytes of JSON, roughly. */
  constructor(limit: number, rowLimit: number) {
    this.#limit = limit;
    this.#rowLimit = rowLimit;
    this.#left = limit;
    this.#headLeft = limit;
  }

  /** Counts what is answered beside rows, for itself. Gives whether that is still within the limit. */
  spendHead(size: number): boolean {
    this.#headLeft -= size;
    return this.#headLeft >= 0;
  }

  /** Counts a row. Throws `SqlError` RESPONSE_TOO_LARGE. */
  spend(row: SqlRow): void {
    const size = checkRowBytes(row, this.#rowLimit);
    this.#left -= size;
    if (this.#left >= 0) return;
    throw new SqlError(
      "RESPONSE_TOO_LARGE",
      `the answer is longer than ${this.#limit} bytes: ask for fewer rows at once`,
    );
  }
}

/** What a row takes in JSON, bytes, roughly. Throws `SqlError` RESPONSE_TOO_LARGE if that is above the limit. */
export function checkRowBytes(row: SqlRow, limit: number): number {
  const size = rowBytes(row);
  if (size <= limit) return size;
  throw new SqlError(
    "RESPONSE_TOO_LARGE",
    `a row is longer than ${limit} bytes: ask for parts of its values`,
  );
}

/** What a row takes in JSON, bytes, roughly. */
export function rowBytes(row: readonly SqlValue[]): number {
  let size = ROW_OVERHEAD;
  for (const value of row) size += VALUE_OVERHEAD + sizeOf(value);
  return size;
}

function sizeOf(value: SqlValue): number {
  if (typeof value === "string") return value.length;
  return value instanceof Uint8Array ? Math.ceil((value.length * 4) / 3) : 0;
}
