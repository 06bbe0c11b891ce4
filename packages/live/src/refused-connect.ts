import { SyncError, type SyncErrorCode } from "@tributary/core";

/** The start of a refusal's text that a message repeats, in characters. */
const MAX_SHOWN = 500;

/**
 * What it means that a remote answered a request for a channel with this HTTP status: the error that `Connect` rejects
 * with. `what` is what it does not do then, such as `WebSocket`; `text` is what it said, as far as that was read.
 */
export function refusedConnect(status: number, endpoint: string, what: string, text = ""): SyncError {
  const { code, why } = meaningOf(status);
  const shown = text.trim().slice(0, MAX_SHOWN);
  const message = `${endpoint} gives no channel over ${what}: it ${why} (${status})${shown === "" ? "." : `: ${shown}`}`;
  return new SyncError(code, message, { endpoint, status });
}

function meaningOf(status: number): { readonly code: SyncErrorCode; readonly why: string } {
  if (status === 401 || status === 403) return { code: "unauthorized", why: "refused access" };
  if (status === 408) return { code: "timeout", why: "gave up waiting" };
  if (status === 429) return { code: "unreachable", why: "asks for fewer requests" };
  if (status < 400) return { code: "unexpected-response", why: "answered with another status" };
  if (NOT_SPOKEN.has(status)) return { code: "unexpected-response", why: "does not know of it" };
  if (status >= 500) return { code: "unreachable", why: "is not available" };
  return { code: "remote-rejected", why: "rejected the request" };
}

/** What servers and proxies say that do not know of a transport; trying again does not help, another one may. */
const NOT_SPOKEN: ReadonlySet<number> = new Set([400, 404, 405, 406, 415, 426, 501, 505]);
