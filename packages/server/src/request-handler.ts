import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { ACCEPTS_BATCH, ACCEPTS_HEADER } from "@tributary/wire";
import type { Access, AccessGrant } from "./access/access.js";
import { checkAccess } from "./access/check-access.js";
import { findToken } from "./access/find-token.js";
import { openAccess } from "./access/open-access.js";
import { type Address, findAddress } from "./addressing/find-address.js";
import type { DatabaseLease } from "./databases/database-lease.js";
import type { DatabaseRegistry } from "./databases/database-registry.js";
import { EmbeddedReplicas } from "./embedded/embedded-replicas.js";
import { isGrpcCall, withGrpcFailure } from "./embedded/grpc-failure.js";
import type { StreamRegistry } from "./hrana/stream-registry.js";
import { checkOrigin } from "./http/check-origin.js";
import { answerPreflight, corsHeaders } from "./http/cors.js";
import { failureResponse, isServerFault } from "./http/failure-response.js";
import type { HttpRequest } from "./http/http-request.js";
import type { HttpResponse } from "./http/http-response.js";
import { RequestError } from "./http/request-error.js";
import type { RequestLimiter } from "./http/request-limiter.js";
import { jsonResponse, textResponse } from "./http/text-response.js";
import { withHeaders } from "./http/with-headers.js";
import { adminScope, answerAdmin } from "./routes/admin.js";
import { findDatabaseRoute, GREETED, routeName } from "./routes/database-routes.js";
import { ServerError } from "./server-error.js";
import type { ServerStatus } from "./server-status.js";
import type { RequestContext } from "./sync-server.js";
import type { ResolvedServerOptions } from "./sync-server-options.js";
import type { SqlWorkers } from "./workers/sql-workers.js";

/** Options of {@link RequestHandler}. */
export interface RequestHandlerOptions {
  readonly options: ResolvedServerOptions;
  readonly registry: DatabaseRegistry;
  readonly streams: StreamRegistry;
  readonly workers: SqlWorkers;
  readonly limiter: RequestLimiter;
  readonly status: () => ServerStatus;
  /** Whether housekeeping gets on. */
  readonly isWell: () => boolean;
}

/** What is found out about a request on its way, for the report. */
interface Trace {
  route: string;
  database: string | undefined;
  client: string | undefined;
  error: unknown;
}

const { version } = createRequire(import.meta.url)("../package.json") as { version: string };

/**
 * The way of a request: which database it is for, whether the page it comes from and whoever sent it may, whether there is
 * room for it, and then its route.
 */
export class RequestHandler {
  readonly #parts: RequestHandlerOptions;
  readonly #embedded: EmbeddedReplicas;
  #isClosed = false;

  constructor(parts: RequestHandlerOptions) {
    this.#parts = parts;
    this.#embedded = new EmbeddedReplicas(parts.streams);
  }

  /** What comes from now on is answered with 503. */
  close(): void {
    this.#isClosed = true;
  }

  /** Never rejects. */
  async answer(request: HttpRequest, context: RequestContext): Promise<HttpResponse> {
    const { clock, allowedOrigins, onRequest } = this.#parts.options;
    const startedAt = clock.now();
    const id = randomUUID();
    const trace: Trace = {
      route: "other",
      database: undefined,
      client: context.remoteAddress,
      error: undefined,
    };
    let response: HttpResponse;
    try {
      response = await this.#answer(request, trace);
    } catch (error) {
      if (isServerFault(error)) trace.error = error;
      response = failureResponse(error);
      if (isGrpcCall(request)) withGrpcFailure(response, error, request);
    }
    response.headers["x-request-id"] = id;
    if (allowedOrigins.length > 0) withHeaders(response, corsHeaders(request, allowedOrigins));
    if (trace.database !== undefined) response.headers[ACCEPTS_HEADER] = ACCEPTS_BATCH;
    const responseBytes = response.headers["content-length"];
    onRequest?.({
      id,
      method: request.method,
      route: trace.route,
      database: trace.database,
      client: trace.client,
      status: response.status,
      durationMs: clock.now() - startedAt,
      requestBytes: Number(request.header("content-length") ?? 0),
      responseBytes: responseBytes === undefined ? undefined : Number(responseBytes),
      error: trace.error,
    });
    return response;
  }

