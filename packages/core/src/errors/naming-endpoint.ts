import type { Coroutine } from "../coroutine/coroutine.js";
import { SyncError } from "./sync-error.js";

/** Runs a procedure whose errors about what a remote sent are to say which remote that was. */
export function* namingEndpoint<T>(endpoint: string, procedure: Coroutine<T>): Coroutine<T> {
  try {
    return yield* procedure;
  } catch (error) {
    const isTheRemotes = error instanceof SyncError && error.blame === "protocol";
    if (!isTheRemotes || error.details.endpoint !== undefined) throw error;
    throw new SyncError(error.code, `${endpoint}: ${error.message}`, {
      ...error.details,
      endpoint,
      cause: error.cause,
    });
  }
}
