import { randomUUID } from "node:crypto";
import type { AccessGrant } from "../access/access.js";
import { checkAccess } from "../access/check-access.js";
import { findToken } from "../access/find-token.js";
import { openAccess } from "../access/open-access.js";
import { findAddress } from "../addressing/find-address.js";
import type { DatabaseLease } from "../databases/database-lease.js";
import type { DatabaseRegistry } from "../databases/database-registry.js";
import type { SqlStream } from "../hrana/sql-stream.js";
import { checkOrigin } from "../http/check-origin.js";
import { isServerFault, toRequestError } from "../http/failure-response.js";
import { RequestError } from "../http/request-error.js";
import { RequestLimiter } from "../http/request-limiter.js";
import type { RequestContext } from "../sync-server.js";
import type { ResolvedServerOptions } from "../sync-server-options.js";
import type { SqlWorkers } from "../workers/sql-workers.js";
import { acceptHranaSocket, type HranaSocket } from "./hrana-socket.js";
import type { HelloAnswer } from "./socket-host.js";
import { CloseCode } from "./socket-violation.js";
import type { SyncSocket } from "./sync-socket.js";

/** Options of {@link ServerSockets}. */
export interface ServerSocketsOptions {
  readonly options: ResolvedServerOptions;
  readonly registry: DatabaseRegistry;
  readonly workers: SqlWorkers;
}

const REMOVED = { message: "The database was deleted", code: "STREAM_CLOSED" };

/** The sockets of a server. */
export class ServerSockets {
  readonly #parts: ServerSocketsOptions;
  readonly #sockets = new Set<HranaSocket>();
  /**
   * Each stream does one thing at a time, so streams are counted, apart from requests over HTTP: those that lie idle
   * take nobody's place there.
   */
  readonly #limiter: RequestLimiter;
  #isClosed = false;
  #onEmpty: (() => void)[] = [];

  constructor(parts: ServerSocketsOptions) {
    this.#parts = parts;
    this.#limiter = new RequestLimiter({ ...parts.options, maxWaiters: 0 });
  }

  /** How many are open. */
  get count(): number {
    return this.#sockets.size;
  }

  /** Serves a socket until it is closed. Whatever is wrong with its request is the answer to its hello. */
  accept(socket: SyncSocket, request: Request, { remoteAddress }: RequestContext): void {
    const { options } = this.#parts;
    const { clock, helloTimeoutMs, maxMessageBytes, maxStatements, maxStreams, maxSockets } = options;
    const isTooMany = this.#sockets.size >= maxSockets;
    let database: string | undefined;
    // It may be closed before it is here.
    let isOver = false;
    let accepted: HranaSocket | undefined;
    accepted = acceptHranaSocket(socket, {
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
      openStream: (grant) => this.#openStream(database as string, grant, grant.client ?? remoteAddress),
      onClose: () => {
        isOver = true;
        if (accepted !== undefined) this.#forget(accepted);
      },
    });
    if (isOver) return;
    if (this.#isClosed) accepted.close(CloseCode.goingAway, "the server is closed");
    else if (isTooMany) accepted.close(CloseCode.tryAgainLater, "too many sockets: try again later");
    else this.#sockets.add(accepted);
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

  #forget(socket: HranaSocket): void {
    this.#sockets.delete(socket);
    if (this.#sockets.size === 0) for (const tell of this.#onEmpty.splice(0)) tell();
  }

  async #greet(
    request: Request,
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

  async #openStream(database: string, grant: AccessGrant, client: string | undefined): Promise<SqlStream> {
    const { registry, workers } = this.#parts;
    const slot = this.#limiter.enter({ database, client });
    let lease: DatabaseLease;
    try {
      lease = registry.acquire(database, false);
    } catch (error) {
      slot.leave();
      throw error;
    }
    const letGo = (): void => {
      slot.leave();
      lease.release();
    };
    try {
      const stream = await workers.open(lease.database, grant.access === "read", letGo);
      lease.onRemoved = () => {
        stream.close();
        stream.onEnd?.(REMOVED);
      };
      return stream;
    } catch (error) {
      letGo();
      throw error;
    }
  }
}
