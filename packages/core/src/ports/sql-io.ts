import type { SqlRow, SqlStatement, SqlValue } from "../values/sql-value.js";
import type { MaybePromise } from "./maybe-promise.js";

/**
 * The connections of the engine. `writer` captures like the app's own, so that what a replay does is on the new tape;
 * `guard` only reads: while it holds a transaction, the synced state it sees stays readable in the WAL.
 */
export type SqlConnection = "writer" | "guard";

/** The statement of a run that failed. */
export interface SqlFailure {
  /** Index in the statements given. */
  readonly index: number;
  readonly message: string;
  /** SQLite's extended code, as `SQLITE_CONSTRAINT_UNIQUE`. */
  readonly sqlCode: string;
}

/** What the engine needs of SQLite. Shaped by batch: a replay of 100 000 rows is a few requests. */
export interface SqlIo {
  /** Opens the engine's connections, and the app's. The file is in WAL mode afterwards, without automatic checkpoints. */
  openConnections(): MaybePromise<void>;
  /** Closes all of them, the app's too. SQLite then checkpoints and removes the WAL if no other process has it open. */
  closeConnections(): MaybePromise<void>;
  /** All rows of one query. */
  querySql(
    connection: SqlConnection,
    sql: string,
    params?: readonly SqlValue[],
  ): MaybePromise<readonly SqlRow[]>;
  /** Runs statements without parameters, `;`-separated. */
  executeSql(connection: SqlConnection, sql: string): MaybePromise<void>;
  /**
   * Runs statements on the writer with capture, stopping at the first that fails; `undefined` when all went well.
   * Schema changes among them are captured too.
   */
  runSql(statements: readonly SqlStatement[]): MaybePromise<SqlFailure | undefined>;
  /**
   * Begins a write transaction on the writer: `false` when another connection holds the lock, or the app's connection
   * is inside a transaction or a query. Ended by `COMMIT` or `ROLLBACK` through `executeSql`. Answers at once, or waits
   * for other processes' locks up to `waitMs`, where it can without letting other code of this process run.
   */
  tryBeginWrite(waitMs?: number): MaybePromise<boolean>;
  /**
   * Tells the adapter that the schema may have changed underneath: capture triggers of the named connection are made to
   * fit it. Must run inside the writer's transaction for the writer, outside of one for the app's.
   */
  refreshCapture(connection: "writer" | "app"): MaybePromise<void>;
  /** Ends of local transactions: change ids after which the tape may be split, ascending. Coarser is allowed. */
  transactionBoundaries(): MaybePromise<readonly number[]>;
}
