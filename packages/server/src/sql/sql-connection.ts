import { type SqlRow, StatementCache } from "@tributary/core";
import type { Statement } from "better-sqlite3";
import type { Connection } from "../database/open-connection.js";
import { ServerError } from "../server-error.js";
import { type BoundArguments, bindArguments, type StatementArguments } from "./bind-arguments.js";
import { ResponseBudget } from "./response-budget.js";
import { isLockWait, isOfStatement, refuseNul, SqlError, toSqlError } from "./sql-error.js";
import { type StatementShape, shapeOf } from "./statement-shape.js";

/** A column of a result. */
interface ResultColumn {
  readonly name: string;
  readonly declaredType: string | null;
}

/** What a statement gave. */
export interface SqlResult {
  readonly columns: readonly ResultColumn[];
  readonly rows: readonly SqlRow[];
  readonly affectedRows: number;
  /** Only of an INSERT. */
  readonly lastInsertRowid: bigint | null;
}

/** What a statement that only reads gives, row by row. Nothing else can run on the connection until the rows are at an end. */
export interface OpenRows {
  readonly columns: readonly ResultColumn[];
  readonly iterator: Iterator<SqlRow, unknown, undefined>;
}

/** A statement, compiled on one connection. */
export interface PreparedStatement {
  readonly shape: StatementShape;
  readonly statement: Statement<unknown[], unknown>;
  readonly readonly: boolean;
}

/** What can be told of a statement without running it. */
export interface SqlDescription {
  readonly shape: StatementShape;
  readonly columns: readonly ResultColumn[];
  readonly readonly: boolean;
}

const CACHED_STATEMENTS = 128;
const NO_COLUMNS: readonly ResultColumn[] = [];
const NO_ROWS: readonly SqlRow[] = [];
const UNLIMITED = new ResponseBudget(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);

