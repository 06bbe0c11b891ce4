import {
  DEPTH_FUNCTION,
  ENTER_FUNCTION,
  foldName,
  imageColumns,
  LEAVE_FUNCTION,
  mayDisplace,
  type PragmaStatement,
  quoteIdentifier,
  RESERVED_PREFIX,
  type SchemaStatement,
  STATEMENT_FUNCTION,
  SyncError,
  schemaChanges,
  TAPE_OPERATION,
  TAPE_TABLE,
  type TableShape,
  type TableShapes,
} from "@tributary/core";
import type Database from "better-sqlite3";
import {
  type CaptureInstaller,
  DISPLACES_SQL,
  dropCaptureTriggers,
  installCapture,
  lookOutForDisplaced,
  readSchema,
  rebuildCapture,
  shapeIds,
} from "./install-capture.js";
import { atomically, nativeExec, nativePrepare, nativeValue } from "./native-connection.js";
import type { TransactionBoundaries } from "./transaction-boundaries.js";
import { TriggerTexts } from "./trigger-texts.js";

const captures = new WeakMap<Database.Database, Capture>();

/** Makes a capture known as that of its connection. */
export function attachCapture(db: Database.Database, capture: Capture): void {
  captures.set(db, capture);
}

/** The capture of a connection. */
export function captureOf(db: Database.Database): Capture {
  const capture = captures.get(db);
  if (capture === undefined) throw new SyncError("internal", "This connection has no capture.");
  return capture;
}

/** Options of {@link Capture}. */
export interface CaptureOptions {
  readonly boundaries: TransactionBoundaries;
  /** The connection is the engine's: it makes and drops the tables of the replica itself. */
  readonly engine: boolean;
  /** Whether the database is a replica, which can do with less of what an app may set. */
  readonly isReplica: boolean;
  /** Called after each transaction that may have changed something. */
  readonly onCommit: (() => void) | undefined;
  /** Called when the TEMP database was emptied. */
  readonly onTempEmptied: (() => void) | undefined;
}

/** The capture of one connection: what happens around its statements so that every change is on the tape. */
export class Capture {
  readonly #db: Database.Database;
  readonly #options: CaptureOptions;
  readonly #installer: CaptureInstaller;
  #active = false;
  #touched = false;
  #depth = 0;
  #statements = 0;
  #span = 0;
  #lastChangeId: Database.Statement<unknown[]> | undefined;
  #displaces: Database.Statement<unknown[]> | undefined;
  /** The app's own setting of `unsafeMode`. */
  unsafeMode = false;

  /** Whether the database is a replica. */
  get isReplica(): boolean {
    return this.#options.isReplica;
  }

  /** Another number when the schema may be another: after each transaction, rollback and schema statement. */
  get span(): number {
    return this.#span;
  }

