/** The databases of a server, for whoever administers it. Names are those of `checkDatabaseName`. */
export interface Databases {
  /** Names of all that there are, open or not, ascending. */
  list(): Promise<readonly string[]>;
  /** What is known about one. Does not open it. Throws `ServerError` "no-such-database". */
  status(name: string): Promise<DatabaseStatus>;
  /** Makes an empty one; durable when it resolves. Throws `ServerError` "invalid-name", "database-exists". */
  create(name: string): Promise<void>;
  /**
   * Copies one as it is now, while it is in use; durable, and whole or not there at all. Throws `ServerError`
   * "no-such-database", "invalid-name", "database-exists".
   */
  fork(from: string, to: string): Promise<void>;
  /**
   * Makes one of an SQLite file; checked, durable, and whole or not there at all. Throws `ServerError` "invalid-name",
   * "database-exists", "not-a-database", "unsupported-page-size", "unsupported-encoding", "too-large", or what `source`
   * throws.
   */
  import(name: string, source: AsyncIterable<Uint8Array>): Promise<void>;
  /** One as an SQLite file, as it is now: one consistent state, however long the reading takes. Throws `ServerError`. */
  export(name: string): Promise<ReadableStream<Uint8Array>>;
  /** Deletes one for good; requests to it fail, sockets and streams of it are closed. Throws `ServerError` "no-such-database". */
  remove(name: string): Promise<void>;
  /** What SQLite finds wrong with one; empty if all is well. Takes as long as reading all of it. Throws `ServerError`. */
  verify(name: string): Promise<readonly string[]>;
}

/** What is known about a database. */
export interface DatabaseStatus {
  readonly name: string;
  readonly isOpen: boolean;
  /** Length of the file, without its WAL, bytes. */
  readonly databaseBytes: number;
  readonly walBytes: number;
  /** The newest one; undefined unless it is open. */
  readonly revision: string | undefined;
  /** Hrana streams that are open. */
  readonly streams: number;
  /** Requests that wait for a commit. */
  readonly waiters: number;
  /** Transactions that wait for the write lock. */
  readonly waitingWriters: number;
  /** Why housekeeping does not get on; undefined if all is well. */
  readonly maintenanceError: string | undefined;
}
