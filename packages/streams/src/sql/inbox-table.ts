import {
  type AppliedPackage,
  decodeChangePackage,
  type InboundStreamOptions,
  type PackagePayload,
  parseChangePackage,
  SyncError,
} from "@tributary/core";
import type { LinkInbound } from "@tributary/live";
import Database from "better-sqlite3";

/** Name of the table that packages are inserted into. */
const INBOX_TABLE = "tributary_inbox";

/** Outcomes that are kept; the oldest go. */
const MOST_OUTCOMES = 1_000;

/** A table of the connection's own, so that it is neither captured nor part of what a pull rolls back. */
const CREATE_SQL = `CREATE TEMP TABLE IF NOT EXISTS ${INBOX_TABLE} (
  id INTEGER PRIMARY KEY,
  package,
  status TEXT NOT NULL DEFAULT 'waiting',
  sender TEXT,
  cursor INTEGER,
  changes INTEGER,
  error TEXT,
  message TEXT,
  expected_cursor INTEGER
);
CREATE INDEX IF NOT EXISTS temp.${INBOX_TABLE}_waiting ON ${INBOX_TABLE} (id) WHERE status = 'waiting'`;

const NEXT_SQL = `SELECT id, package FROM temp.${INBOX_TABLE} WHERE status = 'waiting' ORDER BY id LIMIT 1`;
const OUTCOME_SQL = `UPDATE temp.${INBOX_TABLE} SET package = NULL, status = ?, sender = ?, cursor = ?, changes = ?, error = ?, message = ?, expected_cursor = ? WHERE id = ?`;
const CLEAR_SQL = `DELETE FROM temp.${INBOX_TABLE} WHERE id <= ? AND status <> 'waiting'`;

/** The table `tributary_inbox` of one connection. */
export class InboxTable {
  readonly #db: Database.Database;
  readonly #open: (options: InboundStreamOptions) => LinkInbound;
  readonly #options: Omit<InboundStreamOptions, "from" | "since">;
  #next: Database.Statement<[], { id: number; package: unknown }> | undefined;
  #isApplying = false;

  /**
   * @param options How what is inserted is applied.
   */
  constructor(
    db: Database.Database,
    open: (options: InboundStreamOptions) => LinkInbound,
    options: Omit<InboundStreamOptions, "from" | "since">,
  ) {
    this.#db = db;
    this.#open = open;
    this.#options = options;
    this.restore();
  }

  /** Makes the table where it is missing: also when the app has emptied the TEMP database. */
  restore(): void {
    // Past the capture, which keeps the app from making tables of such names.
    Database.prototype.exec.call(this.#db, CREATE_SQL);
    this.#next = undefined;
  }

  /**
   * Applies what was inserted, in order. Call it after each commit of the connection. Never throws: what went wrong is in
   * the row. A package that finds the database busy stays `waiting`, and those after it, for the next commit.
   */
  applyWaiting(): void {
    // What is applied here is no commit of the connection; but a hook of the app's may make one.
    if (this.#isApplying) return;
    this.#isApplying = true;
    try {
      for (let row = this.#nextWaiting(); row !== undefined; row = this.#nextWaiting()) {
        if (!this.#apply(row.id, row.package)) return;
      }
    } finally {
      this.#isApplying = false;
    }
  }

  #nextWaiting(): { readonly id: number; readonly package: unknown } | undefined {
    this.#next ??= this.#prepare(NEXT_SQL) as Database.Statement<[], { id: number; package: unknown }>;
    return this.#next.get();
  }

  /** `false`: it has to wait. */
  #apply(id: number, payload: unknown): boolean {
    let sender: string | undefined;
    try {
      sender = senderOf(payload);
      const applied = this.#open({ ...this.#options, from: sender }).apply(payload as PackagePayload);
      this.#tell(id, sender, applied);
    } catch (error) {
      if (error instanceof SyncError && error.code === "database-busy") return false;
      this.#tell(id, sender, error);
    }
    return true;
  }

  #tell(id: number, sender: string | undefined, outcome: AppliedPackage | unknown): void {
    const applied = isApplied(outcome) ? outcome : undefined;
    const error = applied === undefined ? asSyncError(outcome) : undefined;
    this.#prepare(OUTCOME_SQL).run(
      applied?.status ?? "refused",
      sender ?? null,
      bigintOf(applied?.cursor),
      bigintOf(applied?.changes),
      error?.code ?? null,
      error?.message ?? null,
      bigintOf(applied?.cursor ?? error?.details.expectedCursor),
      id,
    );
    this.#prepare(CLEAR_SQL).run(id - MOST_OUTCOMES);
  }

  /** Past the capture: this is nothing of the app's. */
  #prepare(sql: string): Database.Statement<unknown[]> {
    return Database.prototype.prepare.call(this.#db, sql).safeIntegers(false) as Database.Statement<
      unknown[]
    >;
  }
}

/** Who made a package. Fails with `damaged-package` for what is none. */
function senderOf(payload: unknown): string {
  if (typeof payload === "string") return parseChangePackage(payload).site;
  if (payload instanceof Uint8Array) return decodeChangePackage(payload).site;
  throw new SyncError("damaged-package", "A package is a blob, or a text of JSON.");
}

function isApplied(outcome: unknown): outcome is AppliedPackage {
  return typeof outcome === "object" && outcome !== null && "status" in outcome && "changes" in outcome;
}

function asSyncError(error: unknown): SyncError {
  if (error instanceof SyncError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new SyncError("internal", message, { cause: error });
}

function bigintOf(value: number | undefined): bigint | null {
  return value === undefined ? null : BigInt(value);
}
