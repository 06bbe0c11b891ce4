import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";

/**
 * Runs a procedure in a write transaction of the engine's writer: what it does is durable when this returns, or has not
 * happened. It waits for nobody: fails with `database-busy` while the app has a transaction or a query open.
 */
export function* writing<T>(procedure: () => Coroutine<T>): Coroutine<T> {
  if (!(yield* io.tryBeginWrite())) {
    throw new SyncError(
      "database-busy",
      "The database has a transaction or a query open. End it, then try again; nothing was changed.",
    );
  }
  try {
    const result = yield* procedure();
    yield* io.executeSql("writer", "COMMIT");
    return result;
  } catch (error) {
    yield* io.executeSql("writer", "ROLLBACK");
    throw error;
  }
}
