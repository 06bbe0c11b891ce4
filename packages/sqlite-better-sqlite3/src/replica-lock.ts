import { SyncError } from "@tributary/core";
import Database from "better-sqlite3";

/**
 * The lock of a replica: SQLite's own exclusive lock on an empty file, `<database>-lock`. The operating system lets it go
 * when the process ends, however that happens, and SQLite sees to it that it also holds within one process. The file
 * stays: who removed it could not know whether somebody is about to lock it.
 */
export class ReplicaLock {
  readonly #db: Database.Database;

  private constructor(db: Database.Database) {
    this.#db = db;
  }

  /** `undefined` when somebody else has it. */
  static acquire(path: string, options: Pick<Database.Options, "nativeBinding">): ReplicaLock | undefined {
    const file = `${path}-lock`;
    let db: Database.Database | undefined;
    try {
      db = new Database(file, { ...options, timeout: 0 });
      db.exec("BEGIN EXCLUSIVE");
      return new ReplicaLock(db);
    } catch (cause) {
      db?.close();
      if (cause instanceof Database.SqliteError && cause.code.startsWith("SQLITE_BUSY")) return undefined;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new SyncError(
        "io-failed",
        `The lock file ${file} cannot be made or locked: ${reason}. It holds nothing: if it is no empty file, delete it.`,
        {
          path: file,
          cause,
        },
      );
    }
  }

  release(): void {
    this.#db.close();
  }
}
