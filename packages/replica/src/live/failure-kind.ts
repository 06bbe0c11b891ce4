import { SyncError } from "@tributary/core";

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

/** What is none is a mistake of Tributary's. */
export function asSyncError(error: unknown): SyncError {
  if (error instanceof SyncError) return error;
  return new SyncError("internal", `Syncing failed: ${String(error)}`, { cause: error });
}
