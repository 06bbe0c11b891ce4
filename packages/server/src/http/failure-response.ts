import { HranaRequestError } from "../hrana/hrana-request-error.js";
import { ServerError, type ServerErrorCode } from "../server-error.js";
import { errorResponse } from "./error-response.js";
import type { HttpResponse } from "./http-response.js";
import { RequestError } from "./request-error.js";

const STATUS_OF_CODE: Partial<Record<ServerErrorCode, number>> = {
  "invalid-name": 400,
  "no-such-database": 404,
  "database-exists": 409,
  "single-database": 409,
  "revision-expired": 410,
  "too-large": 413,
  "too-many-databases": 503,
  "database-busy": 503,
  // Another connection to a database that is open: descriptors have run out.
  "cannot-open": 503,
  // Offline replicas take 500 for the end of a generation, and do not show what it says.
  "branch-damaged": 503,
  closed: 503,
};

/** The answer to a request that failed, whatever it was. */
export function failureResponse(error: unknown): HttpResponse {
  return errorResponse(toRequestError(error));
}

/** Whether it is the server's fault: worth a look by whoever runs it. */
export function isServerFault(error: unknown): boolean {
  if (error instanceof ServerError && error.code === "closed") return false;
  const { status } = toRequestError(error);
  return status === 500 || (error instanceof ServerError && status > 500);
}

/** What the client is told. */
export function toRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  if (error instanceof HranaRequestError) {
    const { message, code, status } = error;
    return new RequestError(status, message, { code, headers: retryAfter(status) });
  }
  if (error instanceof ServerError) {
    const { message, code } = error;
    const status = STATUS_OF_CODE[code] ?? 500;
    return new RequestError(status, message, { code, headers: code === "closed" ? {} : retryAfter(status) });
  }
  // Anything may be in its text.
  return new RequestError(500, "internal error", { code: "internal", cause: error });
}

function retryAfter(status: number): Record<string, string> {
  return status === 503 ? { "retry-after": "1" } : {};
}
