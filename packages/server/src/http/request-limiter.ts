import { RequestError } from "./request-error.js";

/** How many requests may be served at once; 0: no limit. */
export interface RequestLimits {
  readonly maxRequestsPerDatabase: number;
  readonly maxRequestsPerClient: number;
  /** How many requests to one database may be parked. */
  readonly maxWaiters: number;
}

/** What a request counts for. */
export interface RequestKey {
  /** Undefined for the server as a whole, which counts like one more database. */
  readonly database: string | undefined;
  /** Undefined where nobody knows who it is: then there is no limit per client. */
  readonly client: string | undefined;
}

/** A request that is being served. */
export interface RequestSlot {
  /**
   * The request merely waits from now on: it counts as a waiter of its database, and no more as a request of it or of its
   * client. Throws `RequestError` 429 if there are too many waiters; it then counts as before.
   */
  park(): void;
  /**
   * It waits no more. Never refused, though it may take the counts above their limits: a commit wakes all its waiters at
   * once, and each of them has been let in before.
   */
  unpark(): void;
  /** The request has its answer. What comes after does nothing. */
  leave(): void;
}

/** Counts the requests that are being served, and turns away those that are too many. */
export class RequestLimiter {
  readonly #limits: RequestLimits;
  readonly #onEmpty: (() => void)[] = [];
  readonly #databases = new Tally<string | undefined>();
  readonly #clients = new Tally<string>();
  readonly #waiters = new Tally<string | undefined>();

  constructor(limits: RequestLimits) {
    this.#limits = limits;
  }

  /** Requests that are being served, the parked ones included. */
  get size(): number {
    return this.#databases.total + this.#waiters.total;
  }

  /** Those of them that are parked. */
  get parked(): number {
    return this.#waiters.total;
  }

  /** Resolves when no request is being served. */
  whenEmpty(): Promise<void> {
    return this.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  /** How many databases and clients it keeps counts of: none that has no request. */
  get keys(): number {
    return this.#databases.keys + this.#clients.keys + this.#waiters.keys;
  }

  /** Counts a request until it leaves. Throws `RequestError` 429 if its database or its client has too many already. */
  enter(key: RequestKey): RequestSlot {
    const { maxRequestsPerDatabase, maxRequestsPerClient } = this.#limits;
    if (isFull(this.#databases.of(key.database), maxRequestsPerDatabase)) {
      throw tooMany("too many requests to this database are being served");
    }
    if (key.client !== undefined && isFull(this.#clients.of(key.client), maxRequestsPerClient)) {
      throw tooMany("too many requests of this client are being served");
    }
    this.#count(key, 1);
    let state: "serving" | "parked" | "left" = "serving";
    return {
      park: () => {
        if (state !== "serving") return;
        if (isFull(this.#waiters.of(key.database), this.#limits.maxWaiters)) {
          throw tooMany("too many requests wait for a commit of this database");
        }
        state = "parked";
        this.#count(key, -1);
        this.#waiters.add(key.database, 1);
      },
      unpark: () => {
        if (state !== "parked") return;
        state = "serving";
        this.#waiters.add(key.database, -1);
        this.#count(key, 1);
      },
      leave: () => {
        if (state === "serving") this.#count(key, -1);
        else if (state === "parked") this.#waiters.add(key.database, -1);
        state = "left";
        if (this.size === 0) for (const tell of this.#onEmpty.splice(0)) tell();
      },
    };
  }

  #count({ database, client }: RequestKey, by: 1 | -1): void {
    this.#databases.add(database, by);
    if (client !== undefined) this.#clients.add(client, by);
  }
}

/** Counts by key; a key whose count is 0 takes no memory. */
class Tally<Key> {
  readonly #counts = new Map<Key, number>();
  total = 0;

  get keys(): number {
    return this.#counts.size;
  }

  of(key: Key): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: Key, by: 1 | -1): void {
    const count = this.of(key) + by;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
    this.total += by;
  }
}

function isFull(count: number, limit: number): boolean {
  return limit > 0 && count >= limit;
}

function tooMany(message: string): RequestError {
  return new RequestError(429, `${message}: try again`, {
    code: "TOO_MANY_REQUESTS",
    headers: { "retry-after": "1" },
  });
}
