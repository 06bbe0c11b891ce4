import Database from "better-sqlite3";

/** The rows of every table of a database that is the app's, as text that keeps types apart; schema included. */
export function contentsOf(db: Database.Database): Record<string, string[]> {
  const tables = db
    .prepare(
      `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual')
       AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'tributary\\_%' ESCAPE '\\' AND name <> 'turso_sync_last_change_id' ORDER BY name`,
    )
    .pluck()
    .all() as string[];
  return Object.fromEntries(tables.map((table) => [table, rowsOf(db, table)]));
}

/** The contents of a database file that nobody writes to at the moment. */
export function contentsOfFile(path: string): Record<string, string[]> {
  const db = new Database(path, { readonly: true });
  try {
    return contentsOf(db);
  } finally {
    db.close();
  }
}

/** What `PRAGMA integrity_check` says of a database file; `ok` when all is well. */
export function integrityOfFile(path: string): unknown {
  const db = new Database(path, { readonly: true });
  try {
    return db.pragma("integrity_check", { simple: true });
  } finally {
    db.close();
  }
}

function rowsOf(db: Database.Database, table: string): string[] {
  const quoted = `"${table.replaceAll('"', '""')}"`;
  const columns = db
    .prepare("SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1")
    .pluck()
    .all(table) as string[];
  const typed = columns.map((name) => {
    const column = `"${name.replaceAll('"', '""')}"`;
    return `typeof(${column}) || ':' || quote(${column})`;
  });
  return (
    db
      .prepare(`SELECT ${typed.join(" || ', ' || ")} FROM ${quoted}`)
      .pluck()
      .all() as string[]
  ).sort();
}
