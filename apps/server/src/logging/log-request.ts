import type { RequestReport } from "@tributary/server";
import type { Logger } from "pino";
import { describeError } from "./describe-error.js";

/** Logs a request: at error level where the server is to blame. Has nothing of its URL, headers and body. */
export function logRequest(logger: Logger, report: RequestReport): void {
  const { id, method, route, database, client, status, durationMs, requestBytes, responseBytes, error } =
    report;
  const fields = {
    id,
    method,
    route,
    database,
    client,
    status,
    ms: Math.round(durationMs * 10) / 10,
    requestBytes,
    responseBytes,
  };
  if (error === undefined) logger.info(fields, "request");
  else logger.error({ ...fields, error: describeError(error) }, "request failed");
}
