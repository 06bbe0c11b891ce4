import { SyncError, type SyncErrorCode } from "@tributary/core";
import type { LiveServerMessage } from "@tributary/wire";
import { LiveRefusal } from "../server/live-host.js";

/** What the server says has failed. */
type Failed = Extract<LiveServerMessage, { type: "failed" }>;

/** The code of a request that came after its token had expired. */
const TOKEN_EXPIRED = "token-expired";
/** The code of a change stream that the server has ended. */
const STREAM_CLOSED = "stream-closed";
/** The code of a part of a batch whose transaction is not open any more. */
const TRANSACTION_LOST = "transaction-lost";

/** A `failed` of the server's as an error; the `cause` is a `LiveRefusal` with what the server said. */
export function toSyncError(failed: Failed, endpoint: string): SyncError {
  const { status, code, message, retryAfterMs } = failed;
  const cause = new LiveRefusal(status, code, message, retryAfterMs);
  const text = `${endpoint} ${whatItDid(status)} (${code}): ${message}`;
  return new SyncError(codeOf(status, code), text, { endpoint, status, cause });
}

/**
 * As over HTTP. A transaction that the server has rolled back between two parts of a batch can be sent again, and a stream
 * that it has ended while it was opened is as a channel that breaks.
 */
function codeOf(status: number, code: string): SyncErrorCode {
  if (code === TRANSACTION_LOST || code === STREAM_CLOSED) return "unreachable";
  if (status === 401 || status === 403) return "unauthorized";
  if (status === 408) return "timeout";
  return isUnavailable(status) ? "unreachable" : "remote-rejected";
}

function whatItDid(status: number): string {
  if (status === 401 || status === 403) return "refused access";
  if (status === 408) return "gave up waiting";
  return isUnavailable(status) ? "is not available" : "rejected the request";
}

function isUnavailable(status: number): boolean {
  return status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

/** Whether the token had expired, so that a fresh one may help. */
export function isTokenExpired(error: unknown): boolean {
  return (
    error instanceof SyncError && error.cause instanceof LiveRefusal && error.cause.code === TOKEN_EXPIRED
  );
}

/** Whether the server did nothing because a token, or the lack of one, was refused. */
export function isUnauthenticated(error: unknown): boolean {
  return error instanceof SyncError && error.code === "unauthorized" && error.details.status === 401;
}
