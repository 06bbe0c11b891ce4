import { SyncError } from "@tributary/core";
import { GuardError } from "./request-guard.js";

/** What may be done after a failed attempt. */
export interface AttemptFailureOptions {
  /** Whether another attempt may succeed. */
  readonly isTemporary: boolean;
  /** Whether the remote certainly did not act on the request. */
  readonly isUntouched?: boolean;
  /** The remote asked to wait that long. */
  readonly retryAfterMs?: number | undefined;
}

/** A failed attempt: the error the caller gets if it was the last one, and whether there can be another. */
export class AttemptFailure extends Error {
  readonly error: SyncError;
  readonly isTemporary: boolean;
  readonly isUntouched: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(error: SyncError, options: AttemptFailureOptions) {
    super(error.message);
    this.error = error;
    this.isTemporary = options.isTemporary;
    this.isUntouched = options.isUntouched ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Failures of before the first byte is sent: name resolution and connecting. */
const NOT_SENT: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** What a rejection of the transport, or of the guard, means. */
export function toAttemptFailure(error: unknown, endpoint: string): AttemptFailure {
  if (error instanceof AttemptFailure) return error;
  if (error instanceof SyncError) return new AttemptFailure(error, { isTemporary: false });
  if (error instanceof GuardError) {
    if (error.reason === "timeout") {
      return new AttemptFailure(
        new SyncError("timeout", `${endpoint} took too long to answer.`, { endpoint }),
        {
          isTemporary: true,
        },
      );
    }
    const aborted = new SyncError("aborted", "The request was aborted by its signal.", {
      endpoint,
      cause: error.cause,
    });
    return new AttemptFailure(aborted, { isTemporary: false });
  }
  const code = networkCode(error);
  const reason = code === undefined ? "the connection failed" : code;
  return new AttemptFailure(
    new SyncError("unreachable", `${endpoint} could not be reached: ${reason}.`, { endpoint, cause: error }),
    { isTemporary: true, isUntouched: NOT_SENT.has(code) },
  );
}

/** The code of Node or undici; `fetch` wraps the error that has it. */
function networkCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    const { code } = at as { code?: unknown };
    if (typeof code === "string") return code;
  }
  return undefined;
}
