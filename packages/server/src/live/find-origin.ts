import { checkDatabaseName } from "../addressing/database-name.js";
import { findAddress, SINGLE_DATABASE } from "../addressing/find-address.js";
import { fromWebRequest } from "../http/from-web-request.js";
import type { HttpRequest } from "../http/http-request.js";
import { ServerError } from "../server-error.js";
import type { ResolvedServerOptions } from "../sync-server-options.js";
import type { LiveOrigin } from "./live-channel-host.js";

/**
 * Which database a channel is for, by its request or because the host says so, and the request that stands for it where it
 * has none.
 */
export function findOrigin(
  options: ResolvedServerOptions,
  request: Request | undefined,
  named: string | undefined,
): Omit<LiveOrigin, "remoteAddress"> {
  const standIn = fromWebRequest(request ?? new Request("http://localhost/"));
  try {
    return {
      request: standIn,
      database: findDatabase(options, request && standIn, named),
      mistake: undefined,
    };
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return { request: standIn, database: undefined, mistake: error };
  }
}

/** Throws `ServerError` "invalid-name". */
function findDatabase(
  options: ResolvedServerOptions,
  request: Pick<HttpRequest, "url" | "header"> | undefined,
  named: string | undefined,
): string | undefined {
  if (options.path !== undefined) return SINGLE_DATABASE;
  if (named !== undefined) return checkDatabaseName(named);
  return request === undefined ? undefined : findAddress(request, options).database;
}
