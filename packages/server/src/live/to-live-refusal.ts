import { LiveRefusal } from "@tributary/live";
import { toRequestError } from "../http/failure-response.js";

/** Tokens that have expired, by the codes of those who look at them. */
const EXPIRED = /EXPIRED$/;

/** What the client is told of a failure, whatever it was: the same as over HTTP. */
export function toLiveRefusal(error: unknown): LiveRefusal {
  if (error instanceof LiveRefusal) return error;
  const { status, code, message, headers } = toRequestError(error);
  const seconds = Number(headers["retry-after"]);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1_000 : undefined;
  return new LiveRefusal(status, codeOf(status, code), message, retryAfterMs);
}

function codeOf(status: number, code: string | undefined): string {
  // One code for all of them: it tells a client to send a fresh one.
  if (status === 401 && code !== undefined && EXPIRED.test(code)) return "token-expired";
  return code ?? (status === 400 ? "bad-request" : "refused");
}
