import { randomUUID } from "node:crypto";
import type { Channel } from "@tributary/core";
import {
  type LiveClock,
  type LiveGrant,
  type LiveHost,
  type LiveLimits,
  LiveRefusal,
  type ReplicaEndpoint,
} from "@tributary/live";
import type { AccessGrant } from "../access/access.js";
import { checkAccess } from "../access/check-access.js";
import { findToken } from "../access/find-token.js";
import { openAccess } from "../access/open-access.js";
import { checkDatabaseName } from "../addressing/database-name.js";
import { SINGLE_DATABASE } from "../addressing/find-address.js";
import type { DatabaseRegistry } from "../databases/database-registry.js";
import { checkOrigin } from "../http/check-origin.js";
import { isServerFault } from "../http/failure-response.js";
import type { HttpRequest } from "../http/http-request.js";
import { RequestError } from "../http/request-error.js";
import type { RequestLimiter } from "../http/request-limiter.js";
import { ExpiryTimer } from "../sockets/expiry-timer.js";
import type { SocketStreams } from "../sockets/socket-streams.js";
import type { ResolvedServerOptions } from "../sync-server-options.js";
import { LiveReplica } from "./live-replica.js";
import type { PullCache } from "./pull-cache.js";
import { toLiveRefusal } from "./to-live-refusal.js";

/** What the channels of a server share. */
export interface LiveParts {
  readonly options: ResolvedServerOptions;
  readonly registry: DatabaseRegistry;
  readonly limiter: RequestLimiter;
  readonly streams: SocketStreams;
  readonly cache: PullCache;
}

/** Where a channel comes from. */
export interface LiveOrigin {
  /** What became the channel, or stands for it. */
  readonly request: HttpRequest;
  /** The only database that it is for; undefined: the client names them. */
  readonly database: string | undefined;
  readonly remoteAddress: string | undefined;
  /** What is wrong with it: the answer to the hello. */
  readonly mistake: Error | undefined;
}

/** Something that is open on a channel, and whether it may be. */
interface OpenDatabase {
  readonly database: string;
  readonly expiry: ExpiryTimer;
  /** What a fresh token allows. */
  restrict(access: AccessGrant["access"]): void;
  end(refusal: LiveRefusal): void;
}

/** How many pulls of one subscription may be open. */
const MAX_PULLS = 8;

/** One channel, as the server serves it: who may do what, and the databases. */
export class LiveChannelHost implements LiveHost {
  readonly clock: LiveClock;
  readonly limits: LiveLimits;
  /** Only where the server has any. */
  readonly openStream?: (database: string, channel: Channel) => Promise<void>;
  readonly onClose: (error: unknown) => void;
  readonly #parts: LiveParts;
  readonly #origin: LiveOrigin;
  readonly #open = new Set<OpenDatabase>();
  #token: string | undefined;
  /** Until when the whole channel may be used, ms since 1970. */
  #expiresAt: number | undefined;

