import type { State } from "./model.js";
import { linesOf } from "./model.js";

type Query = (sql: string) => readonly (readonly unknown[])[];

const TABLES = `SELECT m.name, (SELECT group_concat(name, '|') FROM pragma_table_info(m.name)),
  (SELECT group_concat(name, '|') FROM (SELECT i.name FROM sqlite_schema AS i WHERE i.type = 'index' AND i.tbl_name = m.name AND i.sql IS NOT NULL ORDER BY i.name))
  FROM sqlite_schema AS m WHERE m.type = 'table' AND substr(m.name, 1, 10) <> 'tributary_' AND m.name <> 'turso_sync_last_change_id' ORDER BY m.name`;

/** The contents of a database as `linesOf` gives those of a model. */
function contentsBy(query: Query): Record<string, string[]> {
  const contents: Record<string, string[]> = {};
  for (const [name, columns, indexes] of query(TABLES)) {
    const values = String(columns)
      .split("|")
      .map((column) => `quote(${column})`);
    const rows = query(`SELECT ${values.join(" || '|' || ")} FROM ${String(name)}`);
    contents[String(name)] = [
      `${String(columns)} / ${String(indexes ?? "")}`,
      ...rows.map(([line]) => String(line)).sort(),
    ];
  }
  return contents;
}

/** Fails with the first difference between a database and its model. */
export function expectContents(whose: string, query: Query, model: State): void {
  const actual = contentsBy(query);
  const expected = linesOf(model);
  for (const table of new Set([...Object.keys(actual), ...Object.keys(expected)])) {
    const [has, should] = [actual[table] ?? ["no table"], expected[table] ?? ["no table"]];
    if (has.length === should.length && has.every((line, index) => line === should[index])) continue;
    const tooMuch = has.filter((line) => !should.includes(line)).slice(0, 5);
    const missing = should.filter((line) => !has.includes(line)).slice(0, 5);
    throw new Error(
      `${whose}: ${table} has ${has.length - 1} rows, not ${should.length - 1}; too much ${JSON.stringify(tooMuch)}, missing ${JSON.stringify(missing)}`,
    );
  }
}
