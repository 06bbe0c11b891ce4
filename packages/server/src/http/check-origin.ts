import type { HttpRequest } from "./http-request.js";
import { RequestError } from "./request-error.js";

/**
 * Refuses requests that a browser sends for a page of another origin: without this, any page could have a server on
 * this machine run SQL. Programs send no Origin. Throws `RequestError` 403.
 */
export function checkOrigin(
  request: Pick<HttpRequest, "header" | "url">,
  allowedOrigins: readonly string[],
): void {
  const origin = request.header("origin");
  if (origin === undefined || origin === request.url.origin || isAllowedOrigin(origin, allowedOrigins))
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
export function checkJsonContent(request: Pick<HttpRequest, "header">): void {
  if (request.header("content-type") === undefined && request.header(LIBSQL_CLIENT) !== undefined) return;
  checkContent(request, "application/json");
}

/** The same for a type of which no page can send anything unasked. Throws `RequestError` 415. */
export function checkContent(request: Pick<HttpRequest, "header">, expected: string): void {
  const type = request.header("content-type");
  if (type?.split(";", 1)[0]?.trim().toLowerCase() === expected) return;
  throw new RequestError(415, `the content type must be ${expected}`);
}
