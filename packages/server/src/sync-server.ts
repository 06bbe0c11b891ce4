import { ServerDatabase } from "./database/server-database.js";
import { StreamRegistry } from "./hrana/stream-registry.js";
import { RequestError } from "./http/request-error.js";
import { textResponse } from "./http/text-response.js";
import { answerPipeline } from "./routes/pipeline.js";
import { answerPullUpdates } from "./routes/pull-updates.js";
import { ServerError, type ServerErrorCode } from "./server-error.js";
import { resolveServerOptions, type SyncServerOptions } from "./sync-server-options.js";

/** A sync server for one database, to be mounted wherever a `Request` can be had. */
export interface SyncServer {
  /**
   * Answers one request. Never rejects: what goes wrong is an answer. What a pipeline committed is on the disk when
   * its answer is given. A long-poll ends early when the request's signal fires.
   */
  fetch(request: Request): Promise<Response>;
  /**
   * Rolls open transactions back, ends long-polls and downloads, and closes the file, for good. Requests under way, and
   * those that come later, are answered with 503.
   */
  close(): Promise<void>;
}

/** Opens the database and serves it. Throws `ServerError`. */
export function createSyncServer(options: SyncServerOptions): SyncServer {
  const database = new ServerDatabase(resolveServerOptions(options));
  const streams = new StreamRegistry(database);
  const greet = (): Response => textResponse(200, "Hello, this is HTTP API v2 (Hrana over HTTP)");
  const routes: Readonly<Record<string, (request: Request) => Response | Promise<Response>>> = {
    "POST /pull-updates": (request) => answerPullUpdates(database, request),
    "POST /v2/pipeline": (request) => answerPipeline(database, streams, request),
    "GET /v2": greet,
    "GET /v2/": greet,
    "GET /health": () => textResponse(200, ""),
  };
  return {
    async fetch(request) {
      try {
        const { pathname } = new URL(request.url);
        const route = routes[`${request.method} ${pathname}`];
        return route === undefined ? notFound(request.method, pathname) : await route(request);
      } catch (error) {
        return errorResponse(error);
      }
    },
    close() {
      streams.closeAll();
      database.close();
      return Promise.resolve();
    },
  };

  function notFound(method: string, pathname: string): Response {
    const hasOtherMethod = Object.keys(routes).some((key) => key.endsWith(` ${pathname}`));
    return textResponse(hasOtherMethod ? 405 : 404, `there is no ${method} ${pathname} here`);
  }
}

const STATUS_OF_CODE: Partial<Record<ServerErrorCode, number>> = {
  "revision-expired": 410,
  "database-busy": 503,
  closed: 503,
};

function errorResponse(error: unknown): Response {
  if (error instanceof RequestError) return textResponse(error.status, error.message);
  if (error instanceof ServerError) return textResponse(STATUS_OF_CODE[error.code] ?? 500, error.message);
  return textResponse(500, error instanceof Error ? error.message : "internal error");
}
