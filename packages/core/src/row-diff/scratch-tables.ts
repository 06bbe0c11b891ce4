import { foldName } from "../capture/schema-row.js";
import type { ShapeKey } from "../capture/table-shape.js";
import { quoteLiteral } from "../sql/quote-literal.js";
import { tokenizeSql } from "../sql/tokenize-sql.js";
import { PageDamage } from "../sqlite-format/page-source.js";
import type { SqlRow, SqlValue } from "../values/sql-value.js";
import { COLLATIONS, createTextFor } from "./create-text.js";
import type { SchemaEntry } from "./image-schema.js";
import type { ScratchSql } from "./scratch-sql.js";
import type { KeyTerm, StoredColumn, TableLayout } from "./table-layout.js";

const ROWID_NAMES = ["rowid", "_rowid_", "oid"] as const;
/** Values of `hidden`. */
const VIRTUAL_COLUMN = 2;
const STORED_COLUMN = 3;

/** A column as SQLite tells of it. */
interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
  readonly defaultSql: string | null;
  /** From 1; 0: not part of the key. */
  readonly keyPosition: number;
  readonly hidden: number;
}

/** A column of the index that a primary key has. */
interface IndexRow {
  /** Of the table. */
  readonly column: number;
  readonly descending: boolean;
  readonly collation: string;
  readonly isKey: boolean;
}

/** Asks SQLite how tables are stored, by making them anew, empty and under other names. */
export class ScratchTables {
  readonly #sql: ScratchSql;
  /** For defaults: each ALTER TABLE reads all of the schema anew, so this one never has more than one table. */
  readonly #defaults: () => ScratchSql;
  #defaultsSql: ScratchSql | undefined;
  /** By name and text. */
  readonly #layouts: Map<string, TableLayout> = new Map();
  #count = 0;

  /** `scratch` gives a fresh one with each call. */
  constructor(scratch: () => ScratchSql) {
    this.#sql = scratch();
    this.#defaults = scratch;
  }

  /** How the table of a schema is stored. `PageDamage` where its text makes none. */
  layoutOf(entry: SchemaEntry): TableLayout {
    const id = JSON.stringify([entry.name, entry.sql]);
    const layout = this.#layouts.get(id) ?? this.#make(entry);
    this.#layouts.set(id, layout);
    return layout;
  }

  #make({ name, sql }: SchemaEntry): TableLayout {
    if (foldName(name) === "sqlite_sequence") return SEQUENCE_LAYOUT;
    const made = `t${++this.#count}`;
    const text = createTextFor(made, sql ?? "");
    if (text === undefined) throw new PageDamage(`a table ${name} made by no CREATE TABLE`);
    try {
      this.#sql.execute(text);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new PageDamage(`a table ${name} that SQLite cannot make (${reason})`, { cause: error });
    }
    return this.#readLayout(name, made);
  }

  #readLayout(table: string, made: string): TableLayout {
    const literal = quoteLiteral(made);
    const [options] = this.#sql.query(`SELECT wr, strict FROM pragma_table_list(${literal})`);
    const isIndex = Number(options?.[0]) === 1;
    const rows = this.#sql
      .query(
        `SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(${literal}) ORDER BY cid`,
      )
      .map(columnRow);
    const index = this.#sql
      .query(
        `SELECT x.cid, x."desc", x.coll, x.key FROM pragma_index_list(${literal}) i
         JOIN pragma_index_xinfo(i.name) x WHERE i.origin = 'pk' ORDER BY x.seqno`,
      )
      .map(indexRow);
    const stored = isIndex
      ? index.map(({ column }) => column)
      : rows.flatMap(({ hidden }, column) => (hidden === VIRTUAL_COLUMN ? [] : [column]));
    // A key without an index of its own is the rowid under another name (INTEGER PRIMARY KEY).
    const keyIsRowid = index.length === 0 && rows.some(({ keyPosition }) => keyPosition > 0);
    const key = keyOf(rows, isIndex, keyIsRowid);
    const isStrict = Number(options?.[1]) === 1;
    const visible = rows.flatMap((row, column) =>
      row.hidden === VIRTUAL_COLUMN || row.hidden === STORED_COLUMN ? [] : [{ row, column }],
    );
    return {
      shape: { table, columns: visible.map(({ row }) => row.name), key },
      columns: visible.map(
        ({ row, column }): StoredColumn => ({
          name: row.name,
          definition: JSON.stringify([foldName(row.type), row.notNull, row.defaultSql, row.keyPosition]),
          position: keyIsRowid && row.keyPosition > 0 ? undefined : stored.indexOf(column),
          isReal: affinityOf(row.type, isStrict) === "REAL",
          missing: this.#defaultOf(row, isStrict),
        }),
      ),
      width: stored.length,
      isIndex,
      keyIsRowid,
      key: index
        .filter(({ isKey }) => isKey)
        .concat(keyIsRowid ? rowidKey(rows) : [])
        .map(
          ({ column, descending, collation }): KeyTerm => ({
            column: visible.findIndex((one) => one.column === column),
            collation: COLLATIONS.has(foldName(collation)) ? foldName(collation) : undefined,
            descending,
          }),
        ),
    };
  }

  /** What SQLite itself reads where a row ends before a column: it is asked to add one to a table that has a row. */
  #defaultOf({ type, defaultSql }: ColumnRow, isStrict: boolean): SqlValue {
    if (defaultSql === null) return null;
    this.#defaultsSql ??= this.#defaults();
    const sql = this.#defaultsSql;
    // In parentheses, a name would not be a text.
    const value = tokenizeSql(defaultSql).length === 1 ? defaultSql : `(${defaultSql}\n)`;
    sql.execute("DROP TABLE IF EXISTS t; CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    try {
      sql.execute(`ALTER TABLE t ADD COLUMN b ${affinityOf(type, isStrict)} DEFAULT ${value}`);
      return sql.query("SELECT b FROM t")[0]?.[0] ?? null;
    } catch {
      // Not a constant: then the column cannot have been added to a table with rows, and no row is without it.
      return null;
    }
  }
}

