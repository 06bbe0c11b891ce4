import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { SqlStatement } from "../values/sql-value.js";

/** Runs statements that no change of the app's is the reason of: that one of them fails is `sql-failed`. */
export function* runOrFail(statements: readonly SqlStatement[]): Coroutine<void> {
  const failure = yield* io.runSql(statements);
  if (failure !== undefined) throw new SyncError("sql-failed", failure.message, { sqlCode: failure.sqlCode });
}