  constructor(parts: LiveParts, origin: LiveOrigin, onClose: () => void) {
    const { options } = parts;
    const { clock } = options;
    this.#parts = parts;
    this.#origin = origin;
    this.clock = {
      now: () => clock.now(),
      startTimer: (milliseconds, callback) => clock.startTimer(milliseconds, callback),
      random: () => Math.random(),
    };
    this.limits = {
      helloTimeoutMs: options.helloTimeoutMs,
      keepAliveMs: options.keepAliveMs,
      maxMessageBytes: options.maxMessageBytes,
      maxSubscriptions: options.maxSubscriptions,
      maxPulls: MAX_PULLS,
      stallTimeoutMs: options.downloadStallTimeoutMs,
    };
    this.onClose = (error) => {
      for (const { expiry } of this.#open) expiry.cancel();
      this.#open.clear();
      if (error !== undefined) this.#tell(origin.database, 500, undefined, this.clock.now(), error);
      onClose();
    };
    const { streams } = options;
    if (streams !== undefined)
      this.openStream = (database, channel) => this.#openStream(database, channel, streams);
  }

  authenticate(token: string | undefined): Promise<LiveGrant> {
    const { request, database, mistake } = this.#origin;
    return this.#report(
      () => database,
      async () => {
        if (mistake !== undefined) throw mistake;
        checkOrigin(request, this.#parts.options.allowedOrigins);
        const shown = token ?? findToken(request);
        const granted = await this.#greet(database, shown);
        this.#token = shown;
        this.#expiresAt = granted?.expiresAt;
        await Promise.all([...this.#open].map((open) => this.#recheck(open)));
        const answer = { expiresAt: granted?.expiresAt, isProvisional: granted === undefined };
        return { answer, client: granted?.client };
      },
    );
  }

  openReplica(name: string, onEnd: (refusal: LiveRefusal) => void): Promise<ReplicaEndpoint> {
    return this.#admit(name, async (database, grant) => {
      const { options, registry, limiter, streams, cache } = this.#parts;
      const endpoint = new LiveReplica({
        lease: registry.acquire(database, options.createOnUse && grant.access !== "read"),
        access: grant.access,
        client: grant.client ?? this.#origin.remoteAddress,
        clock: options.clock,
        streamIdleTimeoutMs: options.streamIdleTimeoutMs,
        limiter,
        streams,
        cache,
        refuse: (error) => this.#refuse(database, error),
        onRemoved: onEnd,
        onClose: () => this.#forget(open),
      });
      const open = this.#keep(database, grant, (access) => endpoint.restrict(access), onEnd);
      return endpoint;
    });
  }

  #openStream(
    name: string,
    channel: Channel,
    streams: NonNullable<ResolvedServerOptions["streams"]>,
  ): Promise<void> {
    return this.#admit(name, async (database, grant) => {
      const open = this.#keep(
        database,
        grant,
        (latest) => {
          // Whoever serves it was told what it may do, once.
          if (latest !== grant.access) channel.close("the fresh token allows something else: open it again");
        },
        ({ message }) => channel.close(message),
      );
      try {
        await streams(
          database,
          watchEnd(channel, () => this.#forget(open)),
          grant,
        );
      } catch (error) {
        this.#forget(open);
        throw error;
      }
    });
  }

  /** Lets a client in that may use the database, and says so to whoever counts. Rejects with `LiveRefusal`. */
  #admit<T>(name: string, work: (database: string, grant: AccessGrant) => Promise<T>): Promise<T> {
    let database: string | undefined;
    return this.#report(
      () => database,
      async () => {
        database = this.#resolve(name);
        const grant = await this.#check(database);
        return { answer: await work(database, grant), client: grant.client };
      },
    );
  }

  /** Undefined: who it is will turn out with the databases that are opened. Rejects with `RequestError`. */
  async #greet(database: string | undefined, token: string | undefined): Promise<AccessGrant | undefined> {
    try {
      return await this.#ask(database, token);
    } catch (error) {
      // A token may be good for some databases and not for the server as a whole.
      if (database === undefined && error instanceof RequestError && error.status === 403) return undefined;
      throw error;
    }
  }

  /** What the latest token allows. Rejects with `RequestError`. */
  async #check(database: string): Promise<AccessGrant> {
    for (;;) {
      const token = this.#token;
      const grant = await this.#ask(database, token);
      if (token === this.#token) return grant;
    }
  }

  #ask(database: string | undefined, token: string | undefined): Promise<AccessGrant> {
    const { authorize = openAccess } = this.#parts.options;
    return checkAccess(authorize, this.#origin.request, database, "read", token);
  }

  /** What is open goes on with what a fresh token allows, or ends. */
  async #recheck(open: OpenDatabase): Promise<void> {
    try {
      const grant = await this.#check(open.database);
      open.restrict(grant.access);
      this.#watch(open, grant);
    } catch (error) {
      open.end(this.#refuse(open.database, error));
    }
  }

  #keep(
    database: string,
    grant: AccessGrant,
    restrict: OpenDatabase["restrict"],
    end: OpenDatabase["end"],
  ): OpenDatabase {
    const expired = new LiveRefusal(401, "token-expired", "the token has expired: send a fresh one");
    const expiry = new ExpiryTimer(this.#parts.options.clock, () => end(expired));
    const open = { database, expiry, restrict, end };
    this.#open.add(open);
    this.#watch(open, grant);
    return open;
  }

  /** Where the whole channel ends sooner, or at the same time, that is enough. */
  #watch({ expiry }: OpenDatabase, { expiresAt }: AccessGrant): void {
    const isSooner =
      expiresAt !== undefined && !(this.#expiresAt !== undefined && this.#expiresAt <= expiresAt);
    expiry.set(isSooner ? expiresAt : undefined);
  }

  #forget(open: OpenDatabase): void {
    open.expiry.cancel();
    this.#open.delete(open);
  }

  /** The database of a name that a client has sent. Throws `RequestError` and `ServerError`. */
  #resolve(name: string): string {
    const only =
      this.#origin.database ?? (this.#parts.options.path === undefined ? undefined : SINGLE_DATABASE);
    if (name === "" && only === undefined)
      throw new RequestError(404, "name the database to open", { code: "no-such-database" });
    const database = name === "" ? (only as string) : checkDatabaseName(name);
    if (only === undefined || database === only) return database;
    throw new RequestError(404, `the address is that of the database "${only}" alone`, {
      code: "no-such-database",
    });
  }

  #refuse(database: string | undefined, error: unknown): LiveRefusal {
    const refusal = toLiveRefusal(error);
    if (isServerFault(error)) this.#tell(database, refusal.status, undefined, this.clock.now(), error);
    return refusal;
  }

  /** Tells whoever counts what became of a hello, or of something that was opened. Rejects with `LiveRefusal`. */
  async #report<T>(
    database: () => string | undefined,
    work: () => Promise<{ readonly answer: T; readonly client: string | undefined }>,
  ): Promise<T> {
    const startedAt = this.clock.now();
    try {
      const { answer, client } = await work();
      this.#tell(database(), 101, client, startedAt, undefined);
      return answer;
    } catch (error) {
      const refusal = toLiveRefusal(error);
      this.#tell(database(), refusal.status, undefined, startedAt, isFault(error) ? error : undefined);
      throw refusal;
    }
  }

  #tell(
    database: string | undefined,
    status: number,
    client: string | undefined,
    startedAt: number,
    error: unknown,
  ): void {
    const { request, remoteAddress } = this.#origin;
    this.#parts.options.onRequest?.({
      id: randomUUID(),
      method: request.method,
      route: "live",
      database,
      client: client ?? remoteAddress,
      status,
      durationMs: this.clock.now() - startedAt,
      requestBytes: 0,
      responseBytes: undefined,
      error,
    });
  }
}

/** Refusals of whoever serves change streams are meant for the client. */
function isFault(error: unknown): boolean {
  return !(error instanceof LiveRefusal) && isServerFault(error);
}

/** The same channel; `onEnd` is called when it is closed by whomever. */
function watchEnd(channel: Channel, onEnd: () => void): Channel {
  return {
    listen: (events) =>
      channel.listen({
        onMessage: (message) => events.onMessage(message),
        onDrain: () => events.onDrain(),
        onClose: (reason) => {
          onEnd();
          events.onClose(reason);
        },
      }),
    send: (message) => channel.send(message),
    close: (reason) => channel.close(reason),
  };
}
