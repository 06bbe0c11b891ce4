import { openConnection } from "../database/open-connection.js";
import type { ServerClock, ServerTimer } from "../server-clock.js";
import { SqlConnection } from "../sql/sql-connection.js";

/** What tells connections apart. */
export interface ConnectionOptions {
  readonly path: string;
  readonly readonly: boolean;
  readonly walLimitBytes: number;
}

interface Kept {
  readonly options: ConnectionOptions;
  readonly connection: SqlConnection;
  readonly timer: ServerTimer;
}

/** How many are kept. A process works for one database at a time, and mostly for one of its streams. */
const MAX_KEPT = 4;
/** How long one is kept that nobody takes, ms. */
const IDLE_MS = 10_000;

/**
 * Connections that closed streams have left to the next ones: opening one and reading the schema takes longer than a small
 * statement. Only those on which nothing is left of what the client did; see `SqlConnection.isAsNew`.
 */
export class KeptConnections {
  readonly #clock: ServerClock;
  /** The one that was used last comes last. */
  readonly #kept: Kept[] = [];

  constructor(clock: ServerClock) {
    this.#clock = clock;
  }

  /** A connection, to be closed or given back. Throws an error of better-sqlite3. */
  take({ path, readonly, walLimitBytes }: ConnectionOptions): SqlConnection {
    const index = this.#kept.findLastIndex(
      ({ options }) =>
        options.path === path && options.readonly === readonly && options.walLimitBytes === walLimitBytes,
    );
    if (index < 0) return new SqlConnection(openConnection(path, walLimitBytes, readonly));
    const [{ connection, timer }] = this.#kept.splice(index, 1) as [Kept];
    timer.cancel();
    return connection;
  }

  /** Keeps one on which nothing is running, or closes it. */
  giveBack(options: ConnectionOptions, connection: SqlConnection): void {
    connection.rollback();
    if (!connection.isAsNew) {
      connection.close();
      return;
    }
    const timer = this.#clock.startTimer(IDLE_MS, () => this.#close(({ timer: own }) => own === timer));
    this.#kept.push({ options, connection, timer });
    const [oldest] = this.#kept;
    if (this.#kept.length > MAX_KEPT) this.#close((kept) => kept === oldest);
  }

  /** Closes those to a file. */
  forget(path: string): void {
    this.#close(({ options }) => options.path === path);
  }

  /** Closes all of them. */
  close(): void {
    this.#close(() => true);
  }

  #close(isMeant: (kept: Kept) => boolean): void {
    for (const kept of this.#kept.filter(isMeant)) {
      this.#kept.splice(this.#kept.indexOf(kept), 1);
      kept.timer.cancel();
      kept.connection.close();
    }
  }
}
