import { SyncError } from "../errors/sync-error.js";
import type { RemoteStepResult } from "../ports/protocol-io.js";

/** The error that a step which was to run and did not stands for. */
export function refusalOf(
  result: RemoteStepResult | undefined,
  what: string,
  details: { readonly changeId?: number; readonly table?: string } = {},
): SyncError {
  if (result?.type !== "error") {
    return new SyncError(
      "unexpected-response",
      `${what}: a statement was not run, and no reason was given.`,
      details,
    );
  }
  if (/^SQLITE_BUSY/.test(result.sqlCode ?? "") || /database is (locked|busy)/i.test(result.message)) {
    // Nothing is wrong with the change: it is the same as a server that takes too long.
    return new SyncError(
      "timeout",
      `Another transaction kept the remote's database locked: ${result.message}.`,
    );
  }
  return new SyncError("remote-sql-failed", `${what}: ${result.message}. The change stays pending.`, {
    ...details,
    ...(result.sqlCode !== undefined && { sqlCode: result.sqlCode }),
  });
}
