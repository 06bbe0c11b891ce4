import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";

/** A database and its log, as SQLite writes them. */
export interface SqliteFiles {
  readonly database: Uint8Array;
  readonly log: Uint8Array;
}

/** Makes a database with some commits in its log. `pageSize` in bytes. */
export function makeSqliteFiles(pageSize: number): SqliteFiles {
  const directory = mkdtempSync(join(tmpdir(), "tributary-"));
  try {
    const path = join(directory, "a.db");
    const db = new Database(path);
    db.pragma(`page_size = ${pageSize}`);
    db.pragma("journal_mode = wal");
    db.pragma("wal_autocheckpoint = 0");
    db.exec("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)");
    db.exec("INSERT INTO t VALUES (1, 'one'), (2, 'two')");
    db.pragma("wal_checkpoint(TRUNCATE)");
    db.exec("UPDATE t SET b = 'three'");
    db.exec("CREATE TABLE u (x); INSERT INTO u VALUES (zeroblob(100))");
    const files = {
      database: new Uint8Array(readFileSync(path)),
      log: new Uint8Array(readFileSync(`${path}-wal`)),
    };
    db.close();
    return files;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
