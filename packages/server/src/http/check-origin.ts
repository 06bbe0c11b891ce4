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

/** The remote writes of libSQL's Rust client come with this header, and without a content type. */
const LIBSQL_CLIENT = "x-libsql-client-version";

/**
 * Lets through what a page cannot send anywhere without being asked for permission first: JSON, or nothing said of the type
 * with a header of a program's own. Throws `RequestError` 415.
 */
export function checkJsonContent(request: Request): void {
  const type = request.headers.get("content-type");
  if (type === null && request.headers.has(LIBSQL_CLIENT)) return;
  if (type?.split(";", 1)[0]?.trim().toLowerCase() === "application/json") return;
  throw new RequestError(415, "the content type must be application/json");
}
