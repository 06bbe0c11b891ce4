import Database from "better-sqlite3";

/**
 * The tables of a database file that are the app's, and their rows as text, each column with its name: so that neither the
 * order of rows nor that of columns matters.
 */
export function contentsByName(path: string): Record<string, string[]> {
  const db = new Database(path, { readonly: true });
  try {
    const tables = db
      .prepare(
        `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
         AND name NOT LIKE 'tributary!_%' ESCAPE '!' AND name <> 'turso_sync_last_change_id' ORDER BY name`,
      )
      .pluck()
      .all() as string[];
    return Object.fromEntries(tables.map((table) => [table, rowsOf(db, table)]));
  } finally {
    db.close();
  }
}

function rowsOf(db: Database.Database, table: string): string[] {
  const columns = db
    .prepare("SELECT name FROM pragma_table_info(?) ORDER BY name")
    .pluck()
    .all(table) as string[];
  const texts = columns.map((name) => `'${name}=' || quote("${name}")`).join(" || ' ' || ");
  return (db.prepare(`SELECT ${texts} FROM "${table}"`).pluck().all() as string[]).sort();
}
