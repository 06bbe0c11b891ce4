import {
  ImageDamage,
  imageColumns,
  type JsonValue,
  jsonOfValue,
  RESERVED_PREFIX,
  type RowChange,
  type SqlRow,
  type SqlValue,
  StatementCache,
} from "@tributary/core";
import type { Statement } from "better-sqlite3";
import type { Connection } from "../database/open-connection.js";

/** Where changes are kept that the database did not take. It travels to the replicas as every table does. */
const REFUSED_TABLE = `${RESERVED_PREFIX}refused`;

/**
 * `at`: when, ISO 8601. `client`: whose push it was, as in `turso_sync_last_change_id`. `change`: JSON, values as in the JSON
 * form of change packages (docs/WIRE_FORMAT.md). `reason`: what SQLite said.
 */
const CREATE_REFUSED = `CREATE TABLE IF NOT EXISTS main.${REFUSED_TABLE} (id INTEGER PRIMARY KEY, at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), client TEXT NOT NULL, table_name TEXT, change TEXT NOT NULL, reason TEXT NOT NULL)`;
const INSERT_REFUSED = `INSERT INTO main.${REFUSED_TABLE} (client, table_name, change, reason) VALUES (?, ?, ?, ?)`;

/** Failures of the host, not of what it was told to do: the merge as a whole has failed. */
const HOST_FAILURE =
  /^SQLITE_(FULL|IOERR|CANTOPEN|READONLY|NOMEM|BUSY|LOCKED|INTERRUPT|CORRUPT|NOTADB|PROTOCOL|PERM|AUTH)/;

/** A change that the database did not take: its reason. */
export interface SqlRefusal {
  readonly code: string;
  readonly message: string;
}

/** A trigger or a constraint of the database has rolled the transaction back, and the merge with it. */
export class TransactionLost extends Error {
  override readonly name = "TransactionLost";
}

/** The database while changes are merged into it, inside a transaction; counts what becomes of them. */
export class MergeTarget {
  readonly #connection: Connection;
  readonly #client: string;
  readonly #statements = new StatementCache<Statement<unknown[], unknown>>();
  #changes = 0;
  #refused = 0;
  #isExact = true;

  /** `client` is whom refused changes are noted for. */
  constructor(connection: Connection, client: string) {
    this.#connection = connection;
    this.#client = client;
  }

  /** Changes that the database has taken. */
  get changes(): number {
    return this.#changes;
  }

  get refused(): number {
    return this.#refused;
  }

  /** Whether all was taken as it was. */
  get isExact(): boolean {
    return this.#isExact;
  }

  /** Counts a change that was taken. */
  noteChange(): void {
    this.#changes += 1;
  }

  /** A change had to be taken otherwise than it was. */
  noteInexact(): void {
    this.#isExact = false;
  }

  /** Runs a statement; gives how many rows it changed. */
  run(sql: string, params: SqlRow = []): number {
    return this.#prepare(sql).run(...params).changes;
  }

  query(sql: string, params: SqlRow = []): SqlRow[] {
    return this.#prepare(sql)
      .raw(true)
      .all(...params) as SqlRow[];
  }

  /** Runs statements that are not worth keeping compiled. */
  execute(sql: string): void {
    this.#connection.exec(sql);
  }

  /** Runs a single statement that may come from anybody. Throws `ImageDamage` where it is several. */
  define(sql: string): void {
    let statement: Statement<unknown[], unknown>;
    try {
      statement = this.#connection.prepare(sql);
    } catch (error) {
      // Of better-sqlite3, before anything was run: `exec` would run what stands behind the first one too.
      if (error instanceof RangeError)
        throw new ImageDamage(`The schema has a text that is not one statement: ${error.message}.`, {
          cause: error,
        });
      throw error;
    }
    statement.run();
  }

  /** Runs an ALTER TABLE as SQLite did before 3.26: it looks at nothing but the table itself. */
  alterInTheOldWay(sql: string): void {
    this.execute("PRAGMA legacy_alter_table = ON");
    try {
      this.define(sql);
    } finally {
      this.execute("PRAGMA legacy_alter_table = OFF");
    }
  }

