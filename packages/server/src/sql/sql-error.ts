/** Why a statement failed, in the terms of Hrana. */
export class SqlError extends Error {
  override readonly name = "SqlError";
  /** A code of the server's own, or the primary name of SQLite's result code. */
  readonly code: string;
  /** SQLite's extended name, where it says more than the primary one. */
  readonly extendedCode: string | undefined;

  constructor(code: string, message: string, extendedCode?: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
    this.extendedCode = extendedCode;
  }
}

const SYNTAX_ERROR = /syntax error|unrecognized token|incomplete input|unterminated/;

/** Errors that better-sqlite3 throws without a code of SQLite, by their text. */
const CODES_BY_MESSAGE: readonly (readonly [RegExp, string])[] = [
  [/contains no statements/, "SQL_NO_STATEMENT"],
  [/contains more than one statement/, "SQL_MANY_STATEMENTS"],
  [/parameter|bind|bound/i, "ARGS_INVALID"],
];

/** The error of better-sqlite3 as one of Hrana. `preparing`: it was thrown while the statement was compiled. */
export function toSqlError(error: unknown, preparing: boolean): SqlError {
  if (error instanceof SqlError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const extended = sqliteCode(error);
  if (extended === undefined) {
    const code = CODES_BY_MESSAGE.find(([pattern]) => pattern.test(message))?.[1] ?? "INTERNAL_ERROR";
    return new SqlError(code, message, undefined, error);
  }
  const primary = extended.split("_", 2).join("_");
  let code = primary;
  if (primary === "SQLITE_ERROR" && preparing) {
    code = SYNTAX_ERROR.test(message) ? "SQL_PARSE_ERROR" : "SQL_INPUT_ERROR";
  }
  return new SqlError(code, `SQLite error: ${message}`, extended === primary ? undefined : extended, error);
}

/** Throws `SqlError` for a text with a NUL: SQLite stops reading there, and would drop the rest without a word. */
export function refuseNul(sql: string): void {
  if (sql.includes("\0")) throw new SqlError("SQL_PARSE_ERROR", "SQL must not contain a NUL character");
}

/** Whether a statement failed because of a lock that goes away, and changed nothing. */
export function isLockWait(error: unknown): boolean {
  const code = sqliteCode(error);
  // BUSY_SNAPSHOT stays: the transaction reads an older state than the one it wants to change.
  return code?.startsWith("SQLITE_BUSY") === true && code !== "SQLITE_BUSY_SNAPSHOT";
}

/** Whether a statement failed for what it says or what is in the database, and would on any other connection. */
export function isOfStatement(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === undefined || /^SQLITE_(ERROR|CONSTRAINT|BUSY|READONLY|MISMATCH|TOOBIG|RANGE)/.test(code);
}

function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" && error.code.startsWith("SQLITE_") ? error.code : undefined;
}
