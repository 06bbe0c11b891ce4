import { dirname, resolve } from "node:path";
import type { Channel } from "@tributary/core";
import { SINGLE_DATABASE } from "./addressing/find-address.js";
import { DatabaseRegistry } from "./databases/database-registry.js";
import type { Databases } from "./databases/databases.js";
import { StreamRegistry } from "./hrana/stream-registry.js";
import { fromWebRequest } from "./http/from-web-request.js";
import type { HttpRequest } from "./http/http-request.js";
import type { HttpResponse } from "./http/http-response.js";
import { RequestLimiter } from "./http/request-limiter.js";
import { toWebResponse } from "./http/to-web-response.js";
import { RequestHandler } from "./request-handler.js";
import { ServerError } from "./server-error.js";
import type { ServerStatus } from "./server-status.js";
import { ServerSockets } from "./sockets/server-sockets.js";
import type { SyncSocket } from "./sockets/sync-socket.js";
import { resolveServerOptions, type SyncServerOptions } from "./sync-server-options.js";
import { SqlWorkers } from "./workers/sql-workers.js";

/** What the host knows of a request beside it. */
export interface RequestContext {
  /** Address of the other end, for limits per client. */
  readonly remoteAddress?: string | undefined;
}

/** What the host knows of a channel. */
export interface ChannelContext extends RequestContext {
  /** The only database that the channel is for. Default: the one that the URL of `request` names, else the client names them. */
  readonly database?: string | undefined;
  /** For `authorize`, where there is one. Its origin is checked as that of a socket. Default: one without headers. */
  readonly request?: Request | undefined;
}

/** A sync server, to be mounted wherever a request or a WebSocket can be had. */
export interface SyncServer {
  /**
   * Answers one request of any adapter. Never rejects: what goes wrong is an answer. What a pipeline committed is on the disk
   * when its answer is given. A long-poll ends early when the request's signal fires. A body that is made piece by piece is
   * to be read to its end, or ended: it keeps pages of a revision.
   */
  answer(request: HttpRequest, context?: RequestContext): Promise<HttpResponse>;
  /** The same where requests are those of the web, at some cost. */
  fetch(request: Request, context?: RequestContext): Promise<Response>;
  /**
   * Serves a WebSocket that is open, until either side closes it: the live protocol where the subprotocol is `tributary1`,
   * else Hrana. `request` is the one that became the socket: its URL names the database. To be called before the socket can
   * have received anything.
   */
  acceptSocket(socket: SyncSocket, request: Request, context?: RequestContext): void;
  /**
   * Serves the live protocol on a channel of any other transport, until either side closes it. Access, limits and reports
   * are those of sockets, and it counts as one.
   */
  acceptChannel(channel: Channel, context?: ChannelContext): void;
  /** The databases, for whoever administers them. Nobody is asked whether that is allowed. */
  readonly databases: Databases;
  /**
   * Calls `listener` with the newest revision of a database after each commit: at once for commits made through this
   * server, within `foreignCommitCheckMs` for those of other programs. Commits that are found together are told together.
   * Gives the function that ends it; `close` does so too. What the listener throws is not caught. The database stays open
   * meanwhile. Default: the only database there is. Throws `ServerError` "closed", "no-such-database".
   */
  subscribe(listener: (revision: string) => void, database?: string): () => void;
  /** The state of the server, cheap to have. */
  status(): ServerStatus;
  /**
   * Takes nothing more: new requests are answered with 503, `/ready` says so, long-polls are answered with what there is, and
   * sockets are closed when what came on them is answered. Resolves when nothing is left that runs, which may be never:
   * `close` is still to be called, after as long as there is to wait. Calling it again does no harm.
   */
  drain(): Promise<void>;
  /**
   * Rolls open transactions back, ends long-polls, downloads and sockets, and closes all files, for good. Requests under
   * way, and those that come later, are answered with 503.
   */
  close(): Promise<void>;
  /**
   * Why housekeeping (checkpoints, looking for foreign commits) of a database does not get on, such as a full disk;
   * undefined if all is well. It is tried again by itself, and requests are served meanwhile.
   */
  readonly maintenanceError: unknown;
}

/**
 * Opens the database, or the directory of databases, and serves it. Throws `ServerError`: "invalid-option", "cannot-open",
 * "not-a-database", "unsupported-page-size", "unsupported-encoding", or "database-busy". The other codes are answers of
 * `fetch`.
 */
export function createSyncServer(given: SyncServerOptions): SyncServer {
  const options = resolveServerOptions(given);
  const workers = new SqlWorkers(
    options,
    () => registry.temporaryDirectory ?? dirname(resolve(options.path as string)),
  );
  const registry: DatabaseRegistry = new DatabaseRegistry(options, {
    jobs: workers.jobs,
    beforeClose: (database) => workers.flush(database),
    counts: (database) => ({ streams: workers.streamsOf(database) }),
  });
  const streams = new StreamRegistry(options, workers);
  const limiter = new RequestLimiter(options);
  const sockets = new ServerSockets({ options, registry, workers, limiter });
  const handler = new RequestHandler({
    options,
    registry,
    streams,
    workers,
    limiter,
    status,
    isWell: () => maintenanceError() === undefined,
  });
  let closing: Promise<void> | undefined;
  return {
    answer: (request, context = {}) => handler.answer(request, context),
    fetch: async (request, context = {}) =>
      toWebResponse(await handler.answer(fromWebRequest(request), context)),
    acceptSocket: (socket, request, context = {}) => sockets.accept(socket, request, context),
    acceptChannel: (channel, context = {}) => sockets.acceptChannel(channel, context),
    databases: registry,
    subscribe(listener, database) {
      if (database === undefined && options.path === undefined) {
        throw new ServerError("no-such-database", "there are many databases: name the one to hear of");
      }
      const lease = registry.acquire(database ?? SINGLE_DATABASE, false);
      const end = lease.database.subscribe(listener);
      return () => {
        end();
        lease.release();
      };
    },
    status,
    async drain() {
      handler.close();
      const socketsDone = sockets.drain();
      for (const { database } of registry.openDatabases()) database.commitWaiters.wakeAll();
      await Promise.all([socketsDone, limiter.whenEmpty()]);
    },
    close() {
      closing ??= close();
      return closing;
    },
    get maintenanceError() {
      return maintenanceError();
    },
  };

  function maintenanceError(): unknown {
    for (const { database } of registry.openDatabases()) {
      if (database.maintenanceError !== undefined) return database.maintenanceError;
    }
    return undefined;
  }

  function status(): ServerStatus {
    return {
      databases: registry.openStatus(),
      workers: workers.status,
      sockets: sockets.count,
      requests: limiter.size,
    };
  }

  async function close(): Promise<void> {
    handler.close();
    sockets.close();
    // Before the streams: closing one lets the next writer on.
    for (const { database } of registry.openDatabases()) database.writeLock.close();
    streams.closeAll();
    const ended = workers.close();
    // Where SQL runs in this thread, all is closed when this returns.
    if (ended !== undefined) await ended;
    await registry.close();
  }
}
