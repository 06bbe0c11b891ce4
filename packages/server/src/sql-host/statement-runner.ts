import { classifyStatement } from "@tributary/core";
import type { HranaStmt, HranaStmtResult, HranaValue } from "@tributary/wire";
import { decodeHranaValue, encodeHranaValue } from "@tributary/wire";
import type { ServerClock } from "../server-clock.js";
import type { StatementArguments } from "../sql/bind-arguments.js";
import { type ResponseBudget, rowBytes } from "../sql/response-budget.js";
import type { OpenRows, PreparedStatement, SqlConnection, SqlResult } from "../sql/sql-connection.js";
import { isLockWait, SqlError } from "../sql/sql-error.js";
import type { WritePermit } from "./write-permit.js";

/** Options of {@link StatementRunner}. */
export interface StatementRunnerOptions {
  readonly connection: SqlConnection;
  readonly permit: WritePermit;
  readonly clock: ServerClock;
  readonly lockTimeoutMs: number;
  /** Longest row that may be bound, bytes. */
  readonly maxRowBytes: number;
  /** A statement begins, which may take long. */
  readonly onStatement: () => void;
  /** No statement is running. */
  readonly onAlive: () => void;
}

/** How often a write tries again while another program holds the lock, ms. */
const RETRY_MS = 20;
const NO_ARGUMENTS: StatementArguments = { positional: [], named: [] };
const NOTHING: SqlResult = { columns: [], rows: [], affectedRows: 0, lastInsertRowid: null };

/** Runs the statements of one stream, and lines up where another stream writes. */
export class StatementRunner {
  readonly connection: SqlConnection;
  readonly #options: StatementRunnerOptions;
  readonly #permit: WritePermit;
  /** The transaction was taken away, and the client does not know it yet. */
  #lostTransaction = false;

  constructor(options: StatementRunnerOptions) {
    this.#options = options;
    this.connection = options.connection;
    this.#permit = options.permit;
  }

  /** Whether no transaction is open, as the client must believe: one that it has lost is still to be rolled back. */
  get isAutocommit(): boolean {
    return this.connection.isAutocommit && !this.#lostTransaction;
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
    if (this.#lostTransaction && this.#endsLostTransaction(sql)) return NOTHING;
    this.#checkSize(args);
    const prepared = this.connection.prepare(sql);
    return this.#withLock(prepared, () => this.connection.run(prepared, args, budget));
  }

  /**
   * The same, with the rows of what only reads still to be read: nothing else can run on the connection until they are, or
   * are given up. Counts nothing.
   */
  open(sql: string, args: StatementArguments): SqlResult | OpenRows | Promise<SqlResult | OpenRows> {
    if (this.#lostTransaction && this.#endsLostTransaction(sql)) return NOTHING;
    this.#checkSize(args);
    const prepared = this.connection.prepare(sql);
    return this.#withLock(prepared, () => this.connection.open(prepared, args));
  }

  /** Ends the open transaction. */
  rollback(): void {
    this.connection.rollback();
    this.settle();
  }

  /** Ends the open transaction, or the one that the client would still have to be told of: nobody goes on with it. */
  startOver(): void {
    this.#lostTransaction = false;
    this.rollback();
  }

  /** Rolls back a transaction for others, who have been let on already. What the client goes on to do in it fails. */
  takeTransaction(): void {
    // It may have ended while the message was on its way.
    if (!this.connection.isAutocommit) this.#lostTransaction = true;
    this.connection.rollback();
    this.#permit.forfeit();
  }

  /** What the client goes on to do fails until it rolls back: it is in a transaction that was lost with another connection. */
  loseTransaction(): void {
    this.#lostTransaction = true;
  }

  /** Gives the right to write back, unless a transaction needs it. To be called before others are let on. */
  settle(): void {
    if (!this.connection.holdsWriteLock) this.#permit.release();
  }

  #withLock<T>(prepared: PreparedStatement, work: () => T): T | Promise<T> {
    if (!this.connection.needsWriteLock(prepared)) {
      // It may take long, and others may write meanwhile.
      this.settle();
      this.#options.onStatement();
      try {
        return work();
      } catch (error) {
        // Whoever holds the lock itself must not wait for those who wait for it.
        if (!isLockWait(error) || this.connection.holdsWriteLock) throw error;
      }
    }
    this.#options.onStatement();
    const deadline = this.#options.clock.now() + this.#options.lockTimeoutMs;
    const waiting = this.#permit.acquire();
    if (waiting !== undefined) return waiting.then(() => this.#retry(work, deadline));
    return this.#retry(work, deadline);
  }

  /** Our own streams are out of the way: what holds the lock now is another program. */
  #retry<T>(work: () => T, deadline: number): T | Promise<T> {
    const { clock } = this.#options;
    try {
      return work();
    } catch (error) {
      if (!isLockWait(error) || this.connection.holdsWriteLock || clock.now() >= deadline) throw error;
    }
    // Waiting is not running for too long.
    this.#options.onAlive();
    return new Promise((resolve, reject) => {
      clock.startTimer(RETRY_MS, () => {
        try {
          resolve(this.#retry(work, deadline));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** Whether the statement is the ROLLBACK that is still owed. Throws `SqlError` TRANSACTION_TIMEOUT. */
  #endsLostTransaction(sql: string): boolean {
    const statement = classifyStatement(sql);
    const verb = statement.type === "transaction" ? statement.verb : undefined;
    if (verb !== "rollback" && verb !== "begin") {
      throw new SqlError(
        "TRANSACTION_TIMEOUT",
        "the transaction was rolled back: it was open for too long, and in the way of others",
      );
    }
    this.#lostTransaction = false;
    return verb === "rollback";
  }

  #checkSize({ positional, named }: StatementArguments): void {
    const { maxRowBytes } = this.#options;
    const size = rowBytes(positional) + (named.length === 0 ? 0 : rowBytes(named.map(({ value }) => value)));
    if (size <= maxRowBytes) return;
    throw new SqlError("SQLITE_TOOBIG", `the arguments of a statement are longer than ${maxRowBytes} bytes`);
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
