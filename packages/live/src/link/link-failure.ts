import { ERROR_BLAME, SyncError, type SyncErrorCode } from "@tributary/core";
import type { LinkMessage } from "./link-messages.js";

/** What the other end is told of a failure here. Of what is not a `SyncError`, a bug, it is told nothing. */
export function refusalOf(error: unknown): LinkMessage {
  return error instanceof SyncError
    ? { type: "refuse", code: error.code, message: error.message }
    : { type: "refuse", code: "internal", message: "It failed for a reason that it does not tell." };
}

/** The failure that the other end has told of. A code that is not known here is `remote-rejected`. */
export function errorOfRefusal(code: string, message: string): SyncError {
  const isKnown = Object.hasOwn(ERROR_BLAME, code);
  return new SyncError(
    isKnown ? (code as SyncErrorCode) : "remote-rejected",
    `The other end of the stream link has ended it${isKnown ? "" : ` (${code})`}: ${message}`,
  );
}

export function hasCode(error: unknown, code: SyncErrorCode): error is SyncError {
  return error instanceof SyncError && error.code === code;
}