  constructor(db: Database.Database, setDefensive: (on: boolean) => void, options: CaptureOptions) {
    this.#db = db;
    this.#options = options;
    const undefended = (work: () => void): void => {
      setDefensive(false);
      try {
        work();
      } finally {
        setDefensive(!this.unsafeMode);
      }
    };
    this.#installer = { db, undefended, texts: new TriggerTexts() };
    // Not deterministic (the default), so that SQLite calls them where they stand.
    db.function(ENTER_FUNCTION, () => {
      this.#depth += 1;
      return null;
    });
    db.function(LEAVE_FUNCTION, () => {
      this.#depth -= 1;
      return null;
    });
    db.function(DEPTH_FUNCTION, () => this.#depth);
    db.function(STATEMENT_FUNCTION, () => this.#statements);
  }

  /** Makes triggers, marks and shapes fit the schema; from the first time on, changes are captured. */
  refresh(): void {
    this.#span += 1;
    installCapture(this.#installer);
    this.#active = true;
    if (this.#options.engine) this.#options.boundaries.truncate(this.lastChangeId());
  }

  /** The last change on the tape; 0 when it is empty. */
  lastChangeId(): number {
    this.#lastChangeId ??= nativePrepare(this.#db, `SELECT max(id) FROM main.${TAPE_TABLE}`)
      .safeIntegers(false)
      .pluck(true);
    return Number(this.#lastChangeId.get() ?? 0);
  }

  /**
   * Call before each statement that may write. An earlier one that failed inside a trigger has left the depth behind.
   *
   * @param displaces Whether it may displace rows.
   */
  enter(displaces: boolean): void {
    this.#depth = 0;
    this.#statements += 1;
    this.#touched = true;
    if (displaces && this.#active) this.#lookOutForDisplaced();
  }

  /** Most connections never displace a row, and their triggers are the cheaper for it. */
  #lookOutForDisplaced(): void {
    // Asked of the database each time: a rollback may have taken it back.
    this.#displaces ??= nativePrepare(this.#db, DISPLACES_SQL).safeIntegers(false).pluck(true);
    if (this.#displaces.get() === 1) return;
    this.#span += 1;
    lookOutForDisplaced(this.#installer);
  }

  /** Call after each statement that may have ended a transaction, also when it failed. */
  settle(): void {
    if (!this.#touched || this.#db.inTransaction) return;
    this.#touched = false;
    this.#span += 1;
    if (!this.#active) return;
    this.#options.boundaries.note(this.lastChangeId());
    this.#options.onCommit?.();
  }

  /** The transaction was rolled back, or a part of it: nothing has happened. */
  forget(): void {
    this.#span += 1;
    if (!this.#db.inTransaction) this.#touched = false;
  }

  /** Runs a schema statement and puts it on the tape; as a whole or not at all. */
  runSchema<T>(statement: SchemaStatement, sql: string, run: () => T): T {
    this.#span += 1;
    const reserved = foldName(statement.name).startsWith(RESERVED_PREFIX);
    if (reserved && !this.#options.engine) throw reservedName(statement.name);
    this.enter(mayDisplace(sql));
    if (!this.#active || reserved || (statement.temporary && statement.verb === "create")) return run();
    return atomically(
      this.#db,
      () => {
        const before = readSchema(this.#db);
        if (statement.object === "table" && statement.verb !== "create") {
          dropCaptureTriggers(this.#db, statement.name);
        }
        const result = run();
        const after = readSchema(this.#db);
        if (!this.#options.engine) {
          const known = new Set(before.map((row) => row.name));
          const taken = after.find(
            (row) => foldName(row.name).startsWith(RESERVED_PREFIX) && !known.has(row.name),
          );
          if (taken !== undefined) throw reservedName(taken.name);
        }
        const changes = schemaChanges(statement, sql, before, after);
        for (const change of changes) this.#recordSchema(change);
        const shapes = rebuildCapture(this.#installer);
        if (statement.verb === "create" && statement.object === "table" && changes.length > 0) {
          this.#checkNewTable(statement, shapes);
        }
        return result;
      },
      "BEGIN IMMEDIATE",
    );
  }

  /** Runs a pragma that sets a field of the header, and puts it on the tape. */
  runHeaderPragma<T>(pragma: PragmaStatement, run: () => T): T {
    this.enter(false);
    if (!this.#active) return run();
    return atomically(
      this.#db,
      () => {
        const result = run();
        const value = nativeValue(this.#db, `PRAGMA main.${pragma.name}`);
        this.#recordSchema(`PRAGMA ${pragma.name} = ${value}`);
        return result;
      },
      "BEGIN IMMEDIATE",
    );
  }

  /** Call after a pragma that may have emptied the TEMP database. */
  restore(): void {
    if (this.#active) this.refresh();
    this.#options.onTempEmptied?.();
  }

  #recordSchema(sql: string): void {
    nativePrepare(
      this.#db,
      `INSERT INTO main.${TAPE_TABLE} (shape, op, v0) VALUES (0, ${TAPE_OPERATION.schema}, ?)`,
    ).run(sql);
  }

  #checkNewTable(statement: SchemaStatement, shapes: TableShapes): void {
    const isIt = (table: string): boolean => foldName(table) === foldName(statement.name);
    const refused = shapes.refused.find((table) => isIt(table.table));
    if (refused !== undefined) {
      throw new SyncError("unsupported-sql", `Table ${refused.table} cannot be synced: ${refused.reason}.`, {
        table: refused.table,
      });
    }
    const made = shapes.captured.find((table) => isIt(table.shape.table));
    if (statement.asSelect && made !== undefined) this.#recordRows(made.shape);
  }

  /** Puts every row of a table on the tape as an insert. The tape is wide enough when the capture has been rebuilt. */
  #recordRows(shape: TableShape): void {
    const columns = imageColumns(shape);
    const values = columns.map((_, index) => `v${index}`).join(", ");
    nativeExec(
      this.#db,
      `INSERT INTO main.${TAPE_TABLE} (shape, op, ${values}) SELECT ${shapeIds(this.#db)(JSON.stringify(shape))}, ${TAPE_OPERATION.insert}, ${columns.map(quoteIdentifier).join(", ")} FROM main.${quoteIdentifier(shape.table)}`,
    );
  }
}

function reservedName(name: string): SyncError {
  return new SyncError(
    "unsupported-sql",
    `${name}: names that begin with ${RESERVED_PREFIX} belong to the replica; choose another name.`,
  );
}
