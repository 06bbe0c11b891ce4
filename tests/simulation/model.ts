/**
 * What a database should hold, in plain maps: no SQLite, no code of the engine. Values are SQL literals as `quote()`
 * writes them, so that a statement and an expectation are the same text.
 */
export type Row = Readonly<Record<string, string>>;

/** A table. A row is found by its key, as text; in a table without a key, by its rowid. */
export interface Table {
  readonly name: string;
  /** Columns of the key; none: the table has no key. */
  key: string[];
  /** Names with the values that rows have which do not say. */
  columns: Map<string, string>;
  rows: Map<string, Row>;
  /** Names of indexes with the column that they are on. */
  indexes: Map<string, string>;
}

/** How far a replica has pushed. */
export interface Position {
  readonly generation: number;
  readonly changeId: number;
}

/** A database, and how far each replica has pushed to it. */
export interface State {
  readonly tables: Map<string, Table>;
  readonly positions: Map<string, Position>;
}

/** What a table looked like when one of its rows was changed. */
export interface Shape {
  readonly table: string;
  readonly columns: readonly string[];
  readonly key: readonly string[];
}

/** A row of a table without a key has its rowid under this name. */
export const ROWID = "rowid";

export interface AddColumn {
  readonly verb: "add column";
  readonly table: string;
  readonly column: string;
  /** What rows have there that do not say. */
  readonly value: string;
}

export type SchemaChange =
  | { readonly verb: "create table"; readonly table: string; readonly like: Table }
  | { readonly verb: "drop table"; readonly table: string }
  | AddColumn
  | { readonly verb: "rename column"; readonly table: string; readonly column: string; readonly to: string }
  | { readonly verb: "drop column"; readonly table: string; readonly column: string }
  | { readonly verb: "create index"; readonly table: string; readonly column: string; readonly index: string }
  | { readonly verb: "drop index"; readonly index: string };

/** A change as a replica records it. */
export type Change =
  | { readonly type: "insert"; readonly shape: Shape; readonly after: Row }
  | { readonly type: "update"; readonly shape: Shape; readonly before: Row; readonly after: Row }
  | { readonly type: "delete"; readonly shape: Shape; readonly before: Row }
  | { readonly type: "schema"; readonly schema: SchemaChange };

export function addColumnSql({ table, column, value }: AddColumn): string {
  return `ALTER TABLE ${table} ADD COLUMN ${column}${value === "NULL" ? "" : ` DEFAULT ${value}`}`;
}

export function emptyState(): State {
  return { tables: new Map(), positions: new Map() };
}

export function cloneTable(table: Table): Table {
  return {
    ...table,
    columns: new Map(table.columns),
    rows: new Map(table.rows),
    indexes: new Map(table.indexes),
  };
}

export function cloneState({ tables, positions }: State): State {
  return {
    tables: new Map(Array.from(tables, ([name, table]) => [name, cloneTable(table)])),
    positions: new Map(positions),
  };
}

export function shapeOf(table: Table): Shape {
  return { table: table.name, columns: [...table.columns.keys()], key: [...table.key] };
}

/** The text under which a table keeps a row. */
export function keyOf(table: { readonly key: readonly string[] }, row: Row): string {
  return table.key.length === 0 ? String(row[ROWID]) : table.key.map((column) => row[column]).join(",");
}

/** The rowid that SQLite gives to the next row. */
export function nextRowid(table: Table): string {
  let last = 0;
  for (const rowid of table.rows.keys()) last = Math.max(last, Number(rowid));
  return String(last + 1);
}

/** What a statement writes, in a database of the app's own: the change that a replica is to record. */
export function putRow(table: Table, row: Row): Change {
  const key = keyOf(table, row);
  const before = table.rows.get(key);
  table.rows.set(key, row);
  const shape = shapeOf(table);
  return before === undefined
    ? { type: "insert", shape, after: row }
    : { type: "update", shape, before, after: row };
}

/** Writes a row in the place of another one, whose key it need not have. */
export function moveRow(table: Table, before: Row, after: Row): Change {
  table.rows.delete(keyOf(table, before));
  table.rows.set(keyOf(table, after), after);
  return { type: "update", shape: shapeOf(table), before, after };
}

export function removeRow(table: Table, before: Row): Change {
  table.rows.delete(keyOf(table, before));
  return { type: "delete", shape: shapeOf(table), before };
}

/** The contents as text that can be compared: for each table its columns, then its rows in order. */
export function linesOf({ tables }: State): Record<string, string[]> {
  const names = [...tables.keys()].sort();
  return Object.fromEntries(
    names.map((name) => {
      const { columns, rows, indexes } = tables.get(name) as Table;
      const texts = Array.from(rows.values(), (row) =>
        Array.from(columns.keys(), (column) => row[column]).join("|"),
      );
      const schema = `${[...columns.keys()].join("|")} / ${[...indexes.keys()].sort().join("|")}`;
      return [name, [schema, ...texts.sort()]];
    }),
  );
}
