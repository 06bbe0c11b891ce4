import type { IncomingMessage } from "node:http";

/** The request that became a socket, with `target` for its path. Undefined where its host or path is none. */
export function upgradeRequest(message: IncomingMessage, target: string): Request | undefined {
  const { host = "localhost" } = message.headers;
  // It must not run into the path, nor hold a password.
  if (!/^[^\s/?#@\\]+$/.test(host)) return undefined;
  const scheme = "encrypted" in message.socket && message.socket.encrypted === true ? "https" : "http";
  const url = target.startsWith("/") ? `${scheme}://${host}${target}` : target;
  if (!URL.canParse(url)) return undefined;
  const headers = new Headers();
  for (let index = 0; index + 1 < message.rawHeaders.length; index += 2) {
    try {
      headers.append(message.rawHeaders[index] as string, message.rawHeaders[index + 1] as string);
    } catch {
      return undefined;
    }
  }
  return new Request(url, { headers });
}