  /** Lets statements write to the shadow tables of virtual tables from now on, which SQLite protects otherwise. */
  openShadowTables(): void {
    this.#connection.unsafeMode(true);
  }

  /** Does something of which nothing stays if the database refuses it; gives why it did. Throws what is the host's failure. */
  attempt(work: () => void): SqlRefusal | undefined {
    const counted = { changes: this.#changes, refused: this.#refused };
    this.execute("SAVEPOINT tributary_attempt");
    const refusal = this.try(work);
    if (refusal !== undefined) {
      this.execute("ROLLBACK TO tributary_attempt");
      this.#changes = counted.changes;
      this.#refused = counted.refused;
    }
    this.execute("RELEASE tributary_attempt");
    return refusal;
  }

  /** The same for a single statement, which is undone by itself. */
  try(work: () => void): SqlRefusal | undefined {
    try {
      work();
      return undefined;
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === undefined) throw error;
      if (!this.#connection.inTransaction) throw new TransactionLost(refusal.message, { cause: error });
      return refusal;
    }
  }

  /** Keeps a row change that was not taken. */
  refuseRow(change: RowChange, { message }: SqlRefusal): void {
    const names = imageColumns(change.shape);
    const json = {
      type: change.type,
      ...("before" in change && { before: recordOf(names, change.before) }),
      ...("after" in change && { after: recordOf(names, change.after) }),
    };
    this.#refuse(change.shape.table, json, message);
  }

  /** Keeps a row that has no place in its table any more. */
  refuseImage(table: string, columns: readonly string[], row: SqlRow, { message }: SqlRefusal): void {
    this.#refuse(table, { type: "insert", after: recordOf(columns, row) }, message);
  }

  /** Keeps a statement on the schema that was not taken. */
  refuseSchema(table: string | null, sql: string, { message }: SqlRefusal): void {
    this.#refuse(table, { type: "schema", sql }, message);
  }

  /** The stored columns of a table, in its order; none if it is not there. */
  columnsOf(table: string): readonly string[] {
    const sql = "SELECT name FROM pragma_table_xinfo(?, 'main') WHERE hidden < 2";
    return this.query(sql, [table]).map(([name]) => String(name));
  }

  /** All columns of a table, the generated ones too. */
  allColumnsOf(table: string): readonly string[] {
    return this.query("SELECT name FROM pragma_table_xinfo(?, 'main')", [table]).map(([name]) =>
      String(name),
    );
  }

  /** The text of a table, index, view or trigger; undefined: there is none. */
  sqlOf(type: string, name: string): string | undefined {
    const sql = "SELECT sql FROM main.sqlite_schema WHERE type = ? AND name = ? COLLATE NOCASE";
    const [row] = this.query(sql, [type, name]);
    return row === undefined ? undefined : String(row[0]);
  }

  /** The table or view of an index or a trigger. */
  tableOf(type: string, name: string): string | undefined {
    const sql = "SELECT tbl_name FROM main.sqlite_schema WHERE type = ? AND name = ? COLLATE NOCASE";
    const [row] = this.query(sql, [type, name]);
    return row === undefined ? undefined : String(row[0]);
  }

  /** Has SQLite read a statement, and does not run it. */
  compile(sql: string): void {
    this.#connection.prepare(sql);
  }

  #refuse(table: string | null, change: object, reason: string): void {
    this.#refused += 1;
    this.#isExact = false;
    this.run(CREATE_REFUSED);
    this.run(INSERT_REFUSED, [this.#client, table, JSON.stringify(change), reason]);
  }

  #prepare(sql: string): Statement<unknown[], unknown> {
    return this.#statements.get(sql, (text) => this.#connection.prepare(text));
  }
}

function recordOf(names: readonly string[], image: SqlRow): Record<string, JsonValue> {
  return Object.fromEntries(names.map((name, index) => [name, jsonOfValue(image[index] as SqlValue)]));
}

function refusalOf(error: unknown): SqlRefusal | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  const { code, message } = error;
  // A virtual table whose content is damaged is no damage of the file.
  if (!code.startsWith("SQLITE_") || (HOST_FAILURE.test(code) && code !== "SQLITE_CORRUPT_VTAB"))
    return undefined;
  return { code, message };
}
