import type { IncomingMessage } from "node:http";

/** A name or an address, and a port: nothing that could run into the path, hold a password, or be spelled otherwise. */
const HOST = /^(?:[\w.~-]+|\[[\da-f:.]+\])(?::\d*)?$/i;

/** The URL that a request is for, with `target` for its path; undefined where its host or path is none. */
export function requestUrl(message: IncomingMessage, target: string): URL | undefined {
  const { host } = message.headers;
  // Node takes the first of two; a proxy in front may have gone by the other.
  if ((message.headersDistinct.host?.length ?? 0) > 1) return undefined;
  // Proxies are sent whole URLs.
  const isWhole = /^https?:\/\//i.test(target);
  if (!isWhole && (host === undefined || !HOST.test(host) || !target.startsWith("/"))) return undefined;
  // The web's parser takes it for a slash, and a proxy in front with rules about paths may not.
  if (/^[^?]*\\/.test(target)) return undefined;
  const scheme = "encrypted" in message.socket && message.socket.encrypted === true ? "https" : "http";
  const url = isWhole ? target : `${scheme}://${host}${target}`;
  try {
    const parsed = new URL(url);
    return parsed.username === "" && parsed.password === "" ? parsed : undefined;
  } catch {
    return undefined;
  }
}
