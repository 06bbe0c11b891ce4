import { type LivePull, type LivePullRequest, LiveRefusal, type ReplicaEndpoint } from "@tributary/live";
import type { AccessGrant } from "../access/access.js";
import type { DatabaseLease } from "../databases/database-lease.js";
import type { RequestLimiter } from "../http/request-limiter.js";
import { openPull } from "../pages/open-pull.js";
import type { ServerClock } from "../server-clock.js";
import type { SocketStreams } from "../sockets/socket-streams.js";
import { createLiveAnswer } from "./live-answer.js";
import { LivePushes } from "./live-pushes.js";
import type { PullCache } from "./pull-cache.js";

/** Options of {@link LiveReplica}. */
export interface LiveReplicaOptions {
  /** Taken over. */
  readonly lease: DatabaseLease;
  readonly access: AccessGrant["access"];
  /** Who it is, for limits; undefined: nobody knows. */
  readonly client: string | undefined;
  readonly clock: ServerClock;
  readonly streamIdleTimeoutMs: number;
  readonly limiter: RequestLimiter;
  readonly streams: SocketStreams;
  readonly cache: PullCache;
  /** What failed as the client is told of it. */
  readonly refuse: (error: unknown) => LiveRefusal;
  /** Called when the database is deleted: it is to be closed then. */
  readonly onRemoved: (refusal: LiveRefusal) => void;
  /** Called once, when it is closed. */
  readonly onClose: () => void;
}

/** A database as one subscription sees it. */
export class LiveReplica implements ReplicaEndpoint {
  readonly #options: LiveReplicaOptions;
  readonly #pushes: LivePushes;
  #access: AccessGrant["access"];
  #isClosed = false;

  constructor(options: LiveReplicaOptions) {
    const { lease, clock, streamIdleTimeoutMs, streams, client, onRemoved } = options;
    this.#options = options;
    this.#access = options.access;
    this.#pushes = new LivePushes({
      clock,
      idleTimeoutMs: streamIdleTimeoutMs,
      open: (onClosed) => streams.open(lease.name, this.#access, client, onClosed),
    });
    lease.onRemoved = () => onRemoved(new LiveRefusal(404, "no-such-database", "the database was deleted"));
  }

  /** What a fresh token allows: what was opened with more is ended. */
  restrict(access: AccessGrant["access"]): void {
    if (access === "read" && this.#access !== "read") this.#pushes.end();
    this.#access = access;
  }

  async pull(request: LivePullRequest): Promise<LivePull> {
    const { lease, limiter, client, cache, refuse } = this.#options;
    const { database } = lease;
    try {
      const slot = limiter.enter({ database: lease.name, client });
      try {
        const { clientRevision = "", serverRevision = "", waitMs } = request;
        const target = {
          clientRevision,
          serverRevision,
          longPollTimeoutMs: waitMs,
          isPartial: request.pages !== undefined,
        };
        // Where the token expires the channel is closed: a fresh one may come before.
        const caller = { request, slot, expiresAt: Number.POSITIVE_INFINITY };
        const pull = await openPull(database, target, caller);
        return createLiveAnswer({ database, request, pull, cache, onEnd: () => slot.leave() });
      } catch (error) {
        slot.leave();
        throw error;
      }
    } catch (error) {
      throw refuse(error);
    }
  }

  async push(body: Uint8Array, isContinued: boolean): Promise<Uint8Array> {
    try {
      return await this.#pushes.push(body, isContinued);
    } catch (error) {
      throw this.#options.refuse(error);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pushes.close();
    this.#options.lease.release();
    this.#options.onClose();
  }
}
