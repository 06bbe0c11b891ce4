import type { Authorize, HttpRequest, HttpResponse, SyncServer } from "@tributary/server";
import { refusalOfAdmin } from "../access/refusal-of-admin.js";
import type { ServerMetrics } from "../metrics/server-metrics.js";

/** What the program adds to the library's answers. */
export interface FrontOptions {
  readonly server: Pick<SyncServer, "answer" | "maintenanceError">;
  /** Answered at /metrics. */
  readonly metrics?: ServerMetrics | undefined;
  /** Asked before the metrics are told. */
  readonly authorize: Authorize;
  /** Whether metrics are for everybody. */
  readonly hasOpenMetrics: boolean;
}

type Context = Parameters<SyncServer["answer"]>[1];

/**
 * Stands before the library: answers what is about the program rather than about its databases, and lets requests finish
 * while no new ones are taken in.
 */
export class Front implements Pick<SyncServer, "answer"> {
  readonly #options: FrontOptions;
  /** Ends requests that may be waiting for a commit. A promise to race against would gather a reaction for each. */
  readonly #cuts = new Set<() => void>();
  #isDraining = false;

  constructor(options: FrontOptions) {
    this.#options = options;
  }

  /** From now on requests are turned away. Those that wait for a commit are, too; the others go on. */
  drain(): void {
    this.#isDraining = true;
    for (const cut of this.#cuts) cut();
    this.#cuts.clear();
  }

  async answer(request: HttpRequest, context?: Context): Promise<HttpResponse> {
    const { server, metrics } = this.#options;
    const { pathname } = request.url;
    // A server that is ending is alive all the same.
    if (this.#isDraining && pathname !== "/health") return turnedAway();
    if (pathname === "/ready" && server.maintenanceError !== undefined) return notReady();
    if (pathname === "/metrics" && metrics !== undefined) return await this.#answerMetrics(request, metrics);
    if (pathname.endsWith("/pull-updates")) return await this.#answerPull(request, context);
    return await server.answer(request, context);
  }

  #answerPull(request: HttpRequest, context: Context): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      let isCut = false;
      const cut = (): void => {
        isCut = true;
        resolve(turnedAway());
      };
      this.#cuts.add(cut);
      this.#options.server
        .answer(request, context)
        .then((response) => {
          // It holds pages of a revision.
          if (isCut) endBody(response.body);
          else resolve(response);
        }, reject)
        .finally(() => this.#cuts.delete(cut));
    });
  }

  async #answerMetrics(request: HttpRequest, metrics: ServerMetrics): Promise<HttpResponse> {
    if (request.method !== "GET" && request.method !== "HEAD") return onlyGet();
    const refusal = this.#options.hasOpenMetrics ? undefined : await this.#refusal(request);
    if (refusal !== undefined) return refusal;
    const { text, contentType } = await metrics.render();
    return { status: 200, headers: { "content-type": contentType }, body: text };
  }

  async #refusal(request: HttpRequest): Promise<HttpResponse | undefined> {
    const status = await refusalOfAdmin(this.#options.authorize, request).catch(() => 500 as const);
    switch (status) {
      case undefined:
        return undefined;
      case 401:
        return refuse(401, "AUTH_INVALID", "a token with admin access is needed", {
          "www-authenticate": "Bearer",
        });
      case 403:
        return refuse(403, "AUTH_FORBIDDEN", "this needs admin access to the server");
      case 500:
        return refuse(500, "AUTH_FAILED", "the server could not find out what you may do");
    }
  }
}

function endBody(body: HttpResponse["body"]): void {
  if (typeof body === "object" && !(body instanceof Uint8Array)) body.end();
}

function refuse(
  status: number,
  code: string,
  error: string,
  headers: Record<string, string> = {},
): HttpResponse {
  return {
    status,
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ error, message: error, code }),
  };
}

function onlyGet(): HttpResponse {
  return plain(405, "only GET is answered here", { allow: "GET" });
}

function notReady(): HttpResponse {
  return plain(503, "housekeeping fails: see the log");
}

function turnedAway(): HttpResponse {
  return plain(503, "the server is shutting down: try again", { "retry-after": "1", connection: "close" });
}

function plain(status: number, text: string, headers: Record<string, string> = {}): HttpResponse {
  return { status, headers: { ...headers, "content-type": "text/plain" }, body: text };
}
