import { createServer, type Server } from "node:http";
import { createSyncServer, type SyncServer, type SyncServerOptions, toNodeListener } from "@tributary/server";
import { formatListenUrl, parseListenAddress } from "./listen-address.js";

/** Options of {@link startServer}. */
export interface StartServerOptions {
  /** The SQLite file to serve; it is created if it does not exist. */
  readonly db: string;
  /** HOST:PORT. Port 0 takes any free one. Default 127.0.0.1:0. */
  readonly listen?: string;
  /** Further options of the sync server. */
  readonly sync?: Omit<SyncServerOptions, "path">;
}

/** A server that listens. */
export interface RunningServer {
  /** Its address, with the port it got. */
  readonly url: string;
  /** Ends requests under way, closes every connection and the database. */
  close(): Promise<void>;
}

/**
 * How long an idle connection stays open. Node's 5 s lose a race: a client that sends on a connection it kept, at the
 * moment the server closes it, gets a reset instead of an answer, and most clients do not send a statement twice. Longer
 * than the 60 s of common load balancers, so that theirs ends first.
 */
const KEEP_ALIVE_MS = 65_000;

/** Serves one database over HTTP. Rejects with `ServerError`, or with Node's error where it cannot listen. */
export async function startServer({
  db,
  listen = "127.0.0.1:0",
  sync,
}: StartServerOptions): Promise<RunningServer> {
  const { host, port } = parseListenAddress(listen);
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS });
  // First, so that a port that is taken creates no file. Nothing can be asked before the listener is there: that takes
  // no turn of the event loop.
  await listenOn(server, host, port);
  let syncServer: SyncServer;
  try {
    syncServer = createSyncServer({ ...sync, path: db });
  } catch (error) {
    await new Promise((resolve) => server.close(resolve));
    throw error;
  }
  const listener = toNodeListener(syncServer);
  server.on("request", (request, response) => void listener(request, response));
  const address = server.address();
  const boundPort = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: formatListenUrl({ host, port: boundPort }),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      await syncServer.close();
      // Answers that long-polls got just now are on their way; one turn of the loop lets them out.
      await new Promise((resolve) => setImmediate(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
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
