import {
  foldName,
  keywordOf,
  parseRowInsert,
  RESERVED_PREFIX,
  type RowInsert,
  tokenizeSql,
} from "@tributary/core";
import type Database from "better-sqlite3";
import type { Capture } from "./capture.js";
import { nativeExec, nativePrepare, nativeRows } from "./native-connection.js";

type Statement = Database.Statement<unknown[]>;

/** Runs in one transaction from which on it pays to look whether the table allows it. */
const WORTHWHILE = 16;

/** What SQLite does not take back by itself in a statement that it believes to fail before it has written anything. */
const HALF_DONE = /^SQLITE_(TOOBIG|CORRUPT)/;

/**
 * An INSERT of one row that is run again and again in one transaction, as `INSERT OR FAIL`.
 *
 * Where a table has triggers, SQLite copies each page that a statement is about to change, so as to take the statement
 * back should a constraint fail in the middle. An insert of one row never fails in the middle: its constraints are checked
 * before the row is written, and the trigger of the capture has none. `OR FAIL` tells SQLite so, and saves a quarter of
 * the time. It would mean something else where the app's own triggers run, which it passes itself on to, and where the
 * table says what a conflict does; foreign keys do not heed it. A function among the values may fail, so that SQLite copies
 * the pages all the same: nothing is won there.
 */
export class BulkInsert {
  readonly #db: Database.Database;
  readonly #capture: Capture;
  readonly #insert: RowInsert;
  #span: number | undefined;
  #runs = 0;
  #statement: Statement | undefined;
  /** In this span of the capture's. */
  #allowed = false;

  /** `undefined` for a statement that is none. */
  static of(db: Database.Database, capture: Capture, sql: string): BulkInsert | undefined {
    const insert = parseRowInsert(sql);
    if (insert === undefined || (insert.schema !== undefined && foldName(insert.schema) !== "main"))
      return undefined;
    return new BulkInsert(db, capture, insert);
  }

  private constructor(db: Database.Database, capture: Capture, insert: RowInsert) {
    this.#db = db;
    this.#capture = capture;
    this.#insert = insert;
  }

  /** Whether `run` may be called instead of the statement's own. */
  get isReady(): boolean {
    return this.#allowed && this.#span === this.#capture.span;
  }

  /** The statement itself was run, with this result. */
  noteRun({ lastInsertRowid }: Database.RunResult): void {
    const { span } = this.#capture;
    if (this.#span !== span) {
      this.#span = span;
      this.#runs = 0;
      this.#allowed = false;
    }
    this.#runs += 1;
    if (this.#runs !== WORTHWHILE || !this.#db.inTransaction) return;
    this.#allowed = this.#isAllowed();
    if (!this.#allowed) return;
    this.#statement ??= nativePrepare(this.#db, this.#insert.orFail);
    // Nothing else tells how the app wants its integers.
    this.#statement.safeIntegers(typeof lastInsertRowid === "bigint");
  }

  /** As the statement's own. */
  run(args: readonly unknown[]): Database.RunResult {
    try {
      return (this.#statement as Statement).run(...args);
    } catch (error) {
      // The row may be written, and not be on the tape. As SQLite does when the disk is full.
      const { code } = error as { code?: unknown };
      if (this.#db.inTransaction && typeof code === "string" && HALF_DONE.test(code)) {
        nativeExec(this.#db, "ROLLBACK");
      }
      throw error;
    }
  }

  #isAllowed(): boolean {
    const { table } = this.#insert;
    const isIt = "tbl_name = ? COLLATE NOCASE";
    const [made] = nativeRows(
      this.#db,
      `SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND ${isIt}`,
      table,
    );
    if (made === undefined) return false;
    if (tokenizeSql(String(made[0])).some((token) => keywordOf(token) === "CONFLICT")) return false;
    const others = nativeRows(
      this.#db,
      `SELECT name FROM main.sqlite_schema WHERE type = 'trigger' AND ${isIt} UNION ALL SELECT name FROM temp.sqlite_schema WHERE ${isIt}`,
      table,
      table,
    ).map(([name]) => foldName(String(name)));
    const ofCapture = (kind: string): string => foldName(`${RESERVED_PREFIX}${kind}_${table}`);
    // With a trigger that notes rows before, pages are copied all the same.
    return (
      others.includes(ofCapture("insert")) &&
      !others.includes(ofCapture("note_insert")) &&
      others.every((name) => name.startsWith(RESERVED_PREFIX))
    );
  }
}
