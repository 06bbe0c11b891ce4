import type { IncomingMessage } from "node:http";
import { requestUrl } from "../http/request-url.js";
import { webHeaders } from "../http/web-headers.js";

/** The request that became a socket, with `target` for its path. Undefined where its host or path is none. */
export function upgradeRequest(message: IncomingMessage, target: string): Request | undefined {
  const url = requestUrl(message, target);
  if (url === undefined) return undefined;
  try {
    return new Request(url, { headers: webHeaders(message) });
  } catch {
    return undefined;
  }
}
