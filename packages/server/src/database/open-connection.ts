import Database from "better-sqlite3";

/** A connection of better-sqlite3. */
export type Connection = Database.Database;

/**
 * Opens a connection with the settings that everything here relies on:
 * - it never waits inside SQLite (one thread runs everything, so the holder of a lock could not go on meanwhile);
 * - it never checkpoints by itself, which would go past the revisions that are held for clients;
 * - a commit that is answered is on the disk.
 *
 * `readonly`: SQLite refuses every change of the file.
 */
export function openConnection(path: string, walLimitBytes: number, readonly = false): Connection {
  const connection = new Database(path, { timeout: 0, readonly });
  try {
    if (readonly) return connection;
    connection.pragma("wal_autocheckpoint = 0");
    connection.pragma("synchronous = FULL");
    connection.pragma(`journal_size_limit = ${Math.trunc(walLimitBytes)}`);
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}
