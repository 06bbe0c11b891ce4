import { RequestError } from "../http/request-error.js";

/** A request of somebody who did not show, or not rightly, who they are. */
export function unauthenticated(code: string, message: string): RequestError {
  return new RequestError(401, message, { code, headers: { "www-authenticate": "Bearer" } });
}
