import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/**
 * The client's address as the proxy before this server has it: the last hop of X-Forwarded-For. What comes before that was
 * sent by the client, or by proxies that nobody vouches for. The connection's own where the header has no address.
 */
export function forwardedAddress(request: Pick<IncomingMessage, "headers" | "socket">): string | undefined {
  const header = request.headers["x-forwarded-for"];
  const last = (Array.isArray(header) ? header.join(",") : (header ?? "")).split(",").at(-1)?.trim() ?? "";
  return isIP(last) === 0 ? request.socket.remoteAddress : last;
}
