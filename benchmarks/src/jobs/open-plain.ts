import Database from "better-sqlite3";

/** A database without anybody who captures what is written, with the pragmas of a replica: what is committed is on the disk. */
export function openPlain(path: string): Database.Database {
  const db = new Database(path);
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  return db;
}
