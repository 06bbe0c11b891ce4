import type Database from "better-sqlite3";

/** Everything in a database, as one text. */
export function dump(db: Database.Database): string {
  const schema = db
    .prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")
    .raw()
    .all() as string[][];
  const tables = schema.filter(([type]) => type === "table").map(([, name]) => name as string);
  const rows = tables.map((name) => {
    const all = db.prepare(`SELECT * FROM "${name}"`).raw().all() as unknown[];
    return [name, ...all.map((row) => JSON.stringify(row)).sort()];
  });
  return JSON.stringify([schema, rows]);
}
