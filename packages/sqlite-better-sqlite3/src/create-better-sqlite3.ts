import {
  classifyStatement,
  type SqlConnection,
  type SqlFailure,
  type SqlIo,
  type SqlReader,
  type SqlRow,
  type SqlStatement,
  type SqlValue,
  StatementCache,
  SyncError,
} from "@tributary/core";
import Database from "better-sqlite3";
import { asSyncError, codeOf } from "./as-sync-error.js";
import { captureOf } from "./capture.js";
import { isBusy, isBusyError, nativeExec, nativePrepare } from "./native-connection.js";
import { openReader } from "./open-reader.js";
import { plainBytes } from "./plain-bytes.js";
import { ReplicaDatabase } from "./replica-database.js";
import { ReplicaLock } from "./replica-lock.js";
import { TransactionBoundaries } from "./transaction-boundaries.js";

/** Options of {@link createBetterSqlite3}. */
export interface BetterSqlite3Options {
  /** How safe a commit of the app's is from a power cut. Default `FULL`: durable when the statement returns. */
  readonly synchronous?: "OFF" | "NORMAL" | "FULL" | "EXTRA";
  /** How long a statement of the app waits for a lock, in milliseconds. Default 5000. */
  readonly busyTimeoutMs?: number;
  /** better-sqlite3's option, for the app's connection: called with the SQL of every statement that runs. */
  readonly verbose?: (message?: unknown, ...additionalArgs: unknown[]) => void;
  /** better-sqlite3's option: the native addon to use. */
  readonly nativeBinding?: string;
  /** Called after each transaction of the app's that may have changed something, before its statement returns. */
  readonly onLocalCommit?: () => void;
  /** Called when a statement of the app's has emptied the TEMP database, as `PRAGMA temp_store` does. */
  readonly onTempEmptied?: () => void;
  /**
   * Whether the file is that of a replica (the default). If not, pages may have any size, and SQLite checkpoints by
   * itself as the app has it do (`wal_autocheckpoint`).
   */
  readonly isReplica?: boolean;
}

/** The SQL port on better-sqlite3. All of it answers at once. */
export interface BetterSqlite3Io extends SqlIo {
  /** The app's connection, while the connections are open. */
  readonly db: ReplicaDatabase;
  acquireLock(path: string): boolean;
  releaseLock(): void;
  openConnections(path: string): void;
  closeConnections(keepLog?: boolean): void;
  queryFile(path: string, sql: string, params?: readonly SqlValue[]): readonly SqlRow[];
  querySql(connection: SqlConnection, sql: string, params?: readonly SqlValue[]): readonly SqlRow[];
  executeSql(connection: SqlConnection, sql: string): void;
  runSql(statements: readonly SqlStatement[]): SqlFailure | undefined;
  tryBeginWrite(waitMs?: number): boolean;
  refreshCapture(connection: "writer" | "app"): void;
  transactionBoundaries(): readonly number[];
  /**
   * Begins to read the state that is committed now, on a connection of its own, whatever the others are in the middle of.
   * Ended by its `close`, or with the connections. Until then the log cannot become shorter.
   */
  openReader(): SqlReader;
}

type Statement = Database.Statement<unknown[]>;

/**
 * How long a statement of the engine waits for a lock, in milliseconds: another process that only reads may hold those
 * of SQLite's recovery for a moment. The waiting is SQLite's own, synchronous one, since an apply must not let go of
 * the event loop.
 */
const ENGINE_TIMEOUT_MS = 5000;
/** It would wait for readers, which may be in this process and could not end meanwhile. */
const CHECKPOINT = /^PRAGMA (main\.)?wal_checkpoint\b/i;

interface Connections {
  readonly path: string;
  readonly app: ReplicaDatabase;
  readonly writer: ReplicaDatabase;
  readonly guard: Database.Database;
  readonly queries: Readonly<Record<SqlConnection, StatementCache<Statement>>>;
  readonly writes: StatementCache<Statement>;
}

