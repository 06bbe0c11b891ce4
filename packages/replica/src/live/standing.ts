import type { ReplicaStatus, ReplicaTransport } from "../replica-status.js";
import type { LiveState } from "./live-driver.js";

/** What the status says beside positions. */
export type Standing = Pick<ReplicaStatus, "state" | "transport" | "reason" | "lastError">;

/** How a replica stands before anything is known. */
export const FIRST_STANDING: Standing = {
  state: "manual",
  transport: undefined,
  reason: undefined,
  lastError: undefined,
};

/** How it stands after what the driver has found. */
export function standingOf(
  found: LiveState,
  before: Standing,
  transport: ReplicaTransport | undefined,
): Standing {
  const { state } = found;
  switch (state) {
    case "connecting":
      return { ...before, state, transport: undefined, reason: undefined };
    case "live":
      return { state, transport, reason: undefined, lastError: found.refusal };
    case "paused":
      return { state, transport: undefined, reason: found.error.message, lastError: undefined };
    case "offline":
      return { state, transport: undefined, reason: found.error.message, lastError: found.error };
  }
}
