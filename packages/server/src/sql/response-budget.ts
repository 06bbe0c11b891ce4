import type { SqlRow, SqlValue } from "@tributary/core";
import { SqlError } from "./sql-error.js";

/** What a value takes in JSON beside its text, bytes. */
const VALUE_OVERHEAD = 32;
const ROW_OVERHEAD = 8;

/** How much one request may still answer. Rows are counted as they come, so that what is too much is never in memory. */
export class ResponseBudget {
  readonly #limit: number;
  #left: number;

  /** `limit` in bytes of JSON, roughly. */
  constructor(limit: number) {
    this.#limit = limit;
    this.#left = limit;
  }

  /** Counts a row. Throws `SqlError` RESPONSE_TOO_LARGE. */
  spend(row: SqlRow): void {
    let size = ROW_OVERHEAD;
    for (const value of row) size += VALUE_OVERHEAD + sizeOf(value);
    this.#left -= size;
    if (this.#left >= 0) return;
    throw new SqlError(
      "RESPONSE_TOO_LARGE",
      `the answer is longer than ${this.#limit} bytes: ask for fewer rows at once`,
    );
  }
}

function sizeOf(value: SqlValue): number {
  if (typeof value === "string") return value.length;
  return value instanceof Uint8Array ? Math.ceil((value.length * 4) / 3) : 0;
}
