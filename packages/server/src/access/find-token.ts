import type { HttpRequest } from "../http/http-request.js";
import { unauthenticated } from "./unauthenticated.js";

/**
 * The bearer token of a request, undefined if it shows none. An empty one is none: clients that were given an empty token
 * send one. Other schemes are not looked at: a proxy may have put them there, or `authorize` may read them by itself.
 * Throws `RequestError` 401 AUTH_HEADER_INVALID.
 */
export function findToken(request: Pick<HttpRequest, "header">): string | undefined {
  const header = authorizationOf(request).trim();
  const [scheme = "", ...parts] = header.split(/[ \t]+/);
  if (scheme.toLowerCase() !== "bearer" || parts.length === 0) return undefined;
  const [token = ""] = parts;
  // Two headers come here as one, with a comma and a space between them.
  if (parts.length > 1 || !isSendableToken(token)) {
    throw unauthenticated("AUTH_HEADER_INVALID", "the authorization header must be: Bearer <token>");
  }
  return token;
}

/** Embedded replicas of libSQL have a header of their own for it: the other one may be a proxy's. */
function authorizationOf(request: Pick<HttpRequest, "header">): string {
  const isEmbedded = request.header("content-type")?.startsWith("application/grpc-web") === true;
  return (
    (isEmbedded ? request.header("x-authorization") : undefined) ?? request.header("authorization") ?? ""
  );
}

/** Whether a header can carry the token: visible ASCII and nothing else. */
export function isSendableToken(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token);
}