  async #answer(request: HttpRequest, trace: Trace): Promise<HttpResponse> {
    const { options } = this.#parts;
    const preflight = answerPreflight(request, options.allowedOrigins);
    if (preflight !== undefined) return preflight;
    const address = findAddress(request, options);
    trace.database = address.database;
    trace.route = routeName(address.pathname);
    const open = this.#answerOpenly(request, address);
    if (open !== undefined) return open;
    if (this.#isClosed) throw new ServerError("closed", "the server is closed");
    checkOrigin(request, options.allowedOrigins);
    // What administers has one path, as a proxy may have rules about it: not another one for each device.
    const isForServer =
      address.device === undefined && (address.database === undefined || options.path !== undefined);
    if (isForServer && (address.pathname === "/admin" || address.pathname.startsWith("/admin/"))) {
      return this.#answerAdmin(request, address, trace);
    }
    return this.#answerForDatabase(request, address, trace);
  }

  /** What everybody may know. */
  #answerOpenly(request: HttpRequest, { pathname }: Address): HttpResponse | undefined {
    if (request.method !== "GET") return undefined;
    if (GREETED.has(pathname)) return textResponse(200, "Hello, this is HTTP API v2 (Hrana over HTTP)");
    if (pathname === "/health") return textResponse(200, "");
    if (pathname === "/version") return textResponse(200, `tributary ${version}`);
    if (pathname !== "/ready") return undefined;
    if (this.#isClosed) return textResponse(503, "closed");
    return this.#parts.isWell() ? textResponse(200, "") : textResponse(503, "housekeeping fails");
  }

  async #answerForDatabase(
    request: HttpRequest,
    { database, device, pathname }: Address,
    trace: Trace,
  ): Promise<HttpResponse> {
    const { options, registry, streams, workers, limiter } = this.#parts;
    const isNameless = database === undefined && pathname.startsWith("/device/");
    const route = isNameless ? undefined : findDatabaseRoute(request.method, pathname);
    if (route === undefined || database === undefined) {
      throw new RequestError(404, `name the database in front of the path, as /<name>${pathname}`);
    }
    const { grant, client } = await this.#authorize(request, database, "read", trace);
    const { access, expiresAt } = grant;
    const slot = limiter.enter({ database, client });
    let lease: DatabaseLease;
    try {
      lease = registry.acquire(database, options.createOnUse && access !== "read");
    } catch (error) {
      slot.leave();
      throw error;
    }
    const hold = countHolds(() => {
      slot.leave();
      lease.release();
    });
    const letGo = hold();
    try {
      return await route({
        request,
        pathname,
        access,
        device: device ?? grant.device,
        isDeviceInUrl: device !== undefined,
        expiresAt,
        options,
        bodyLimits: {
          maxBytes: options.maxBodyBytes,
          stallTimeoutMs: options.bodyStallTimeoutMs,
          clock: options.clock,
        },
        databases: registry,
        streams,
        workers,
        embedded: this.#embedded,
        lease,
        slot,
        hold,
      });
    } finally {
      letGo();
    }
  }

  async #answerAdmin(request: HttpRequest, { pathname }: Address, trace: Trace): Promise<HttpResponse> {
    const { options, registry, limiter, status } = this.#parts;
    const database = adminScope(pathname);
    trace.database = database;
    const { client } = await this.#authorize(request, database, "admin", trace);
    const slot = limiter.enter({ database, client });
    const hold = countHolds(() => slot.leave());
    const letGo = hold();
    try {
      if (pathname === "/admin/status" && request.method === "GET") {
        return jsonResponse(200, JSON.stringify(status()));
      }
      return await answerAdmin(registry, request, pathname, {
        options,
        hold,
        authorize: async (target) => {
          await this.#authorize(request, target, "admin", trace);
        },
      });
    } finally {
      letGo();
    }
  }

  async #authorize(
    request: HttpRequest,
    database: string | undefined,
    needed: Access,
    trace: Trace,
  ): Promise<{ readonly grant: AccessGrant; readonly client: string | undefined }> {
    const { authorize = openAccess } = this.#parts.options;
    const grant = await checkAccess(authorize, request, database, needed, findToken(request));
    trace.client = grant.client ?? trace.client;
    return { grant, client: trace.client };
  }
}

/** Calls `end` when everybody has let go who held. */
function countHolds(end: () => void): () => () => void {
  let count = 0;
  return () => {
    count += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      count -= 1;
      if (count === 0) end();
    };
  };
}