function columnRow(row: SqlRow): ColumnRow {
  return {
    name: String(row[0]),
    type: String(row[1]),
    notNull: Number(row[2]) === 1,
    defaultSql: row[3] === null || row[3] === undefined ? null : String(row[3]),
    keyPosition: Number(row[4]),
    hidden: Number(row[5]),
  };
}

function indexRow(row: SqlRow): IndexRow {
  return {
    column: Number(row[0]),
    descending: Number(row[1]) === 1,
    collation: String(row[2]),
    isKey: Number(row[3]) === 1,
  };
}

/** The one column that stands for the rowid, as if there was an index of it. */
function rowidKey(rows: readonly ColumnRow[]): IndexRow[] {
  const column = rows.findIndex(({ keyPosition }) => keyPosition > 0);
  return [{ column, descending: false, collation: "binary", isKey: true }];
}

/** As `readTableShapes` tells it. */
function keyOf(rows: readonly ColumnRow[], isIndex: boolean, keyIsRowid: boolean): ShapeKey {
  const key = rows.filter((row) => row.keyPosition > 0).sort((a, b) => a.keyPosition - b.keyPosition);
  if (key.length > 0) {
    const nullable = !isIndex && !keyIsRowid && key.some(({ notNull }) => !notNull);
    return { type: "columns", columns: key.map(({ name }) => name), nullable };
  }
  const alias = ROWID_NAMES.find((name) => !rows.some((row) => foldName(row.name) === name));
  if (alias !== undefined) return { type: "rowid", alias };
  // Nobody can name the rowid: all that is left to know a row by is its values.
  const columns = rows.filter(({ hidden }) => hidden < VIRTUAL_COLUMN).map(({ name }) => name);
  return { type: "columns", columns, nullable: true };
}

/** As https://www.sqlite.org/datatype3.html#determination_of_column_affinity has it. */
function affinityOf(type: string, isStrict: boolean): string {
  const name = type.toUpperCase();
  if (name.includes("INT")) return "INTEGER";
  if (/CHAR|CLOB|TEXT/.test(name)) return "TEXT";
  if (name === "" || name.includes("BLOB") || (isStrict && name === "ANY")) return "BLOB";
  return /REAL|FLOA|DOUB/.test(name) ? "REAL" : "NUMERIC";
}

/** Its table is made by SQLite itself, and has no key that it knows of; but there is one row for a name. */
const SEQUENCE_LAYOUT: TableLayout = {
  shape: {
    table: "sqlite_sequence",
    columns: ["name", "seq"],
    key: { type: "columns", columns: ["name"], nullable: true },
  },
  columns: ["name", "seq"].map((name, position) => ({
    name,
    definition: name,
    position,
    isReal: false,
    missing: null,
  })),
  width: 2,
  isIndex: false,
  keyIsRowid: false,
  key: [{ column: 0, collation: "binary", descending: false }],
};
