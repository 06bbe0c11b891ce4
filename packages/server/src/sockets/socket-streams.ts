import type { AccessGrant } from "../access/access.js";
import type { DatabaseLease } from "../databases/database-lease.js";
import type { DatabaseRegistry } from "../databases/database-registry.js";
import { RequestLimiter } from "../http/request-limiter.js";
import type { ResolvedServerOptions } from "../sync-server-options.js";
import type { PooledStream } from "../workers/pooled-stream.js";
import type { SqlWorkers } from "../workers/sql-workers.js";

const REMOVED = { message: "The database was deleted", code: "STREAM_CLOSED" };

/** Opens the streams of sockets and channels, no more than are allowed at once. */
export class SocketStreams {
  readonly #registry: DatabaseRegistry;
  readonly #workers: SqlWorkers;
  /**
   * Each stream does one thing at a time, so streams are counted, apart from requests over HTTP: those that lie idle
   * take nobody's place there.
   */
  readonly #limiter: RequestLimiter;

  constructor(options: ResolvedServerOptions, registry: DatabaseRegistry, workers: SqlWorkers) {
    this.#registry = registry;
    this.#workers = workers;
    this.#limiter = new RequestLimiter({ ...options, maxWaiters: 0 });
  }

  /** `onClosed` is called once it is closed by whomever. Rejects with `RequestError` and `ServerError`. */
  async open(
    database: string,
    access: AccessGrant["access"],
    client: string | undefined,
    onClosed: () => void = () => {},
  ): Promise<PooledStream> {
    const slot = this.#limiter.enter({ database, client });
    let lease: DatabaseLease;
    try {
      lease = this.#registry.acquire(database, false);
    } catch (error) {
      slot.leave();
      throw error;
    }
    const letGo = (): void => {
      slot.leave();
      lease.release();
    };
    try {
      const stream = await this.#workers.open(lease.database, access === "read", () => {
        letGo();
        onClosed();
      });
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
