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
   * Calls `listener` with the newest revision after each commit: at once for commits made through this server, within
   * `foreignCommitCheckMs` for those of other programs. Commits that are found together are told together. Gives the
   * function that ends it; `close` does so too. What the listener throws is not caught. Throws `ServerError` "closed".
   */
  subscribe(listener: (revision: string) => void): () => void;
  /**
   * Rolls open transactions back, ends long-polls and downloads, and closes the file, for good. Requests under way, and
   * those that come later, are answered with 503.
   */
  close(): Promise<void>;
  /**
   * Why housekeeping (checkpoints, looking for foreign commits) does not get on, such as a full disk; undefined if all
   * is well. It is tried again by itself, and requests are served meanwhile.
   */
  readonly maintenanceError: unknown;
}

/**
 * Opens the database and serves it. Throws `ServerError`: "invalid-option", "cannot-open", "not-a-database",
 * "unsupported-page-size", "unsupported-encoding", or "database-busy". The other codes are answers of `fetch`:
 * "revision-expired" 410, "database-busy", "cannot-open" and "closed" 503, "database-changed" 500.
 */
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
    subscribe: (listener) => database.subscribe(listener),
    close() {
      // The database first: closing a stream lets the next writer on.
      database.close();
      streams.closeAll();
      return Promise.resolve();
    },
    get maintenanceError() {
      return database.maintenanceError;
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
  // Another connection to a database that is open: descriptors have run out.
  "cannot-open": 503,
  closed: 503,
};

function errorResponse(error: unknown): Response {
  if (error instanceof RequestError) return textResponse(error.status, error.message);
  if (error instanceof ServerError) {
    const response = textResponse(STATUS_OF_CODE[error.code] ?? 500, error.message);
    if (response.status === 503 && error.code !== "closed") response.headers.set("retry-after", "1");
    return response;
  }
  return textResponse(500, error instanceof Error ? error.message : "internal error");
}
