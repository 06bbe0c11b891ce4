import { randomUUID } from "node:crypto";
import type { Channel } from "@tributary/core";
import { acceptLive } from "@tributary/live";
import { LIVE_SUBPROTOCOL } from "@tributary/wire";
import { checkAccess } from "../access/check-access.js";
import { findToken } from "../access/find-token.js";
import { openAccess } from "../access/open-access.js";
import { findAddress } from "../addressing/find-address.js";
import type { DatabaseRegistry } from "../databases/database-registry.js";
import { checkOrigin } from "../http/check-origin.js";
import { isServerFault, toRequestError } from "../http/failure-response.js";
import { fromWebRequest } from "../http/from-web-request.js";
import type { HttpRequest } from "../http/http-request.js";
import { RequestError } from "../http/request-error.js";
import type { RequestLimiter } from "../http/request-limiter.js";
import { findOrigin } from "../live/find-origin.js";
import { LiveChannelHost, type LiveParts } from "../live/live-channel-host.js";
import { PullCache } from "../live/pull-cache.js";
import { SocketChannel } from "../live/socket-channel.js";
import type { ChannelContext, RequestContext } from "../sync-server.js";
import type { ResolvedServerOptions } from "../sync-server-options.js";
import type { SqlWorkers } from "../workers/sql-workers.js";
import { acceptHranaSocket, type HranaSocket } from "./hrana-socket.js";
import type { HelloAnswer } from "./socket-host.js";
import { SocketStreams } from "./socket-streams.js";
import { CloseCode } from "./socket-violation.js";
import type { SyncSocket } from "./sync-socket.js";

/** Options of {@link ServerSockets}. */
export interface ServerSocketsOptions {
  readonly options: ResolvedServerOptions;
  readonly registry: DatabaseRegistry;
  readonly workers: SqlWorkers;
  /** Counts pulls, as those over HTTP. */
  readonly limiter: RequestLimiter;
}

/** A socket or a channel that is served. */
type ServedSocket = Pick<HranaSocket, "close" | "finish">;

/** The sockets of a server, and channels that are like them. */
export class ServerSockets {
  readonly #parts: ServerSocketsOptions;
  readonly #sockets = new Set<ServedSocket>();
  readonly #streams: SocketStreams;
  readonly #live: LiveParts;
  #isClosed = false;
  #onEmpty: (() => void)[] = [];

  constructor(parts: ServerSocketsOptions) {
    this.#parts = parts;
    const { options, registry, workers, limiter } = parts;
    this.#streams = new SocketStreams(options, registry, workers);
    this.#live = { options, registry, limiter, streams: this.#streams, cache: new PullCache() };
  }

  /** How many are open. */
  get count(): number {
    return this.#sockets.size;
  }

  /** Serves a socket until it is closed. Whatever is wrong with its request is the answer to its hello. */
  accept(socket: SyncSocket, request: Request, context: RequestContext): void {
    if (socket.protocol.toLowerCase() === LIVE_SUBPROTOCOL) {
      this.acceptChannel(new SocketChannel(socket, this.#parts.options.clock), { ...context, request });
    } else {
      const asked = fromWebRequest(request);
      this.#serve((onClose) => this.#acceptHrana(socket, asked, context, onClose));
    }
  }

  /** Serves the live protocol on a channel until it is closed. */
  acceptChannel(channel: Channel, { request, database, remoteAddress }: ChannelContext): void {
    const { options } = this.#parts;
    this.#serve((onClose) => {
      const origin = findOrigin(options, request, database);
      const host = new LiveChannelHost(this.#live, { ...origin, remoteAddress }, onClose);
      const connection = acceptLive(channel, host);
      return { close: (_code, reason) => connection.close(reason), finish: () => connection.finish() };
    });
  }

  #serve(accept: (onClose: () => void) => ServedSocket): void {
    const isTooMany = this.#sockets.size >= this.#parts.options.maxSockets;
    // It may be closed before it is here.
    let isOver = false;
    let accepted: ServedSocket | undefined;
    accepted = accept(() => {
      isOver = true;
      if (accepted !== undefined) this.#forget(accepted);
    });
    if (isOver) return;
    if (this.#isClosed) accepted.close(CloseCode.goingAway, "the server is closed");
    else if (isTooMany) accepted.close(CloseCode.tryAgainLater, "too many sockets: try again later");
    else this.#sockets.add(accepted);
  }

  #acceptHrana(
    socket: SyncSocket,
    request: HttpRequest,
    { remoteAddress }: RequestContext,
    onClose: () => void,
  ): HranaSocket {
    const { options } = this.#parts;
    const { clock, helloTimeoutMs, maxMessageBytes, maxStatements, maxStreams } = options;
    let database: string | undefined;
    return acceptHranaSocket(socket, {
      clock,
      limits: {
        helloTimeoutMs,
        maxMessageBytes,
        maxStatements,
        maxStreams,
        streamIdleTimeoutMs: options.streamIdleTimeoutMs,
        sendStallTimeoutMs: options.downloadStallTimeoutMs,
      },
      hello: async (jwt) => {
        const startedAt = clock.now();
        const tell = (status: number, client: string | undefined, error: unknown): void =>
          options.onRequest?.({
            id: randomUUID(),
            method: request.method,
            route: "websocket",
            database,
            client: client ?? remoteAddress,
            status,
            durationMs: clock.now() - startedAt,
            requestBytes: 0,
            responseBytes: undefined,
            error,
          });
        try {
          checkOrigin(request, options.allowedOrigins);
          database ??= findAddress(request, options).database;
          const answer = await this.#greet(request, database, jwt);
          tell(101, answer.grant.client, undefined);
          return answer;
        } catch (error) {
          const { message, code = "FORBIDDEN", status } = toRequestError(error);
          tell(status, undefined, isServerFault(error) ? error : undefined);
          if (status === 500) throw error;
          return { ok: false, error: { message, code } };
        }
      },
      openStream: ({ access, client }) =>
        this.#streams.open(database as string, access, client ?? remoteAddress),
      onClose,
    });
  }

  /** Closes all of them, and those that come later. */
  close(): void {
    this.#isClosed = true;
    for (const socket of [...this.#sockets]) socket.close(CloseCode.goingAway, "the server is closed");
  }

  /** Closes each when what came on it is answered, and those that come later. Resolves when none is left. */
  drain(): Promise<void> {
    this.#isClosed = true;
    for (const socket of [...this.#sockets]) socket.finish();
    if (this.#sockets.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  #forget(socket: ServedSocket): void {
    this.#sockets.delete(socket);
    if (this.#sockets.size === 0) for (const tell of this.#onEmpty.splice(0)) tell();
  }

  async #greet(
    request: HttpRequest,
    database: string | undefined,
    jwt: string | undefined,
  ): Promise<Extract<HelloAnswer, { readonly ok: true }>> {
    const { options, registry } = this.#parts;
    if (database === undefined) {
      throw new RequestError(404, "name the database in the path, as ws://host/<name>", {
        code: "no-such-database",
      });
    }
    const authorize = options.authorize ?? openAccess;
    const grant = await checkAccess(authorize, request, database, "read", jwt || findToken(request));
    // One that is not there is told now, and not with every stream.
    registry.acquire(database, options.createOnUse && grant.access !== "read").release();
    return { ok: true, grant };
  }
}
