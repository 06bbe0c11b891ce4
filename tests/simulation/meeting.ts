import {
  type Change,
  cloneState,
  cloneTable,
  keyOf,
  moveRow,
  nextRowid,
  putRow,
  ROWID,
  type Row,
  removeRow,
  type SchemaChange,
  type Shape,
  type State,
  type Table,
} from "./model.js";

/** Where a change lands: a remote refuses what it has no place for, a pull keeps it aside or leaves it out. */
export type Landing = "push" | "pull";

/**
 * What becomes of a change where it lands: done, and then to be recorded as such by a replica; nothing to do; no place,
 * so that a replica keeps it aside; or refused.
 */
export type Outcome = { readonly recorded: Change } | "nothing" | "no place" | "refused";

/** A change on a replica's tape. */
export interface TapeEntry {
  /** The change id; 0 until it is known. */
  id: number;
  readonly change: Change;
  readonly parked: boolean;
}

/** Last push wins, per changed column: how a change and a state meet. Changes the state. */
export function meet(state: State, change: Change, landing: Landing): Outcome {
  if (change.type === "schema") return meetSchema(state, change.schema, landing);
  const table = state.tables.get(change.shape.table);
  if (table === undefined || change.shape.key.some((column) => !table.columns.has(column))) {
    // An update that changes nothing has no statement, which nobody can refuse.
    if (landing === "push") return isEmpty(change) ? "nothing" : "refused";
    return "no place";
  }
  const named = columnsNamed(change);
  if (landing === "push" && named.some((column) => !table.columns.has(column))) return "refused";
  switch (change.type) {
    case "insert":
      return insert(table, change.shape, change.after);
    case "update": {
      const values = Object.entries(change.after).filter(
        ([column, value]) => change.before[column] !== value && table.columns.has(column),
      );
      const found = values.length === 0 ? undefined : find(table, change.shape, change.before);
      if (found === undefined) return "nothing";
      const after = { ...found, ...Object.fromEntries(values) };
      if (keyOf(table, after) !== keyOf(table, found) && table.rows.has(keyOf(table, after)))
        return "refused";
      return { recorded: moveRow(table, found, after) };
    }
    case "delete": {
      const found = find(table, change.shape, change.before);
      return found === undefined ? "nothing" : { recorded: removeRow(table, found) };
    }
  }
}

/** Whether a change has no statement: it is an update that changes nothing. */
export function isEmpty(change: Change): boolean {
  return change.type === "update" && columnsNamed(change).length === 0;
}

/** The columns that the statement of a change names. */
function columnsNamed(change: Exclude<Change, { type: "schema" }>): readonly string[] {
  const { columns, key } = change.shape;
  if (change.type === "insert") return columns;
  const where = key.length === 0 ? columns : key;
  if (change.type === "delete") return where;
  const changed = columns.filter((column) => change.before[column] !== change.after[column]);
  return changed.length === 0 ? [] : [...changed, ...where];
}

function insert(table: Table, shape: Shape, after: Row): Outcome {
  const values = Object.entries(after).filter(([column]) => table.columns.has(column));
  if (table.key.length === 0) {
    const rowid = table.rows.has(String(after[ROWID])) ? nextRowid(table) : String(after[ROWID]);
    const row = { ...Object.fromEntries(table.columns), ...Object.fromEntries(values), [ROWID]: rowid };
    return { recorded: putRow(table, row) };
  }
  const there = table.rows.get(keyOf(shape, after));
  return {
    recorded: putRow(table, {
      ...(there ?? Object.fromEntries(table.columns)),
      ...Object.fromEntries(values),
    }),
  };
}

/** By key; without one by what the row was, there or anywhere, then at its rowid if anything of it is left. */
function find(table: Table, shape: Shape, before: Row): Row | undefined {
  if (shape.key.length > 0) return table.rows.get(keyOf(shape, before));
  const columns = shape.columns.filter((column) => table.columns.has(column));
  if (columns.length === 0) return undefined;
  const isSame = (row: Row): boolean => columns.every((column) => row[column] === before[column]);
  const there = table.rows.get(String(before[ROWID]));
  if (there !== undefined && isSame(there)) return there;
  const [moved] = [...table.rows.values()]
    .filter(isSame)
    .sort((left, right) => Number(left[ROWID]) - Number(right[ROWID]));
  if (moved !== undefined) return moved;
  const hasAnything = there !== undefined && columns.some((column) => there[column] === before[column]);
  return hasAnything ? there : undefined;
}

function meetSchema(state: State, schema: SchemaChange, landing: Landing): Outcome {
  const done: Outcome = { recorded: { type: "schema", schema } };
  if (schema.verb === "create table") {
    if (state.tables.has(schema.table)) return "nothing";
    state.tables.set(schema.table, cloneTable(schema.like));
    return done;
  }
  if (schema.verb === "drop table") return state.tables.delete(schema.table) ? done : "nothing";
  const owner = [...state.tables.values()].find(
    ({ indexes }) => "index" in schema && indexes.has(schema.index),
  );
  if (schema.verb === "drop index") return owner?.indexes.delete(schema.index) ? done : "nothing";
  const table = state.tables.get(schema.table);
  if (schema.verb === "create index") {
    if (owner !== undefined) return "nothing";
    if (!table?.columns.has(schema.column)) return landing === "push" ? "refused" : "no place";
    table.indexes.set(schema.index, schema.column);
    return done;
  }
  // What an ALTER cannot do any more is done with when it comes with a pull.
  const impossible: Outcome = landing === "push" ? "refused" : "nothing";
  if (table === undefined) return impossible;
  const { columns } = table;
  if (schema.verb === "add column") {
    if (columns.has(schema.column)) return impossible;
    columns.set(schema.column, schema.value);
    mapRows(table, (row) => ({ ...row, [schema.column]: schema.value }));
    return done;
  }
  if (!columns.has(schema.column)) return impossible;
  if (schema.verb === "drop column") {
    if ([...table.indexes.values()].includes(schema.column)) return impossible;
    columns.delete(schema.column);
    mapRows(table, ({ [schema.column]: _gone, ...row }) => row as Row);
    return done;
  }
  if (columns.has(schema.to)) return impossible;
  const renamed = (name: string): string => (name === schema.column ? schema.to : name);
  table.columns = new Map(Array.from(columns, ([name, value]) => [renamed(name), value]));
  table.key = table.key.map(renamed);
  table.indexes = new Map(Array.from(table.indexes, ([name, column]) => [name, renamed(column)]));
  mapRows(table, (row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [renamed(name), value])),
  );
  return done;
}

function mapRows(table: Table, work: (row: Row) => Row): void {
  for (const [key, row] of table.rows) table.rows.set(key, work(row));
}

/** A remote's state after a batch; `undefined` when it refuses one of the changes, and with it all. */
export function afterPush(state: State, changes: readonly Change[]): State | undefined {
  const result = cloneState(state);
  for (const change of changes) if (meet(result, change, "push") === "refused") return undefined;
  return result;
}

/** A replica's state after a pull, with its tape made anew; `undefined` when a change does not fit. */
export function afterPull(
  remote: State,
  pending: readonly TapeEntry[],
): { readonly view: State; readonly tape: TapeEntry[] } | undefined {
  const view = cloneState(remote);
  const tape: TapeEntry[] = [];
  for (const { change } of pending) {
    const outcome = meet(view, change, "pull");
    if (outcome === "refused") return undefined;
    if (outcome === "no place") tape.push({ id: 0, change, parked: true });
    else if (outcome !== "nothing") tape.push({ id: 0, change: outcome.recorded, parked: false });
  }
  return { view, tape };
}
