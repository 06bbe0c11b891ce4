import type { ServerDatabase } from "../database/server-database.js";
import type { ServerClock, ServerTimer } from "../server-clock.js";
import { ServerError } from "../server-error.js";
import type { DatabaseLease } from "./database-lease.js";

/** Options of {@link OpenDatabases}. */
export interface OpenDatabasesOptions {
  /** Opens one. May throw. */
  readonly open: (name: string) => ServerDatabase;
  /** Called before one is closed, for whoever keeps something for it without a lease. Must not fail. */
  readonly beforeClose: (database: ServerDatabase) => void | Promise<void>;
  readonly clock: ServerClock;
  readonly maxOpenDatabases: number;
  readonly databaseIdleTimeoutMs: number;
}

interface Entry {
  readonly name: string;
  readonly database: ServerDatabase;
  readonly leases: Set<DatabaseLease>;
  /** When its last lease was released, ms. */
  idleSince: number;
  timer: ServerTimer | undefined;
  /** Set while it is made ready to be closed; another one, or none, tells that somebody came meanwhile. */
  retirement: object | undefined;
}

/** One place in that many is kept free, so that the next database need not wait for another to be closed. */
const PLACES_PER_SPARE = 16;

/**
 * The databases that are open. They are opened by their first use and stay open while there is a lease of them; those without
 * are closed after a while, or earlier to make room. Closing costs a checkpoint, which is done beforehand and elsewhere.
 */
export class OpenDatabases {
  readonly #options: OpenDatabasesOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #comfortable: number;

  constructor(options: OpenDatabasesOptions) {
    this.#options = options;
    const { maxOpenDatabases } = options;
    this.#comfortable = maxOpenDatabases - Math.floor(maxOpenDatabases / PLACES_PER_SPARE);
  }

  /** Those that are open. */
  get all(): readonly { readonly name: string; readonly database: ServerDatabase }[] {
    return [...this.#entries.values()].map(({ name, database }) => ({ name, database }));
  }

  /** One, if it is open. */
  find(name: string): ServerDatabase | undefined {
    return this.#entries.get(name)?.database;
  }

  /** Opens a database if it is not open yet. Throws `ServerError` "too-many-databases", or what opening it throws. */
  acquire(name: string): DatabaseLease {
    const entry = this.#entries.get(name) ?? this.#open(name);
    entry.timer?.cancel();
    entry.timer = undefined;
    entry.retirement = undefined;
    const lease: DatabaseLease = {
      name,
      database: entry.database,
      onRemoved: undefined,
      release: () => {
        if (entry.leases.delete(lease) && entry.leases.size === 0) this.#startIdling(entry);
      },
    };
    entry.leases.add(lease);
    return lease;
  }

  /** Closes one under its users. Does nothing if it is not open. Nobody may acquire it meanwhile. */
  async end(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    entry.timer?.cancel();
    entry.retirement = undefined;
    await Promise.all([...entry.leases].map(({ onRemoved }) => onRemoved?.()));
    await this.#options.beforeClose(entry.database);
    // Else closing would do it at once, whatever it costs: SQLite does when the last connection is closed.
    await entry.database.checkpoint();
    this.#close(entry, false);
  }

  /** Closes all of them under their users: at once, if the checkpoints can be made at once. */
  close(): void | Promise<void> {
    const entries = [...this.#entries.values()];
    for (const entry of entries) entry.timer?.cancel();
    // Not the whole preparation: closing the first one waits for the tick of the file system's clock for all of them.
    const checkpoints = entries.map(({ database }) => database.checkpoint());
    const closeAll = (): void => {
      for (const entry of entries) this.#close(entry);
    };
    if (checkpoints.every((checkpoint) => checkpoint === undefined)) return closeAll();
    return Promise.all(checkpoints).then(closeAll);
  }

  #open(name: string): Entry {
    while (this.#entries.size >= this.#options.maxOpenDatabases) this.#makeRoom();
    const database = this.#options.open(name);
    const entry: Entry = {
      name,
      database,
      leases: new Set(),
      idleSince: 0,
      timer: undefined,
      retirement: undefined,
    };
    this.#entries.set(name, entry);
    if (this.#entries.size > this.#comfortable) {
      const idle = this.#longestIdle(
        ({ leases, retirement }) => leases.size === 0 && retirement === undefined,
        entry,
      );
      if (idle !== undefined) void this.#retire(idle);
    }
    return entry;
  }

  #makeRoom(): void {
    const idle = this.#longestIdle(({ leases }) => leases.size === 0);
    if (idle === undefined) {
      throw new ServerError(
        "too-many-databases",
        `all of ${this.#options.maxOpenDatabases} databases that may be open are in use: try again later`,
      );
    }
    void this.#options.beforeClose(idle.database);
    this.#close(idle);
  }

  #longestIdle(isIdle: (entry: Entry) => boolean, except?: Entry): Entry | undefined {
    let longest: Entry | undefined;
    for (const entry of this.#entries.values()) {
      if (entry === except || !isIdle(entry)) continue;
      if (longest === undefined || entry.idleSince < longest.idleSince) longest = entry;
    }
    return longest;
  }

  #startIdling(entry: Entry): void {
    if (this.#entries.get(entry.name) !== entry) return;
    const { clock, databaseIdleTimeoutMs } = this.#options;
    entry.idleSince = clock.now();
    entry.timer = clock.startTimer(databaseIdleTimeoutMs, () => void this.#retire(entry));
  }

  /** Closes one that nobody uses, unless somebody comes while that is prepared. */
  async #retire(entry: Entry): Promise<void> {
    const retirement = {};
    entry.retirement = retirement;
    await this.#options.beforeClose(entry.database);
    await entry.database.prepareClose();
    if (entry.retirement === retirement) this.#close(entry);
  }

  #close(entry: Entry, comesBack = true): void {
    // It may have been closed to make room, and opened anew, while another closing of it was prepared.
    if (this.#entries.get(entry.name) === entry) this.#entries.delete(entry.name);
    entry.timer?.cancel();
    entry.retirement = undefined;
    entry.database.close(comesBack);
  }
}
