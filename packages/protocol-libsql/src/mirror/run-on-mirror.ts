import { rmSync } from "node:fs";
import {
  classifyStatement,
  type PlainStatementClass,
  type RemoteBatch,
  type RemoteStep,
  type RemoteStepResult,
  type SqlValue,
  StatementCache,
  stepRuns,
} from "@tributary/core";
import Database from "better-sqlite3";
import type { MirrorFiles } from "./mirror-files.js";

type Statement = Database.Statement<unknown[], unknown>;

/**
 * Runs a batch on a mirror, as a remote would: what it commits is behind the frames of the log afterwards, and what it
 * leaves open is rolled back. Throws errors of better-sqlite3 where the mirror cannot be opened.
 *
 * Trap: the last connection that closes a database writes the log into it and deletes it, unless it may not write. So one
 * that only reads is opened first and closed last.
 */
export function runOnMirror(files: MirrorFiles, { steps }: RemoteBatch): RemoteStepResult[] {
  // It would tell of the log as another connection has left it.
  rmSync(files.index, { force: true });
  const guard = new Database(files.database, { readonly: true, fileMustExist: true });
  try {
    guard.prepare("SELECT count(*) FROM sqlite_schema").get();
    const db = new Database(files.database, { timeout: 0, fileMustExist: true });
    try {
      db.pragma("wal_autocheckpoint = 0");
      // What counts is made durable when the remote has it.
      db.pragma("synchronous = OFF");
      return runSteps(db, steps);
    } finally {
      db.close();
    }
  } finally {
    guard.close();
    rmSync(files.index, { force: true });
  }
}

function runSteps(db: Database.Database, steps: readonly RemoteStep[]): RemoteStepResult[] {
  const prepared = new StatementCache<Statement>();
  const results: RemoteStepResult[] = [];
  for (const step of steps) {
    const runs = stepRuns(step, results.at(-1), db.inTransaction);
    results.push(runs ? runStep(db, prepared, step) : { type: "skipped" });
  }
  if (db.inTransaction) db.exec("ROLLBACK");
  return results;
}

function runStep(
  db: Database.Database,
  prepared: StatementCache<Statement>,
  { sql, params, wantRows }: RemoteStep,
): RemoteStepResult {
  const refusal = refusalOf(sql);
  if (refusal !== undefined) {
    return { type: "error", message: `SQL not allowed: ${refusal}`, sqlCode: "SQL_PARSE_ERROR" };
  }
  try {
    const statement = prepared.get(sql, (text) => db.prepare(text));
    const rows = statement.reader ? readRows(statement, params) : statement.run(...params) && [];
    return { type: "ok", rows: wantRows ? rows : [] };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const sqlCode = error instanceof Database.SqliteError ? error.code : undefined;
    return { type: "error", message: sqlCode ? `SQLite error: ${error.message}` : error.message, sqlCode };
  }
}

function readRows(statement: Statement, params: readonly SqlValue[]): unknown[][] {
  const rows = statement
    .safeIntegers(true)
    .raw(true)
    .all(...params) as unknown[][];
  // better-sqlite3 gives Node's buffers, which are views of larger ones.
  return rows.map((row) => row.map((value) => (value instanceof Uint8Array ? new Uint8Array(value) : value)));
}

/** What would take the files out of the mirror's hands, or change them past the log. Reading these pragmas is fine. */
const PRAGMAS_NOT_TO_SET = new Set([
  "auto_vacuum",
  "encoding",
  "journal_mode",
  "locking_mode",
  "page_size",
  "schema_version",
  "wal_autocheckpoint",
  "writable_schema",
]);

/** Why a statement is not run; undefined: it is. A server refuses the same. */
function refusalOf(sql: string): string | undefined {
  // SQLite stops reading there, and would drop the rest without a word.
  if (sql.includes("\0")) return "SQL must not contain a NUL character";
  const statement = classifyStatement(sql);
  // SQLite obeys some pragmas while it compiles them, behind EXPLAIN too.
  return refusalOfPlain(statement.type === "explain" ? statement.explained : statement);
}

function refusalOfPlain(statement: PlainStatementClass): string | undefined {
  switch (statement.type) {
    case "attach":
    case "detach":
    case "vacuum":
      return `${statement.type.toUpperCase()} is not allowed on a synced database`;
    case "pragma": {
      const { name, value } = statement;
      const isRefused = name === "wal_checkpoint" || (value !== undefined && PRAGMAS_NOT_TO_SET.has(name));
      return isRefused ? `PRAGMA ${name} cannot be used on a synced database` : undefined;
    }
    default:
      return undefined;
  }
}