/** The connections of one replica. Opens nothing before `openConnections`. */
export function createBetterSqlite3(options: BetterSqlite3Options = {}): BetterSqlite3Io {
  const boundaries = new TransactionBoundaries();
  const readers = new Set<SqlReader>();
  let opened: Connections | undefined;
  let lock: ReplicaLock | undefined;
  /** The app's setting when it was last seen; the app may have closed its connection since. */
  let foreignKeys: unknown = 1;
  /** The writer's setting; `undefined`: not set yet. Setting it makes SQLite compile all statements of the writer again. */
  let foreignKeysOfWriter: unknown;

  const connections = (): Connections => {
    if (opened === undefined) throw new SyncError("invalid-state", "The replica is closed.");
    return opened;
  };
  const connection = (name: SqlConnection): Database.Database =>
    name === "writer" ? connections().writer : connections().guard;

  return {
    get db() {
      return connections().app;
    },

    acquireLock(path) {
      if (lock !== undefined) throw new SyncError("internal", "A lock is held already.", { path });
      lock = ReplicaLock.acquire(path, bindingOf(options));
      return lock !== undefined;
    },

    releaseLock() {
      lock?.release();
      lock = undefined;
    },

    openConnections(path) {
      if (opened !== undefined)
        throw new SyncError("invalid-state", "The replica is open.", { path: opened.path });
      opened = asSyncError(() => openAll(path, options, boundaries));
      foreignKeysOfWriter = undefined;
    },

    closeConnections(keepLog = false) {
      if (opened === undefined) return;
      const { app, writer, guard } = opened;
      // A reader would keep the last connection from checkpointing.
      for (const reader of readers) reader.close();
      if (keepLog) openLogOf(guard);
      // The app's may be busy; then all stay open.
      asSyncError(() => closeAll([app]));
      opened = undefined;
      // The guard before the writer: its read transaction would keep the last connection from checkpointing. As the last
      // one it cannot checkpoint, because it only reads.
      asSyncError(() => closeAll(keepLog ? [writer, guard] : [guard, writer]));
    },

    queryFile(path, sql, params = []) {
      return asSyncError(() => {
        const db = new Database(path, { ...bindingOf(options), readonly: true, timeout: ENGINE_TIMEOUT_MS });
        try {
          const rows = db
            .prepare(sql)
            .safeIntegers(true)
            .raw(true)
            .all(...params) as SqlValue[][];
          for (const row of rows) plainBytes(row);
          return rows;
        } finally {
          db.close();
        }
      });
    },

    querySql(name, sql, params = []) {
      return asSyncError(() => {
        const statement = connections().queries[name].get(sql, (text) => {
          const made = nativePrepare(connection(name), text).safeIntegers(true);
          return made.reader ? made.raw(true) : made;
        });
        if (!statement.reader) {
          statement.run(...params);
          return [];
        }
        const read = (): SqlValue[][] => statement.all(...params) as SqlValue[][];
        const rows = CHECKPOINT.test(sql) ? waitingFor(0, connection(name), read) : read();
        for (const row of rows) plainBytes(row);
        return rows;
      });
    },

    executeSql(name, sql) {
      asSyncError(() => connection(name).exec(sql));
    },

    runSql(statements) {
      const { writer, writes } = connections();
      let prepared: Statement | undefined;
      let preparedSql: string | undefined;
      let index = 0;
      try {
        for (; index < statements.length; index++) {
          const { sql, params } = statements[index] as SqlStatement;
          // Most differ from the one before in their parameters only.
          if (prepared === undefined || sql !== preparedSql) {
            prepared = writes.get(sql, (text) => prepareWrite(writer, text));
            preparedSql = sql;
          }
          prepared.run(...params);
        }
        return undefined;
      } catch (error) {
        if (error instanceof SyncError) throw error;
        return failureOf(index, error);
      }
    },

    tryBeginWrite(waitMs = 0) {
      const { app, writer } = connections();
      if (app.inTransaction) return false;
      return asSyncError(() => {
        if (writer.inTransaction) throw new SyncError("internal", "The writer is in a transaction already.");
        try {
          if (app.open) {
            // An iterator reads from the state of its beginning: it holds a transaction as much as BEGIN does.
            if (isBusy(app)) return false;
            foreignKeys = app.pragma("foreign_keys", { simple: true });
          }
          // The setting cannot change inside a transaction, and the app may have changed its own since.
          if (foreignKeysOfWriter !== foreignKeys) {
            writer.pragma(`foreign_keys = ${foreignKeys}`);
            foreignKeysOfWriter = foreignKeys;
          }
          waitingFor(waitMs, writer, () => writer.exec("BEGIN IMMEDIATE"));
          return true;
        } catch (error) {
          if (codeOf(error)?.startsWith("SQLITE_BUSY") || isBusyError(error)) return false;
          throw error;
        }
      });
    },

    refreshCapture(name) {
      const db = connections()[name];
      // A connection that the app has closed captures nothing any more.
      if (db.open) asSyncError(() => captureOf(db).refresh());
    },

    transactionBoundaries() {
      return boundaries.list();
    },

    openReader() {
      const { path } = connections();
      const settings = { ...bindingOf(options), timeout: ENGINE_TIMEOUT_MS };
      const reader = asSyncError(() => openReader(path, settings, () => readers.delete(reader)));
      readers.add(reader);
      return reader;
    },
  };
}

