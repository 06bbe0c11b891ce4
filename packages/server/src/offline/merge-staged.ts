import { HranaRequestError } from "../hrana/hrana-request-error.js";
import { RequestError } from "../http/request-error.js";
import { ServerError } from "../server-error.js";
import { damaged } from "./check-pushed-frames.js";
import type { MergeFrames, MergeOutcome } from "./merge-work.js";
import type { OfflineSession } from "./offline-session.js";

/**
 * Merges the staged transactions of a replica up to a position into the database, and commits them in the branch. When it
 * resolves with "merged", they are in both, and on the disk. "moved": others have written, and nothing was merged. Rejects with
 * `RequestError`, `ServerError`; what is staged is forgotten then, unless it is in doubt whether it was merged.
 */
export async function mergeStaged(
  session: OfflineSession,
  upTo: number,
  checkAll: boolean,
  merge: MergeFrames,
): Promise<"merged" | "moved"> {
  const { branch, isStrict } = session;
  const { equalTo, compared } = branch.standing;
  // Found again by the row of the merge's transaction if the process ends before the branch has committed.
  branch.prepare(upTo);
  let outcome: MergeOutcome;
  try {
    outcome = await merge({
      directory: branch.directory,
      after: branch.head,
      upTo,
      clientId: session.clientId,
      equalTo,
      onlyIfEqual: isStrict,
      checkAll,
    });
  } catch (error) {
    session.doubt = upTo;
    if (isMergedAfterAll(session)) return "merged";
    throw asTemporary(error);
  }
  if (outcome.type === "moved") {
    session.dropTail();
    return "moved";
  }
  if (outcome.type === "damaged") {
    session.dropTail();
    throw damaged(outcome.problem);
  }
  branch.commit(upTo, {
    equalTo: outcome.wasEqual ? outcome.revision : undefined,
    compared,
    offered: undefined,
  });
  return "merged";
}

/** Whether it was merged after all, as far as that can be told now: else it is in doubt, and the next request asks again. */
function isMergedAfterAll(session: OfflineSession): boolean {
  try {
    return session.settle();
  } catch (error) {
    if (error instanceof ServerError) return false;
    throw error;
  }
}

/** Clients come back by themselves after a while where the status says that it is worth it. */
function asTemporary(error: unknown): unknown {
  if (!(error instanceof HranaRequestError)) return error;
  return new RequestError(503, `what was pushed could not be merged now: ${error.message}`, {
    cause: error,
    headers: { "retry-after": "1" },
  });
}
