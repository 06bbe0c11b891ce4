import { RequestError } from "./request-error.js";

/**
 * Refuses requests that a browser sends for a page of another origin: without this, any page could have a server on
 * this machine run SQL. Programs send no Origin. Throws `RequestError` 403.
 */
export function checkOrigin(request: Request, allowedOrigins: readonly string[]): void {
  const origin = request.headers.get("origin");
  if (origin === null || origin === new URL(request.url).origin || isAllowedOrigin(origin, allowedOrigins))
    return;
  throw new RequestError(403, `requests from pages of ${origin} are not allowed`);
}

/** Whether pages of this origin may send requests because the options say so. */
export function isAllowedOrigin(origin: string, allowedOrigins: readonly string[]): boolean {
  return allowedOrigins.includes("*") || allowedOrigins.includes(origin);
}

/**
 * Lets JSON through only, which all clients send: other types a page can send anywhere without being asked for
 * permission first. Throws `RequestError` 415.
 */
export function checkJsonContent(request: Request): void {
  const mediaType = request.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (mediaType === "application/json") return;
  throw new RequestError(415, "the content type must be application/json");
}