function bindingOf({ nativeBinding }: BetterSqlite3Options): { readonly nativeBinding?: string } {
  return nativeBinding === undefined ? {} : { nativeBinding };
}

function openAll(
  path: string,
  options: BetterSqlite3Options,
  boundaries: TransactionBoundaries,
): Connections {
  const { synchronous = "FULL", busyTimeoutMs = 5000, verbose, isReplica = true } = options;
  const binding = bindingOf(options);
  const made: Database.Database[] = [];
  const open = <T extends Database.Database>(db: T): T => {
    made.push(db);
    return db;
  };
  try {
    const app = open(
      new ReplicaDatabase(
        path,
        {
          ...binding,
          timeout: busyTimeoutMs,
          ...(verbose === undefined ? {} : { verbose: appStatements(verbose) }),
        },
        {
          boundaries,
          engine: false,
          isReplica,
          onCommit: options.onLocalCommit,
          onTempEmptied: options.onTempEmptied,
        },
      ),
    );
    setUp(app, synchronous, isReplica);
    const writer = open(
      new ReplicaDatabase(
        path,
        { ...binding, timeout: ENGINE_TIMEOUT_MS },
        { boundaries, engine: true, isReplica, onCommit: undefined, onTempEmptied: undefined },
      ),
    );
    // Whatever the app has chosen for itself: the journal of an apply is removed when its replay has been committed.
    setUp(writer, "FULL", isReplica);
    const guard = open(new Database(path, { ...binding, timeout: ENGINE_TIMEOUT_MS, readonly: true }));
    const queries = { writer: new StatementCache<Statement>(), guard: new StatementCache<Statement>() };
    return { path, app, writer, guard, queries, writes: new StatementCache<Statement>() };
  } catch (error) {
    closeAll(made.reverse());
    throw error;
  }
}

function setUp(db: ReplicaDatabase, synchronous: string, isReplica: boolean): void {
  const pageSize = db.pragma("page_size", { simple: true });
  if (isReplica && Number(pageSize) !== 4096) {
    throw new SyncError(
      "unsupported-sql",
      `${db.name} has pages of ${pageSize} bytes; the sync protocol knows 4096 only. VACUUM INTO a copy with that page size.`,
      { path: db.name },
    );
  }
  const mode = db.pragma("journal_mode = wal", { simple: true });
  if (mode !== "wal") {
    throw new SyncError("io-failed", `${db.name} cannot be put in WAL mode (it is in ${mode} mode).`, {
      path: db.name,
    });
  }
  if (isReplica) db.pragma("wal_autocheckpoint = 0");
  db.pragma(`synchronous = ${synchronous}`);
}

/** Statements of the capture are not the app's business. */
function appStatements(verbose: (message?: unknown) => void): (message?: unknown) => void {
  return (message) => {
    if (!String(message).includes("tributary_")) verbose(message);
  };
}

/** Row changes are the hot path of a replay: the classification is made once per text, not per run. */
function prepareWrite(writer: ReplicaDatabase, sql: string): Statement {
  const kind = classifyStatement(sql);
  const statement = writer.prepare(sql) as Statement;
  if (kind.type !== "write" && statement.reader) {
    return { run: (...params: unknown[]) => statement.all(...params) } as unknown as Statement;
  }
  return statement;
}

/** Runs `work` so that it waits that long where another process holds a lock. */
function waitingFor<T>(milliseconds: number, db: Database.Database, work: () => T): T {
  nativeExec(db, `PRAGMA busy_timeout = ${milliseconds}`);
  try {
    return work();
  } finally {
    nativeExec(db, `PRAGMA busy_timeout = ${ENGINE_TIMEOUT_MS}`);
  }
}

/** A connection that has never read does not stand in the way of the others' last checkpoint. */
function openLogOf(guard: Database.Database): void {
  try {
    nativeExec(guard, "SELECT 1 FROM sqlite_schema LIMIT 1");
  } catch {
    // What cannot be read is not checkpointed either.
  }
}

function closeAll(databases: readonly Database.Database[]): void {
  for (const db of databases) if (db.open) db.close();
}

function failureOf(index: number, error: unknown): SqlFailure {
  const message = error instanceof Error ? error.message : String(error);
  return { index, message, sqlCode: codeOf(error) ?? "SQLITE_MISUSE" };
}
