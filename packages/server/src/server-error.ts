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
  /** Another program holds a lock that does not allow what the server needs. */
  | "database-busy"
  /** The pages of a revision are no longer at hand. */
  | "revision-expired"
  /** The database file or its WAL changed in a way that SQLite's locks forbid. */
  | "database-changed"
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
