/** What a column holds here. */
export type ModelValue = string | bigint | null;

/** One table: its columns, and its rows by whatever tells them apart. */
export interface ModelTable {
  readonly columns: Set<string>;
  readonly rows: Map<string, Map<string, ModelValue>>;
}

/** What a database should hold. */
export type ModelTables = Map<string, ModelTable>;

export function copyTables(tables: ModelTables): ModelTables {
  return new Map(
    [...tables].map(([name, { columns, rows }]) => [
      name,
      { columns: new Set(columns), rows: new Map([...rows].map(([key, row]) => [key, new Map(row)])) },
    ]),
  );
}

/** In the form of `contentsByName`. */
export function contentsOfTables(tables: ModelTables): Record<string, string[]> {
  return Object.fromEntries(
    [...tables].sort(byName).map(([name, { columns, rows }]) => {
      const sorted = [...columns].sort();
      const texts = [...rows.values()].map((row) =>
        sorted.map((column) => `${column}=${quote(row.get(column) ?? null)}`).join(" "),
      );
      return [name, texts.sort()];
    }),
  );
}

/**
 * What merging is to do with what a device changed between two states of its own, said once more as simply as possible: by
 * row and changed column, the last push wins; who updates a row that others have deleted does not bring it back; a table
 * that others have dropped stays dropped. Gives how many changes of rows had no place any more.
 */
export function mergeTables(shared: ModelTables, before: ModelTables, after: ModelTables): number {
  let refused = 0;
  for (const [name, { columns, rows }] of after) {
    const old = before.get(name);
    if (old === undefined && !shared.has(name))
      shared.set(name, { columns: new Set(columns), rows: new Map() });
    const target = shared.get(name);
    for (const column of columns) if (old?.columns.has(column) !== true) target?.columns.add(column);
    for (const [key, row] of rows) {
      const changed = changedColumns(old?.rows.get(key), row);
      if (changed.length === 0) continue;
      if (target === undefined) refused++;
      else if (old?.rows.has(key) !== true) target.rows.set(key, new Map(row));
      else for (const column of changed) target.rows.get(key)?.set(column, row.get(column) ?? null);
    }
    for (const key of old?.rows.keys() ?? []) {
      if (rows.has(key)) continue;
      if (target === undefined) refused++;
      else target.rows.delete(key);
    }
  }
  for (const name of before.keys()) if (!after.has(name)) shared.delete(name);
  return refused;
}

function changedColumns(
  before: ReadonlyMap<string, ModelValue> | undefined,
  after: ReadonlyMap<string, ModelValue>,
): string[] {
  return [...after.keys()].filter(
    (column) => before === undefined || (before.get(column) ?? null) !== after.get(column),
  );
}

function quote(value: ModelValue): string {
  if (value === null) return "NULL";
  return typeof value === "bigint" ? String(value) : `'${value.replaceAll("'", "''")}'`;
}

function byName([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1;
}
