import { HranaRequestError } from "../hrana/hrana-request-error.js";
import type { StreamEntry, StreamRegistry } from "../hrana/stream-registry.js";
import { TurnsByKey } from "../offline/turns-by-key.js";
import type { RouteContext } from "../routes/route-context.js";
import { whenAbandoned } from "../routes/when-abandoned.js";
import type { ProxyWork } from "../sql-host/run-proxy-work.js";

/** What is kept of a client between two of its requests. */
interface Kept {
  /** Of its stream; null: that is closed. */
  readonly baton: string | null;
  /** Whether the client believes that it is in a transaction. */
  readonly isInTransaction: boolean;
}

/** What is needed of a request. */
type ProxyContext = Pick<RouteContext, "request" | "options" | "access" | "device" | "databases" | "lease">;

/** How many clients are remembered; each is some hundred bytes. */
const MAX_KEPT = 10_000;

/**
 * The connections that embedded replicas have by what they call themselves, a random number. They are Hrana streams, with
 * the limits of those: one that is left idle is rolled back and closed. A client whose transaction is gone with its stream
 * does not know it, and would commit what follows statement by statement: it is told, until it rolls back.
 */
export class ProxyConnections {
  readonly #streams: StreamRegistry;
  readonly #turns = new TurnsByKey<string>();
  readonly #maxKept: number;
  /** Those used last at the end. */
  readonly #kept = new Map<string, Kept>();

  constructor(streams: StreamRegistry, maxKept: number = MAX_KEPT) {
    this.#streams = streams;
    this.#maxKept = maxKept;
  }

  /** Gives the answer, but for the newest frame. One after the other for each client. Rejects as `SqlStream.run` does. */
  run(
    context: ProxyContext,
    client: string,
    work: Omit<ProxyWork, "hasLostTransaction">,
  ): Promise<Uint8Array> {
    const key = keyOf(context, client);
    return this.#turns.run(key, () => this.#run(key, context, work));
  }

  /** Rolls back what the client has left open, and closes its stream. */
  disconnect(context: ProxyContext, client: string): Promise<void> {
    const key = keyOf(context, client);
    return this.#turns.run(key, () => {
      const entry = this.#resume(this.#take(key), context);
      if (entry !== undefined) this.#streams.close(entry);
    });
  }

  async #run(
    key: string,
    context: ProxyContext,
    work: Omit<ProxyWork, "hasLostTransaction">,
  ): Promise<Uint8Array> {
    const streams = this.#streams;
    const kept = this.#take(key);
    const wasInTransaction = kept?.isInTransaction === true;
    const resumed = this.#resume(kept, context);
    const hasLostTransaction = wasInTransaction && resumed === undefined;
    // Whatever fails ends the stream, and with it the transaction, of which the client has not been told.
    if (wasInTransaction) this.#keep(key, { baton: null, isInTransaction: true });
    const { databases, lease, access } = context;
    const entry = resumed ?? (await streams.open(databases.acquire(lease.name, false), access === "read"));
    const hasGone = whenAbandoned(context, () => streams.close(entry));
    try {
      const answer = await entry.stream.runProxy({ ...work, hasLostTransaction });
      const isInTransaction = !entry.stream.isAutocommit;
      const isOver = hasGone();
      const baton = isOver ? null : streams.suspend(entry);
      if (isOver) streams.close(entry);
      this.#take(key);
      if (baton !== null || isInTransaction) this.#keep(key, { baton, isInTransaction });
      return answer;
    } catch (error) {
      hasGone();
      streams.close(entry);
      throw error;
    }
  }

  /** The stream of a client; undefined where there is none any more. */
  #resume(kept: Kept | undefined, { lease, access }: ProxyContext): StreamEntry | undefined {
    if (kept === undefined || kept.baton === null) return undefined;
    try {
      return this.#streams.resume(kept.baton, lease.name, access === "read");
    } catch (error) {
      if (error instanceof HranaRequestError) return undefined;
      throw error;
    }
  }

  #take(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    return kept;
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.set(key, kept);
    if (this.#kept.size <= this.#maxKept) return;
    let oldest: string | undefined;
    for (const [candidate, { isInTransaction }] of this.#kept) {
      oldest ??= candidate;
      if (isInTransaction) continue;
      oldest = candidate;
      break;
    }
    this.#kept.delete(oldest as string);
  }
}

/** A client of one token cannot meddle with the transaction of another one's. */
function keyOf({ lease, device, access }: ProxyContext, client: string): string {
  return JSON.stringify([lease.name, client, device ?? null, access === "read"]);
}
