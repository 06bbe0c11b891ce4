import { join } from "node:path";
import Database from "better-sqlite3";
import { explainOpenFailure } from "../database/database-file.js";
import { ServerError } from "../server-error.js";

/**
 * One server at a time on a data directory: SQLite's own exclusive lock on an empty file. The operating system lets it go
 * when the process ends, however that happens, and SQLite sees to it that it also holds within one process. The file
 * stays: who removed it could not know whether somebody is about to lock it.
 */
export class DirectoryLock {
  readonly #db: Database.Database;

  /** Throws `ServerError` "database-busy", "cannot-open". */
  constructor(directory: string) {
    const file = join(directory, "lock");
    let db: Database.Database | undefined;
    try {
      db = new Database(file, { timeout: 0 });
      db.exec("BEGIN EXCLUSIVE");
      this.#db = db;
    } catch (error) {
      db?.close();
      if (error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY")) {
        throw new ServerError(
          "database-busy",
          `another server serves ${directory}: stop it first, or give this one a directory of its own`,
          error,
        );
      }
      throw new ServerError("cannot-open", explainOpenFailure(file, error), error);
    }
  }

  release(): void {
    this.#db.close();
  }
}
