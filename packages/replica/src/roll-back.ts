import { type Clock, SyncError } from "@tributary/core";
import type { ReplicaDatabase } from "@tributary/sqlite-better-sqlite3";

/**
 * Rolls back what the app has left open. A query that is iterated over stands in the way, so its end is waited for, that
 * many milliseconds at most. Fails with `database-busy`.
 */
export async function rollBack(
  db: ReplicaDatabase,
  path: string,
  lockTimeoutMs: number,
  clock: Clock,
): Promise<void> {
  const deadline = (await clock.now()) + lockTimeoutMs;
  while (db.open && db.inTransaction) {
    try {
      db.exec("ROLLBACK");
    } catch (cause) {
      if ((await clock.now()) >= deadline) {
        const message = `The transaction open on ${path} could not be rolled back: is a query still iterated over?`;
        throw new SyncError("database-busy", message, { path, cause });
      }
      await clock.sleep(10);
    }
  }
}
