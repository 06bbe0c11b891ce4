import { ACCEPTS_HEADER } from "@tributary/wire";
import { checkOrigin, isAllowedOrigin } from "./check-origin.js";
import type { HttpRequest } from "./http-request.js";
import type { HttpResponse } from "./http-response.js";
import { withHeaders } from "./with-headers.js";

const METHODS = "GET, POST, PUT, DELETE";
/** How long a browser may remember what a preflight said, seconds. */
const MAX_AGE = "600";
/** Headers of answers that a page may read, beside those that it always may. */
const EXPOSED_HEADERS = `x-request-id, retry-after, ${ACCEPTS_HEADER}`;
/** Longest list of header names that a preflight is granted, characters. */
const MAX_HEADER_NAMES = 1_024;
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]+(\s*,\s*[\w!#$%&'*+.^`|~-]+)*$/;

/**
 * Headers that let a page of an allowed origin read an answer: every answer needs them, errors included, or the page sees
 * none. The origin itself is named, never `*`, and credentials (cookies) are not allowed: who it is, a token says.
 */
export function corsHeaders(
  request: Pick<HttpRequest, "header">,
  allowedOrigins: readonly string[],
): Record<string, string> {
  if (allowedOrigins.length === 0) return {};
  const origin = request.header("origin");
  // Caches must not give the answer for one origin to another, nor to it the answer for none.
  if (origin === undefined || !isAllowedOrigin(origin, allowedOrigins)) return { vary: "Origin" };
  return {
    vary: "Origin",
    "access-control-allow-origin": origin,
    "access-control-expose-headers": EXPOSED_HEADERS,
  };
}

/**
 * The answer to a browser that asks whether a page may send a request; undefined if this is no such question. It carries
 * no token and needs none. Throws `RequestError` 403 for an origin that is not allowed.
 */
export function answerPreflight(
  request: Pick<HttpRequest, "header" | "method" | "url">,
  allowedOrigins: readonly string[],
): HttpResponse | undefined {
  if (request.method !== "OPTIONS" || request.header("access-control-request-method") === undefined)
    return undefined;
  checkOrigin(request, allowedOrigins);
  const response: HttpResponse = {
    status: 204,
    headers: {
      ...corsHeaders(request, allowedOrigins),
      "access-control-allow-methods": METHODS,
      "access-control-max-age": MAX_AGE,
    },
    body: undefined,
  };
  const names = request.header("access-control-request-headers") ?? "";
  if (names.length > MAX_HEADER_NAMES || !HEADER_NAMES.test(names)) return response;
  return withHeaders(response, {
    "access-control-allow-headers": names,
    vary: "Access-Control-Request-Headers",
  });
}
