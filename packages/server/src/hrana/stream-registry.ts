import { randomBytes } from "node:crypto";
import type { DatabaseLease } from "../databases/database-lease.js";
import type { ServerTimer } from "../server-clock.js";
import { ServerError } from "../server-error.js";
import type { ResolvedServerOptions } from "../sync-server-options.js";
import type { PooledStream } from "../workers/pooled-stream.js";
import type { SqlWorkers } from "../workers/sql-workers.js";
import { BatonCodec } from "./baton.js";
import { HranaRequestError } from "./hrana-request-error.js";
import type { StreamEnd } from "./sql-stream.js";

/** A stream, and where it stands between two requests. */
export interface StreamEntry {
  readonly id: string;
  readonly stream: PooledStream;
  readonly lease: DatabaseLease;
  readonly readonly: boolean;
  /** Counts its answers: only the baton of the last one goes on. */
  turn: number;
  /** Runs while it is idle: the client may go on with it. */
  idleTimer: ServerTimer | undefined;
  /** Its client waits for the next entries of a cursor: that may take long, and is not idle. */
  isRead: boolean;
}

/** How many streams that the server closed are remembered, to say why to whoever comes back. */
const REMEMBERED_ENDS = 1_000;

const EXPIRED = { message: "The stream has expired due to inactivity", code: "STREAM_EXPIRED" };
const EVICTED = { message: "The stream was closed to make room for others", code: "STREAM_CLOSED" };
const REMOVED = { message: "The database was deleted", code: "STREAM_CLOSED" };
const CLOSED = { message: "The stream is closed", code: "STREAM_CLOSED" };

/** The streams that HTTP clients keep from one request to the next, by baton. Those left idle are rolled back and closed. */
export class StreamRegistry {
  readonly #options: ResolvedServerOptions;
  readonly #workers: SqlWorkers;
  readonly #batons = new BatonCodec();
  /** In the order in which they were last used. */
  readonly #entries = new Map<string, StreamEntry>();
  /** Why the server closed streams, the oldest first. */
  readonly #ends = new Map<string, StreamEnd>();
  #isClosed = false;

  constructor(options: ResolvedServerOptions, workers: SqlWorkers) {
    this.#options = options;
    this.#workers = workers;
  }

  /** How many streams of a database are open. */
  count(database: string): number {
    let count = 0;
    for (const { lease } of this.#entries.values()) if (lease.name === database) count += 1;
    return count;
  }

  /** Opens a stream, to be used by one request at once. Takes the lease over. Rejects with `ServerError`. */
  async open(lease: DatabaseLease, readonly: boolean): Promise<StreamEntry> {
    const id = randomBytes(8).toString("hex");
    let stream: PooledStream;
    try {
      stream = await this.#workers.open(lease.database, readonly, () => lease.release());
    } catch (error) {
      lease.release();
      throw error;
    }
    const entry: StreamEntry = { id, stream, lease, readonly, turn: 0, idleTimer: undefined, isRead: false };
    this.#entries.set(id, entry);
    stream.onEnd = (reason) => this.#end(entry, reason);
    lease.onRemoved = () => this.#end(entry, REMOVED);
    if (this.#isClosed) {
      this.close(entry);
      throw new ServerError("closed", "the server is closed");
    }
    return entry;
  }

  /**
   * The stream of a baton, which is used up by this. The baton is one of this database, and whoever brings it may do no less
   * than whoever got it: else it is as good as none. Throws `HranaRequestError`.
   */
  resume(baton: string, database: string, readonly: boolean): StreamEntry {
    const content = this.#batons.decode(baton);
    if (content === undefined) throw new HranaRequestError("Received an invalid baton");
    const entry = this.#entries.get(content.streamId);
    // The signature is ours, so the stream did exist.
    if (entry === undefined) {
      const { message, code } = this.#ends.get(content.streamId) ?? CLOSED;
      throw new HranaRequestError(message, { code });
    }
    if (entry.lease.name !== database || (readonly && !entry.readonly)) {
      throw new HranaRequestError("Received an invalid baton");
    }
    if (entry.idleTimer === undefined || entry.turn !== content.turn) {
      throw new HranaRequestError("Received a baton that has already been used");
    }
    entry.idleTimer.cancel();
    entry.idleTimer = undefined;
    entry.isRead = false;
    return entry;
  }

  /**
   * Ends a request: gives the baton for the next one, or null if the stream is closed, which one outside a transaction is
   * where there is no room for it. Throws `HranaRequestError` where there is no room for it and its transaction, and
   * `ServerError` "closed".
   */
  suspend(entry: StreamEntry): string | null {
    // Closed while the request was under way.
    if (!this.#entries.has(entry.id)) throw new ServerError("closed", "the stream is closed");
    if (!this.#makeRoom(entry)) {
      this.close(entry);
      if (entry.stream.isAutocommit) return null;
      throw new HranaRequestError("too many open streams: close some, or try again later", {
        code: "STREAMS_EXHAUSTED",
        status: 503,
      });
    }
    entry.turn += 1;
    this.touch(entry);
    this.#entries.delete(entry.id);
    this.#entries.set(entry.id, entry);
    return this.#batons.encode({ streamId: entry.id, turn: entry.turn });
  }

  /** Lets the time of an idle stream begin anew. */
  touch(entry: StreamEntry): void {
    if (!this.#entries.has(entry.id)) return;
    entry.idleTimer?.cancel();
    const { clock, streamIdleTimeoutMs } = this.#options;
    entry.idleTimer = clock.startTimer(streamIdleTimeoutMs, () => {
      if (entry.isRead) this.touch(entry);
      else this.#end(entry, EXPIRED);
    });
  }

  /** Rolls a stream back and forgets it. */
  close(entry: StreamEntry): void {
    entry.idleTimer?.cancel();
    this.#entries.delete(entry.id);
    entry.stream.close();
  }

  /** Closes all of them, for good. */
  closeAll(): void {
    this.#isClosed = true;
    for (const entry of [...this.#entries.values()]) this.close(entry);
  }

  /** Whether one more may be kept, for which another may have to go. */
  #makeRoom(newcomer: StreamEntry): boolean {
    let kept = 0;
    let idlest: StreamEntry | undefined;
    for (const entry of this.#entries.values()) {
      if (entry === newcomer || entry.lease.name !== newcomer.lease.name || entry.idleTimer === undefined)
        continue;
      kept += 1;
      if (entry.stream.isAutocommit) idlest ??= entry;
    }
    if (kept < this.#options.maxStreams) return true;
    if (idlest === undefined) return false;
    this.#end(idlest, EVICTED);
    return true;
  }

  #end(entry: StreamEntry, reason: StreamEnd): void {
    if (!this.#entries.has(entry.id)) return;
    this.#ends.set(entry.id, reason);
    if (this.#ends.size > REMEMBERED_ENDS) {
      for (const oldest of this.#ends.keys()) {
        this.#ends.delete(oldest);
        break;
      }
    }
    this.close(entry);
  }
}
