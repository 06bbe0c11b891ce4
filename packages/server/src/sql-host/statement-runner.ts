import type { HranaStmt, HranaStmtResult, HranaValue } from "@tributary/wire";
import { decodeHranaValue, encodeHranaValue } from "@tributary/wire";
import type { StatementArguments } from "../sql/bind-arguments.js";
import type { ResponseBudget } from "../sql/response-budget.js";
import type { SqlConnection, SqlResult } from "../sql/sql-connection.js";
import { isLockWait } from "../sql/sql-error.js";
import type { WriterQueue } from "../sql/writer-queue.js";

const NO_ARGUMENTS: StatementArguments = { positional: [], named: [] };

/** Runs the statements of one stream, and lines up where another stream holds the lock. */
export class StatementRunner {
  readonly connection: SqlConnection;
  readonly #writers: WriterQueue;

  constructor(connection: SqlConnection, writers: WriterQueue) {
    this.connection = connection;
    this.#writers = writers;
  }

  /**
   * Runs one statement. Gives a promise only if it has to wait: a batch of 200 000 steps must not pay for one each.
   * Rows count against `budget`; without one they are dropped. Throws, or rejects with, an error of better-sqlite3,
   * `SqlError`, or `ServerError` "closed".
   */
  run(
    sql: string,
    args: StatementArguments,
    budget: ResponseBudget | undefined,
  ): SqlResult | Promise<SqlResult> {
    const prepared = this.connection.prepare(sql);
    if (this.#writers.isEmpty || !this.connection.needsWriteLock(prepared)) {
      try {
        return this.connection.run(prepared, args, budget);
      } catch (error) {
        // Whoever holds the lock itself must not wait for those who wait for it.
        if (!isLockWait(error) || this.connection.holdsWriteLock) throw error;
      } finally {
        this.#letOthersOn();
      }
    }
    return this.#writers.run(() => this.connection.run(prepared, args, budget));
  }

  /** Ends the open transaction. */
  rollback(): void {
    this.connection.rollback();
    this.#letOthersOn();
  }

  #letOthersOn(): void {
    if (!this.#writers.isEmpty && !this.connection.holdsWriteLock) this.#writers.advance();
  }
}

/** The arguments of a Hrana statement. Throws `WireError`. */
export function argumentsOf(stmt: HranaStmt): StatementArguments {
  const positional = stmt.args ?? [];
  const named = stmt.named_args ?? [];
  if (positional.length === 0 && named.length === 0) return NO_ARGUMENTS;
  return {
    positional: positional.map(decodeHranaValue),
    named: named.map(({ name, value }) => ({ name, value: decodeHranaValue(value) })),
  };
}

/** A result in the form of Hrana. */
export function toHranaResult(result: SqlResult): HranaStmtResult {
  return {
    cols: result.columns.map(({ name, declaredType }) => ({ name, decltype: declaredType })),
    rows: result.rows.map((row): HranaValue[] => row.map(encodeHranaValue)),
    affected_row_count: result.affectedRows,
    last_insert_rowid: result.lastInsertRowid === null ? null : String(result.lastInsertRowid),
  };
}
