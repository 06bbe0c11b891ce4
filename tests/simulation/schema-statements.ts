import { meet } from "./meeting.js";
import { addColumnSql, type SchemaChange, type Table } from "./model.js";
import { type Site, type StatementKind, tablesOf } from "./site.js";

/** What tables of a name begin as; the first letter of the name tells. */
const BEGINNINGS: Readonly<Record<string, { readonly columns: string; readonly key: readonly string[] }>> = {
  i: { columns: "(k INTEGER PRIMARY KEY, a, b)", key: ["k"] },
  x: { columns: "(k TEXT PRIMARY KEY, a, b)", key: ["k"] },
  w: { columns: "(j, k, a, b, PRIMARY KEY (j, k)) WITHOUT ROWID", key: ["j", "k"] },
  n: { columns: "(a, u, b)", key: [] },
  l: { columns: "(line)", key: [] },
};

/** The tables that a database begins with, beside the log: one of these sets. */
export const FIRST_TABLES: readonly (readonly string[])[] = [
  ["i1"],
  ["x1"],
  ["w1"],
  ["n1"],
  ["i1", "n1"],
  ["x1", "w1"],
];
const LATER_TABLES = ["i1", "x1", "w1", "n1", "i2", "x2", "w2", "n2"] as const;

/** Makes a table, and its model. */
export function createTable(site: Site, name: string): void {
  const { columns, key } = BEGINNINGS[name.slice(0, 1)] as (typeof BEGINNINGS)[string];
  const names = columns.replace(/PRIMARY KEY \(.*?\)/, "").match(/\b[a-z]+\b/g) ?? [];
  const like: Table = {
    name,
    key: [...key],
    columns: new Map(names.map((column) => [column, "NULL"])),
    rows: new Map(),
    indexes: new Map(),
  };
  change(site, `CREATE TABLE ${name} ${columns}`, { verb: "create table", table: name, like });
}

export const schemaStatements: readonly StatementKind[] = [
  {
    name: "create table",
    weight: 0.8,
    run: (site) => {
      const names = LATER_TABLES.filter((name) => !site.state.tables.has(name));
      // Each table costs time in every pull.
      if (site.state.tables.size > 3) return false;
      createTable(site, site.random.pick(names));
      return true;
    },
  },
  {
    name: "drop table",
    weight: 0.3,
    run: onTable((site, { name }) => change(site, `DROP TABLE ${name}`, { verb: "drop table", table: name })),
  },
  {
    name: "add column",
    weight: 0.8,
    run: onTable((site, { name, columns }) => {
      const column = `c${site.random.below(4)}`;
      if (columns.has(column)) return false;
      const value = site.random.pick(["NULL", "7", "'none'"]);
      const schema = { verb: "add column", table: name, column, value } as const;
      return change(site, addColumnSql(schema), schema);
    }),
  },
  {
    name: "rename column",
    weight: 0.4,
    run: onTable((site, { name, columns, key }) => {
      const column = site.random.pick([...columns.keys()]);
      const to = `d${site.random.below(4)}`;
      // Keys seldom: all changes of rows that others made are then kept aside.
      if (columns.has(to) || (key.includes(column) && site.random.chance(0.7))) return false;
      const sql = `ALTER TABLE ${name} RENAME COLUMN ${column} TO ${to}`;
      return change(site, sql, { verb: "rename column", table: name, column, to });
    }),
  },
  {
    name: "drop column",
    weight: 0.4,
    run: onTable((site, { name, columns, key, indexes }) => {
      const column = site.random.pick([...columns.keys()]);
      if (columns.size === 1 || key.includes(column) || [...indexes.values()].includes(column)) return false;
      const sql = `ALTER TABLE ${name} DROP COLUMN ${column}`;
      return change(site, sql, { verb: "drop column", table: name, column });
    }),
  },
  {
    name: "create index",
    weight: 0.4,
    run: onTable((site, { name, columns }) => {
      const column = site.random.pick([...columns.keys()]);
      const index = `${name}_${column}`;
      if (tablesOf(site).some(({ indexes }) => indexes.has(index))) return false;
      const sql = `CREATE INDEX ${index} ON ${name} (${column})`;
      return change(site, sql, { verb: "create index", table: name, column, index });
    }),
  },
  {
    name: "drop index",
    weight: 0.2,
    run: onTable((site, { indexes }) => {
      if (indexes.size === 0) return false;
      const index = site.random.pick([...indexes.keys()]);
      return change(site, `DROP INDEX ${index}`, { verb: "drop index", index });
    }),
  },
];

function onTable(work: (site: Site, table: Table) => boolean): (site: Site) => boolean {
  return (site) => {
    const tables = tablesOf(site);
    return tables.length > 0 && work(site, site.random.pick(tables));
  };
}

function change(site: Site, sql: string, schema: SchemaChange): boolean {
  site.exec(sql);
  const outcome = meet(site.state, { type: "schema", schema }, "push");
  if (typeof outcome !== "object") throw new Error(`The model cannot do this: ${sql}`);
  site.record(outcome.recorded);
  return true;
}
