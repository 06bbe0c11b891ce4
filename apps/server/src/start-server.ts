import { createServer, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import {
  type Authorize,
  createSyncServer,
  type ServerStatus,
  type SyncServer,
  type SyncServerOptions,
  toNodeListener,
  toUpgradeListener,
} from "@tributary/server";
import { formatListenUrl, parseListenAddress } from "./listen-address.js";
import type { ServerMetrics } from "./metrics/server-metrics.js";
import { Connections } from "./serve/connections.js";
import { forwardedAddress } from "./serve/forwarded-address.js";
import { Front } from "./serve/front.js";
import type { TlsCredentials } from "./serve/tls-files.js";
import { version } from "./version.js";

/** Options of {@link startServer}: one of `db` and `data`. */
export interface StartServerOptions {
  /** The SQLite file to serve; it is created if it does not exist. */
  readonly db?: string;
  /** A directory of many databases; it is created if it does not exist. */
  readonly data?: string;
  /** HOST:PORT. Port 0 takes any free one. Default 127.0.0.1:0. */
  readonly listen?: string;
  /** Further options of the sync server. */
  readonly sync?: Omit<SyncServerOptions, "path" | "dataDirectory">;
  /** Serves HTTPS with these. */
  readonly tls?: TlsCredentials | undefined;
  /** Takes clients' addresses from X-Forwarded-For. Default false. */
  readonly trustProxy?: boolean;
  /** Longest header of a request, bytes. Default 16 KiB. */
  readonly maxHeaderBytes?: number;
  /** Longest time in which a request's header must arrive, ms. Default 10 000. */
  readonly headerTimeoutMs?: number;
  /** The same for the whole of it, ms; 0: never. Default 3 600 000. */
  readonly requestTimeoutMs?: number;
  /** Answers GET /metrics. Default: it does not. */
  readonly metrics?: { readonly maxDatabases: number; readonly isOpen: boolean } | undefined;
}

/** A server that listens. */
export interface RunningServer {
  /** Its address, with the port it got. */
  readonly url: string;
  /** The state of the sync server. */
  status(): ServerStatus;
  /** Uses another certificate for connections to come. */
  setTls(tls: TlsCredentials): void;
  /**
   * Takes in no more requests, ends those that wait for a commit, gives the others `timeoutMs` to finish, and closes.
   * Resolves with whether all of them did.
   */
  shutdown(timeoutMs: number): Promise<boolean>;
  /** Ends requests under way, closes every connection and the databases. */
  close(): Promise<void>;
}

/**
 * How long an idle connection stays open. Node's 5 s lose a race: a client that sends on a connection it kept, at the
 * moment the server closes it, gets a reset instead of an answer, and most clients do not send a statement twice. Longer
 * than the 60 s of common load balancers, so that theirs ends first.
 */
const KEEP_ALIVE_MS = 65_000;

/** What holds where no access is configured: nobody administers. */
const nobody: Authorize = () => ({ access: "write" });

/** Serves databases over HTTP. Rejects with `ServerError`, or with Node's error where it cannot listen. */
export async function startServer(options: StartServerOptions): Promise<RunningServer> {
  const { listen = "127.0.0.1:0", tls } = options;
  const { host, port } = parseListenAddress(listen);
  // Not read where nobody wants them: it takes a while.
  const Metrics =
    options.metrics === undefined ? undefined : (await import("./metrics/server-metrics.js")).ServerMetrics;
  const http = httpServerOf(options);
  const connections = new Connections(http);
  // First, so that a port that is taken creates no file. Nothing can be asked before the listener is there: that takes
  // no turn of the event loop.
  await listenOn(http, host, port);
  let parts: { readonly server: SyncServer; readonly front: Front };
  try {
    parts = createParts(options, connections, Metrics);
  } catch (error) {
    await new Promise((resolve) => http.close(resolve));
    throw error;
  }
  const { server, front } = parts;
  const remoteAddress = options.trustProxy === true ? { remoteAddress: forwardedAddress } : {};
  const listener = toNodeListener(front, remoteAddress);
  http.on("request", (request, response) => void listener(request, response));
  const { maxMessageBytes, maxSockets } = options.sync ?? {};
  const upgrade = toUpgradeListener(server, {
    ...remoteAddress,
    ...(maxMessageBytes === undefined ? {} : { maxMessageBytes }),
    ...(maxSockets === undefined ? {} : { maxSockets }),
  });
  http.on("upgrade", (request, socket, head) => void upgrade(request, socket, head));
  const address = http.address();
  const boundPort = typeof address === "object" && address !== null ? address.port : port;
  const shutdown = async (timeoutMs: number): Promise<boolean> => {
    const closed = new Promise((resolve) => http.close(resolve));
    front.drain();
    const finished = Promise.all([connections.whenIdle(), server.drain()]);
    const isFinished = await within(timeoutMs, finished);
    await server.close();
    // Answers that requests got just now are on their way; one turn of the loop lets them out.
    await new Promise((resolve) => setImmediate(resolve));
    connections.destroyAll();
    await closed;
    return isFinished;
  };
  return {
    url: formatListenUrl({ host, port: boundPort }, tls === undefined ? "http" : "https"),
    status: () => server.status(),
    setTls: (renewed) => (http as TlsServer).setSecureContext(renewed),
    shutdown,
    async close() {
      await shutdown(0);
    },
  };
}

function httpServerOf(options: StartServerOptions): Server {
  const { tls, maxHeaderBytes = 16_384, headerTimeoutMs = 10_000, requestTimeoutMs = 3_600_000 } = options;
  const settings: ServerOptions = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: headerTimeoutMs,
    requestTimeout: requestTimeoutMs,
    // How often Node looks for requests that are late.
    connectionsCheckingInterval: Math.min(5_000, Math.max(100, headerTimeoutMs / 2)),
  };
  return tls === undefined ? createServer(settings) : createTlsServer({ ...settings, ...tls });
}

function createParts(
  { db, data, sync = {}, metrics }: StartServerOptions,
  connections: Connections,
  Metrics: typeof ServerMetrics | undefined,
): { readonly server: SyncServer; readonly front: Front } {
  let collected: ServerMetrics | undefined;
  const { onRequest } = sync;
  const server = createSyncServer({
    ...sync,
    ...(db === undefined ? {} : { path: db }),
    ...(data === undefined ? {} : { dataDirectory: data }),
    onRequest(report) {
      collected?.record(report);
      onRequest?.(report);
    },
  });
  if (metrics !== undefined && Metrics !== undefined) {
    collected = new Metrics({
      version,
      maxDatabases: metrics.maxDatabases,
      status: () => server.status(),
      network: () => connections.totals(),
    });
  }
  const front = new Front({
    server,
    metrics: collected,
    authorize: sync.authorize ?? nobody,
    hasOpenMetrics: metrics?.isOpen ?? false,
  });
  return { server, front };
}

/** Whether `promise` resolves before that many milliseconds are over. */
async function within(milliseconds: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const isDone = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return isDone;
}

function listenOn(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
