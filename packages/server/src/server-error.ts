/** What can go wrong with a server or its database, as stable identifiers. */
export type ServerErrorCode =
  /** An option is missing or out of range. */
  | "invalid-option"
  /** The database file cannot be opened or created. */
  | "cannot-open"
  /** The file is not an SQLite database. */
  | "not-a-database"
  /** The database's pages are not 4096 bytes long. */
  | "unsupported-page-size"
  /** The database's text is UTF-16. */
  | "unsupported-encoding"
  /** Another program holds a lock that does not allow what the server needs. */
  | "database-busy"
  /** The pages of a revision are no longer at hand. */
  | "revision-expired"
  /**
   * The file is no longer the one that was opened, or its WAL was started over although a lock of this server forbids
   * it: the lock was lost (a descriptor of the file was closed in this process), or gone round.
   */
  | "database-changed"
  /** The files that the server keeps for an offline replica are not what they were. */
  | "branch-damaged"
  /** No database has this name, or it may not be created by being used. */
  | "no-such-database"
  /** A database has this name already. */
  | "database-exists"
  /** It cannot be the name of a database, or of a device. */
  | "invalid-name"
  /** The server serves one file: databases cannot be created, copied, uploaded or deleted. */
  | "single-database"
  /** What was sent is longer than the limit. */
  | "too-large"
  /** As many databases are in use as may be open. */
  | "too-many-databases"
  /** The server or its database is closed. */
  | "closed";

/** The error class of this package. Its message says what to do about it. */
export class ServerError extends Error {
  override readonly name = "ServerError";
  readonly code: ServerErrorCode;

  constructor(code: ServerErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
  }
}
