import {
  keyOf,
  moveRow,
  nextRowid,
  putRow,
  ROWID,
  type Row,
  removeRow,
  shapeOf,
  type Table,
} from "./model.js";
import { type Site, type StatementKind, tablesOf } from "./site.js";

export const rowStatements: readonly StatementKind[] = [
  { name: "log", weight: 3, run: appendToLog },
  { name: "insert", weight: 10, run: (site) => withTable(site, insertRow) },
  { name: "update", weight: 10, run: (site) => withRows(site, updateRows) },
  { name: "delete", weight: 4, run: (site) => withRows(site, deleteRows) },
  { name: "move", weight: 1, run: (site) => withRows(site, moveKey) },
];

function withTable(site: Site, work: (site: Site, table: Table) => void): boolean {
  const tables = tablesOf(site);
  if (tables.length === 0) return false;
  work(site, site.random.pick(tables));
  return true;
}

function withRows(site: Site, work: (site: Site, table: Table) => boolean): boolean {
  const tables = tablesOf(site).filter(({ rows }) => rows.size > 0);
  return tables.length > 0 && work(site, site.random.pick(tables));
}

function appendToLog(site: Site): boolean {
  const log = site.state.tables.get("log");
  if (log === undefined) return false;
  const row = { [ROWID]: nextRowid(log), line: `'${site.number}-${site.unique()}'` };
  site.exec(`INSERT INTO log (line) VALUES (${row.line})`);
  site.record(putRow(log, row));
  return true;
}

const LONG_TEXT = `'${"long ".repeat(150)}'`;

function drawValue(site: Site): string {
  const { random } = site;
  const kinds = ["NULL", "1.5", "X'00FF'", "'two words'", LONG_TEXT, String(random.below(5))];
  return random.chance(0.4) ? `'${site.number}:${site.unique()}'` : random.pick(kinds);
}

function drawKey(site: Site, table: Table): string {
  const { random } = site;
  const number = random.chance(0.3) ? random.below(8) : 100 * (site.number + 1) + random.below(30);
  return table.name.startsWith("x") ? `'k${number}'` : String(number);
}

function insertRow(site: Site, table: Table): void {
  const { random } = site;
  const values: Record<string, string> = {};
  for (const [column, value] of table.columns) {
    if (table.key.includes(column)) values[column] = drawKey(site, table);
    else if (column === "u") values[column] = `'u${site.unique()}'`;
    else values[column] = random.chance(0.7) ? drawValue(site) : value;
  }
  const there = table.key.length === 0 ? undefined : table.rows.get(keyOf(table, values));
  const into = `INTO ${table.name} (${Object.keys(values).join(", ")}) VALUES (${Object.values(values).join(", ")})`;
  const others = Object.keys(values).filter((column) => !table.key.includes(column));
  const chosen = others.filter(() => random.chance(0.5));
  if (there === undefined) {
    const rowid = table.key.length === 0 ? { [ROWID]: nextRowid(table) } : {};
    site.exec(`INSERT ${into}`);
    site.record(putRow(table, { ...values, ...rowid }));
  } else if (random.chance(0.5) || chosen.length === 0) {
    site.exec(`INSERT OR REPLACE ${into}`);
    putRow(table, values);
    site.record({ type: "insert", shape: shapeOf(table), after: values });
  } else {
    const update = chosen.map((column) => `${column} = excluded.${column}`).join(", ");
    site.exec(`INSERT ${into} ON CONFLICT (${table.key.join(", ")}) DO UPDATE SET ${update}`);
    const changed = Object.fromEntries(chosen.map((column) => [column, values[column] as string]));
    site.record(putRow(table, { ...there, ...changed }));
  }
}

/** Some rows, and the condition that finds them: one row by its key, or all that have the same value. */
function drawRows({ random }: Site, table: Table): { readonly rows: readonly Row[]; readonly where: string } {
  const rows = [...table.rows.values()];
  const row = random.pick(rows);
  const columns = [...table.columns.keys()];
  if (random.chance(0.7)) {
    const names = table.key.length === 0 ? [ROWID] : table.key;
    return { rows: [row], where: names.map((name) => `${name} = ${row[name]}`).join(" AND ") };
  }
  const column = random.pick(columns);
  return {
    rows: rows.filter((other) => other[column] === row[column]),
    where: `${column} IS ${row[column]}`,
  };
}

function updateRows(site: Site, table: Table): boolean {
  const { random } = site;
  const columns = [...table.columns.keys()].filter((name) => !table.key.includes(name) && name !== "u");
  if (columns.length === 0) return false;
  const { rows, where } = drawRows(site, table);
  const chosen = columns.filter(() => random.chance(0.4));
  if (chosen.length === 0) chosen.push(random.pick(columns));
  const values = Object.fromEntries(chosen.map((column) => [column, drawValue(site)]));
  const set = Object.entries(values).map(([column, value]) => `${column} = ${value}`);
  site.exec(`UPDATE ${table.name} SET ${set.join(", ")} WHERE ${where}`);
  for (const row of rows) site.record(putRow(table, { ...row, ...values }));
  return true;
}

function deleteRows(site: Site, table: Table): boolean {
  const { rows, where } = drawRows(site, table);
  site.exec(`DELETE FROM ${table.name} WHERE ${where}`);
  for (const row of rows) site.record(removeRow(table, row));
  return true;
}

/** Gives a row a key that nobody has had. */
function moveKey(site: Site, table: Table): boolean {
  const [column] = table.key;
  if (column === undefined) return false;
  const before = site.random.pick([...table.rows.values()]);
  const number = 10_000 + site.unique();
  const key = table.name.startsWith("x") ? `'k${number}'` : String(number);
  const where = table.key.map((name) => `${name} = ${before[name]}`).join(" AND ");
  site.exec(`UPDATE ${table.name} SET ${column} = ${key} WHERE ${where}`);
  site.record(moveRow(table, before, { ...before, [column]: key }));
  return true;
}