/** One SQLite connection, as a Hrana stream sees it. Synchronous; errors are those of better-sqlite3 or `SqlError`. */
export class SqlConnection {
  readonly #connection: Connection;
  readonly #prepared = new StatementCache<PreparedStatement>(CACHED_STATEMENTS);
  readonly #lastChange: Statement<unknown[], unknown>;
  /** The statement that ran last: mostly the next one is the same. */
  #last: { readonly sql: string; readonly prepared: PreparedStatement } | undefined;
  #holdsWriteLock = false;
  #isAsNew = true;
  /** Called where a write transaction has ended, before its result is given. It must not throw. */
  onWritten: () => void = () => {};

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.defaultSafeIntegers(true);
    this.#lastChange = connection.prepare("SELECT changes(), last_insert_rowid()").raw(true);
  }

  /** Whether no explicit transaction is open. */
  get isAutocommit(): boolean {
    return !this.#connection.inTransaction;
  }

  /** Whether the open transaction has written, as far as can be told: nobody else can write until it ends. */
  get holdsWriteLock(): boolean {
    return this.#holdsWriteLock;
  }

  /**
   * Whether nothing that clients have done here is left outside of a transaction, but for what `changes()`,
   * `total_changes()` and `last_insert_rowid()` give: somebody else may go on with it.
   */
  get isAsNew(): boolean {
    return this.#isAsNew;
  }

  /** Compiles a statement, or finds it compiled. Throws `SqlError`, or `ServerError` "closed". */
  prepare(sql: string): PreparedStatement {
    if (!this.#connection.open) throw new ServerError("closed", "the database is closed");
    if (sql !== this.#last?.sql)
      this.#last = { sql, prepared: this.#prepared.get(sql, (text) => this.#compile(text)) };
    return this.#last.prepared;
  }

  /** What a statement takes and gives, without running it. Throws `SqlError`. */
  describe(sql: string): SqlDescription {
    const { shape, statement, readonly } = this.#compile(sql);
    const columns = statement.reader ? columnsOf(statement) : NO_COLUMNS;
    return { shape, columns, readonly };
  }

  /** Whether running it takes a lock that another connection may hold. */
  needsWriteLock({ shape, readonly }: PreparedStatement): boolean {
    if (this.#holdsWriteLock || shape.kind === "end") return false;
    // One that SQLite lets only read takes no lock, whatever it is told.
    return (!readonly || shape.kind === "begin-write") && !this.#connection.readonly;
  }

  /** Runs a statement to its end. Rows count against `budget`; without one they are dropped. */
  run(prepared: PreparedStatement, args: StatementArguments, budget: ResponseBudget | undefined): SqlResult {
    const { shape, statement } = prepared;
    const bound = bindArguments(shape, args);
    const writes = this.needsWriteLock(prepared);
    this.#noteTraces(shape);
    let gotLock = writes;
    try {
      if (!statement.reader) {
        const { changes, lastInsertRowid } = statement.run(...bound);
        return {
          columns: NO_COLUMNS,
          rows: NO_ROWS,
          affectedRows: isRowChange(shape) ? changes : 0,
          lastInsertRowid: shape.kind === "insert" ? BigInt(lastInsertRowid) : null,
        };
      }
      const read = (): SqlRow[] => readRows(statement, bound, budget);
      const rows = isRowChange(shape) ? this.#undoIfItThrows(read) : read();
      // Only now: SQLite compiles the statement again when it finds that the schema has changed.
      const result = { columns: columnsOf(statement), rows };
      if (!isRowChange(shape)) return { ...result, affectedRows: 0, lastInsertRowid: null };
      const [changes, rowid] = this.#lastChange.get() as [bigint, bigint];
      const lastInsertRowid = shape.kind === "insert" ? rowid : null;
      return { ...result, affectedRows: Number(changes), lastInsertRowid };
    } catch (error) {
      // Any other failed write may have taken the lock all the same, and may have ended the transaction.
      if (isLockWait(error)) gotLock = false;
      this.#noteFailure(error);
      throw error;
    } finally {
      if (gotLock) this.#holdsWriteLock = true;
      if (this.#holdsWriteLock && !this.#connection.inTransaction) {
        this.#holdsWriteLock = false;
        this.onWritten();
      }
    }
  }

  /** Starts a statement that only reads, and runs any other to its end, without counting its rows. */
  open(prepared: PreparedStatement, args: StatementArguments): SqlResult | OpenRows {
    const { shape, statement, readonly } = prepared;
    if (!statement.reader || !readonly) return this.run(prepared, args, UNLIMITED);
    const bound = bindArguments(shape, args);
    for (;;) {
      const columns = columnsOf(statement);
      const iterator = statement.iterate(...bound) as IterableIterator<SqlRow>;
      const first = iterator.next();
      // The first step compiles anew where the schema has changed; the columns cannot be asked for while it is under way.
      if (first.done === true || first.value.length === columns.length) {
        return { columns, iterator: startingWith(first, iterator) };
      }
      iterator.return?.();
    }
  }

  /** A RETURNING whose rows are too many has made its changes by then: they must not stay without an answer. */
  #undoIfItThrows<T>(work: () => T): T {
    const connection = this.#connection;
    const isOutermost = !connection.inTransaction;
    connection.exec("SAVEPOINT tributary_statement");
    try {
      const result = work();
      connection.exec("RELEASE tributary_statement");
      return result;
    } catch (error) {
      // Some failures have ended the transaction already.
      if (connection.inTransaction) {
        connection.exec(
          isOutermost ? "ROLLBACK" : "ROLLBACK TO tributary_statement; RELEASE tributary_statement",
        );
      }
      throw error;
    }
  }

  /** Ends an open transaction without keeping anything of it. */
  rollback(): void {
    this.#holdsWriteLock = false;
    if (this.#connection.inTransaction) this.#connection.exec("ROLLBACK");
  }

  /** Rolls back and closes. */
  close(): void {
    this.#holdsWriteLock = false;
    this.#connection.close();
  }

  #compile(sql: string): PreparedStatement {
    refuseNul(sql);
    const shape = shapeOf(sql);
    // Before SQLite sees it: some pragmas take effect while they are compiled.
    if (shape.refusal !== undefined)
      throw new SqlError("SQL_PARSE_ERROR", `SQL not allowed: ${shape.refusal}`);
    this.#noteTraces(shape);
    try {
      const statement = this.#connection.prepare(sql);
      if (statement.reader) statement.raw(true);
      return { shape, statement, readonly: statement.readonly };
    } catch (error) {
      this.#noteFailure(error);
      throw toSqlError(error, true);
    }
  }

  /** Also of what is merely compiled: that is when some pragmas take effect. */
  #noteTraces({ traces }: StatementShape): void {
    if (traces === "lasting" || (traces === "in-transaction" && !this.#connection.inTransaction))
      this.#isAsNew = false;
  }

  /** What has to do with the file or with memory may come from how the connection is, and end with it. */
  #noteFailure(error: unknown): void {
    if (!isOfStatement(error)) this.#isAsNew = false;
  }
}

function readRows(
  statement: Statement<unknown[], unknown>,
  bound: BoundArguments,
  budget: ResponseBudget | undefined,
): SqlRow[] {
  const rows: SqlRow[] = [];
  for (const row of statement.iterate(...bound) as IterableIterator<SqlRow>) {
    if (budget === undefined) continue;
    budget.spend(row);
    rows.push(row);
  }
  return rows;
}

/** An iterator whose first step was taken already. No generator: one that is ended before it was begun ends nothing. */
function startingWith(
  first: IteratorResult<SqlRow>,
  rest: IterableIterator<SqlRow>,
): Iterator<SqlRow, unknown, undefined> {
  let isFirst = true;
  return {
    next() {
      if (!isFirst) return rest.next();
      isFirst = false;
      return first;
    },
    return() {
      isFirst = false;
      rest.return?.();
      return { done: true, value: undefined };
    },
  };
}

function columnsOf(statement: Statement<unknown[], unknown>): ResultColumn[] {
  return statement.columns().map(({ name, type }) => ({ name, declaredType: type }));
}

function isRowChange({ kind }: StatementShape): boolean {
  return kind === "insert" || kind === "update" || kind === "delete";
}
