import type { HttpResponse } from "./http-response.js";
import type { RequestError } from "./request-error.js";
import { jsonResponse, textResponse } from "./text-response.js";
import { withHeaders } from "./with-headers.js";

/**
 * The answer to a request that failed. The text is there twice in JSON: libSQL's clients read `message`, and its server,
 * whose tools read `error`, has that.
 */
export function errorResponse({ status, message, code, headers }: RequestError): HttpResponse {
  const response =
    code === undefined
      ? textResponse(status, message)
      : jsonResponse(status, JSON.stringify({ error: message, message, code }));
  return withHeaders(response, headers);
}
