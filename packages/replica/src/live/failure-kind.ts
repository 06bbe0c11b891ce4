import { SyncError } from "@tributary/core";
import { LiveRefusal } from "@tributary/live";

/** Who is to come back later than this is asked all the same, ms. */
const LONGEST_RETRY_MS = 300_000;

/**
 * What a failure asks for. `busy`: the app's open transaction, which will end. `paused`: until `url` gives something.
 * `network`: the remote could not be reached, or is busy. `final`: somebody has to do something about it.
 */
export type FailureKind = "busy" | "paused" | "network" | "final";

export function failureKind({ code, blame }: SyncError): FailureKind {
  if (code === "database-busy") return "busy";
  if (code === "paused") return "paused";
  return blame === "network" ? "network" : "final";
}

/** How long the remote asks to be left alone after a failure, ms. */
export function retryAfterOf({ cause }: SyncError): number {
  if (!(cause instanceof LiveRefusal)) return 0;
  return Math.min(cause.retryAfterMs ?? 0, LONGEST_RETRY_MS);
}

/** What is none is a mistake of Tributary's. */
export function asSyncError(error: unknown): SyncError {
  if (error instanceof SyncError) return error;
  return new SyncError("internal", `Syncing failed: ${String(error)}`, { cause: error });
}
