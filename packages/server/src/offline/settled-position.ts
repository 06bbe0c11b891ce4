import { openConnection } from "../database/open-connection.js";
import { readMergedPosition } from "../merge/read-merged-position.js";
import { ServerError } from "../server-error.js";

/**
 * How far a database says that the frames of a client id were merged, read while nobody can write: a process that was killed,
 * or has lost its server, may be in the middle of a merge and still commit it. Throws `ServerError` "database-busy" where somebody
 * writes, or an error of SQLite.
 */
export function settledPosition(path: string, walLimitBytes: number, clientId: string): number | undefined {
  const connection = openConnection(path, walLimitBytes);
  try {
    begin(connection);
    return readMergedPosition(path, clientId);
  } finally {
    connection.close();
  }
}

function begin(connection: ReturnType<typeof openConnection>): void {
  try {
    connection.exec("BEGIN IMMEDIATE");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY")))
      throw error;
    throw new ServerError("database-busy", "somebody else writes to the database just now: try again", error);
  }
}
