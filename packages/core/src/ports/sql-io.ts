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
  /**
   * Takes the lock of a replica, that no other process and no other port of this one holds then. `false` when somebody
   * has it; answers at once. It ends with `releaseLock`, or with the process, however that ends. Readers need no lock.
   */
  acquireLock(path: string): MaybePromise<boolean>;
  /** Does nothing when the lock is not held. */
  releaseLock(): MaybePromise<void>;
  /**
   * Opens the engine's connections to a database file, and the app's. It is made where there is none. The file is in WAL
   * mode afterwards, without automatic checkpoints. At most one file is open at a time.
   */
  openConnections(path: string): MaybePromise<void>;
  /**
   * Closes all of them, the app's too. SQLite then checkpoints and removes the WAL if no other process has it open;
   * with `keepLog` the files stay as they are, as after a crash.
   */
  closeConnections(keepLog?: boolean): MaybePromise<void>;
  /**
   * All rows of one query of a database file that is not open, which is read as it is and not changed. Fails when there
   * is no such file, or it is no database.
   */
  queryFile(path: string, sql: string, params?: readonly SqlValue[]): MaybePromise<readonly SqlRow[]>;
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
