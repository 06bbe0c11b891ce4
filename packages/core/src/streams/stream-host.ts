import type { Coroutine } from "../coroutine/coroutine.js";
import type { SqlRow, SqlValue } from "../values/sql-value.js";
import type { StreamRetention } from "./stream-options.js";

/** A connection that reads one state of the database, whatever is committed meanwhile. */
export interface SqlReader {
  /** All rows of one query; integers as `bigint`. */
  query(sql: string, params?: readonly SqlValue[]): readonly SqlRow[];
  /** Ends its transaction. Calling it again does nothing. */
  close(): void;
}

/** What change streams ask of whoever has the database open. Everything answers at once. */
export interface StreamHost {
  /** Runs a procedure over the SQL port to its end. */
  run<T>(procedure: Coroutine<T>): T;
  /** Begins to read the state that is committed now. */
  openReader(): SqlReader;
  /** Milliseconds since 1970. */
  now(): number;
  /** Unpredictable bytes. */
  randomBytes(count: number): Uint8Array;
  /** Changes may be deleted from the tape once nobody needs them: false in a replica, which pushes them. */
  readonly mayTrimTape: boolean;
  /** How long changes are kept for receivers that have not acknowledged them. */
  readonly retention?: StreamRetention | undefined;
  /** Called when something was applied here, after its commit. */
  onApplied(): void;
}
