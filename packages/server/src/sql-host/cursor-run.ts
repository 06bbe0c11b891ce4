import type { SqlRow } from "@tributary/core";
import {
  encodeCursorEntry,
  encodeHranaValue,
  type HranaBatch,
  type HranaCursorEntry,
  type HranaFormat,
  type HranaSqlSource,
} from "@tributary/wire";
import { ServerError } from "../server-error.js";
import { checkRowBytes } from "../sql/response-budget.js";
import type { OpenRows, SqlResult } from "../sql/sql-connection.js";
import { toSqlError } from "../sql/sql-error.js";
import { holds, isInTransaction } from "./batch-condition.js";
import { isAddColumn } from "./run-steps.js";
import { argumentsOf, type StatementRunner } from "./statement-runner.js";
import type { TimeSlice } from "./time-slice.js";
import { toHranaError } from "./to-hrana-error.js";

/** Options of {@link CursorRun}. */
export interface CursorRunOptions {
  readonly runner: StatementRunner;
  readonly batch: HranaBatch;
  readonly sqlOf: (source: HranaSqlSource) => string;
  readonly format: HranaFormat;
  readonly maxRowBytes: number;
}

/** The rows of a step that are still to be given, and how the step ends then. */
interface OpenStep {
  readonly step: number;
  readonly rows: Iterator<SqlRow, unknown, undefined>;
  readonly end: HranaCursorEntry;
}

/** A batch whose entries are made when they are asked for. Batches are run as `runBatch` does. */
export class CursorRun {
  readonly #options: CursorRunOptions;
  readonly #sql: readonly string[];
  readonly #isOk: boolean[] = [];
  #open: OpenStep | undefined;
  #isClosed = false;

  constructor(options: CursorRunOptions) {
    this.#options = options;
    this.#sql = options.batch.steps.map(({ stmt }) => options.sqlOf(stmt));
  }

  get format(): HranaFormat {
    return this.#options.format;
  }

  /** The next entries, encoded. */
  async fetch(
    maxCount: number,
    maxBytes: number,
    slice: TimeSlice,
  ): Promise<{ entries: Uint8Array[]; done: boolean }> {
    const entries: Uint8Array[] = [];
    let bytes = 0;
    while (entries.length < maxCount && bytes < maxBytes) {
      const turn = slice.giveWay();
      if (turn !== undefined) await turn;
      if (this.#open === undefined && this.#isOk.length >= this.#sql.length) return { entries, done: true };
      const begun = this.#open === undefined ? await this.#begin() : this.#read(this.#open);
      if (begun === undefined) continue;
      const encoded = encodeCursorEntry(begun, this.#options.format);
      entries.push(encoded);
      bytes += encoded.length;
    }
    return { entries, done: this.#open === undefined && this.#isOk.length >= this.#sql.length };
  }

  /** Gives up what is still to be read. The connection is free then. */
  close(): void {
    this.#isClosed = true;
    this.#open?.rows.return?.();
    this.#open = undefined;
    this.#isOk.length = this.#sql.length;
  }

  /** Begins the next step; gives nothing if it is skipped. */
  async #begin(): Promise<HranaCursorEntry | undefined> {
    const { runner, batch } = this.#options;
    const step = this.#isOk.length;
    const { condition, stmt } = batch.steps[step] as HranaBatch["steps"][number];
    // False until it is at its end.
    this.#isOk.push(false);
    const context = {
      isOk: (earlier: number) => this.#isOk[earlier] === true,
      isAutocommit: () => runner.isAutocommit,
    };
    if (condition != null && !holds(condition, context)) return undefined;
    try {
      const given = runner.open(this.#sql[step] as string, argumentsOf(stmt));
      const result = given instanceof Promise ? await given : given;
      if (this.#isClosed) {
        // Meanwhile. Rows that stay open would be in the way of everything else on the connection.
        if ("iterator" in result) result.iterator.return?.();
        return undefined;
      }
      const isRead = stmt.want_rows !== false;
      this.#open = { step, rows: isRead ? rowsOf(result) : [][Symbol.iterator](), end: endOf(result) };
      if (!isRead && "iterator" in result) result.iterator.return?.();
      const cols = result.columns.map(({ name, declaredType }) => ({ name, decltype: declaredType }));
      return { type: "step_begin", step, cols };
    } catch (error) {
      return this.#fail(step, error);
    }
  }

  #read({ step, rows, end }: OpenStep): HranaCursorEntry {
    try {
      const next = rows.next();
      if (next.done !== true) {
        checkRowBytes(next.value, this.#options.maxRowBytes);
        return { type: "row", row: next.value.map(encodeHranaValue) };
      }
    } catch (error) {
      rows.return?.();
      this.#open = undefined;
      return this.#fail(step, error);
    }
    this.#open = undefined;
    this.#isOk[step] = true;
    return end;
  }

  #fail(step: number, error: unknown): HranaCursorEntry {
    if (error instanceof ServerError) throw error;
    const { condition } = this.#options.batch.steps[step] as HranaBatch["steps"][number];
    if (isInTransaction(condition) && !isAddColumn(this.#sql[step] as string))
      this.#options.runner.rollback();
    return { type: "step_error", step, error: toHranaError(toSqlError(error, false)) };
  }
}

function rowsOf(result: SqlResult | OpenRows): Iterator<SqlRow, unknown, undefined> {
  return "iterator" in result ? result.iterator : result.rows[Symbol.iterator]();
}

function endOf(result: SqlResult | OpenRows): HranaCursorEntry {
  if ("iterator" in result) return { type: "step_end", affected_row_count: 0, last_insert_rowid: null };
  const rowid = result.lastInsertRowid === null ? null : String(result.lastInsertRowid);
  return { type: "step_end", affected_row_count: result.affectedRows, last_insert_rowid: rowid };
}
