import type { ServerClock, ServerTimer } from "../server-clock.js";
import { ServerError } from "../server-error.js";
import { SqlWorker } from "./sql-worker.js";
import type { StartWorker } from "./worker-port.js";

/** Options of {@link WorkerPool}. */
export interface WorkerPoolOptions {
  readonly start: StartWorker;
  readonly clock: ServerClock;
  readonly maxWorkers: number;
  readonly workerIdleTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly isInterruptible: boolean;
}

/** How long a worker has been in use when another one is started, for the next stream, ms. */
const SPARE_AFTER_MS = 20;

/** For whom a worker works: a database. Compared only. */
type Owner = object;

interface Member {
  owner: Owner | undefined;
  /** Promised to somebody who has not used it yet. */
  reservations: number;
  idleTimer: ServerTimer | undefined;
  spareTimer: ServerTimer | undefined;
}

interface Waiter {
  readonly owner: Owner;
  readonly resolve: (worker: SqlWorker) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The workers of a server. One that has streams of a database works for that database alone, so that nobody waits for
 * somebody else's statement; only when there are as many as there may be, databases share.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #members = new Map<SqlWorker, Member>();
  readonly #line: Waiter[] = [];
  #closed = false;
  #onEmpty: () => void = () => {};

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** Those that run, those of them with something to do, and tasks that wait for one. */
  get status(): { running: number; busy: number; waiting: number } {
    let busy = 0;
    let waiting = this.#line.length;
    for (const worker of this.#members.keys()) {
      if (!worker.isIdle) busy += 1;
      waiting += worker.waiting;
    }
    return { running: this.#members.size, busy, waiting };
  }

  /**
   * A worker that can begin at once, as soon as there is one. Give `release` a call once it has been given its work. Rejects
   * with `ServerError` "closed".
   */
  async place(owner: Owner): Promise<SqlWorker> {
    if (this.#closed) throw closedError();
    const idle = this.#findIdle(owner);
    // A stream that shares a worker waits for the other's statements, and is lost when one has to be interrupted.
    if (idle !== undefined && (idle.streamCount === 0 || !this.#mayStart(owner)))
      return this.#reserve(idle, owner);
    if (this.#mayStart(owner)) {
      const isFirst = this.#countOwned(owner) === 0;
      const worker = this.#start(owner);
      // The first of a database has nobody to wait for; later ones are for whoever comes first in line.
      if (isFirst) return this.#reserve(worker, owner);
      this.#markIdle(worker);
    }
    return new Promise((resolve, reject) => this.#line.push({ owner, resolve, reject }));
  }

  /** Ends what `place` began. */
  release(worker: SqlWorker): void {
    const member = this.#members.get(worker);
    if (member === undefined) return;
    member.reservations -= 1;
    this.#considerSpare(worker, member);
    this.#onIdle(worker);
  }

  /** To be called when a worker may have no streams any more. */
  noteStreamClosed(worker: SqlWorker): void {
    this.#onIdle(worker);
  }

  /** Resolves when the streams of a database that were closed have no connection to it any more. */
  async flush(database: object): Promise<void> {
    await Promise.all([...this.#members.keys()].map((worker) => worker.whenClosed(database)));
  }

  /** Ends all of them, and resolves when they are gone. */
  close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#line.splice(0)) reject(closedError());
    if (this.#members.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
      for (const [worker, { idleTimer }] of this.#members) {
        idleTimer?.cancel();
        worker.kill("the server was closed");
      }
    });
  }

  /** One database must not take all of them. */
  get #maxOwned(): number {
    return Math.max(1, Math.ceil(this.#options.maxWorkers / 2));
  }

  #countOwned(owner: Owner): number {
    let count = 0;
    for (const member of this.#members.values()) if (member.owner === owner) count += 1;
    return count;
  }

  #mayStart(owner: Owner): boolean {
    return this.#members.size < this.#options.maxWorkers && this.#countOwned(owner) < this.#maxOwned;
  }

  /** The one with the fewest streams. */
  #findIdle(owner: Owner): SqlWorker | undefined {
    let found: SqlWorker | undefined;
    for (const [worker, member] of this.#members) {
      if (!this.#canServe(worker, member, owner)) continue;
      if (found === undefined || worker.streamCount < found.streamCount) found = worker;
    }
    return found;
  }

  #canServe(worker: SqlWorker, member: Member, owner: Owner): boolean {
    if (!this.#options.isInterruptible) return true;
    if (!worker.isIdle || member.reservations > 0) return false;
    if (member.owner === owner) return true;
    if (worker.streamCount === 0) return this.#countOwned(owner) < this.#maxOwned;
    return this.#members.size >= this.#options.maxWorkers && this.#countOwned(owner) === 0;
  }

  #reserve(worker: SqlWorker, owner: Owner): SqlWorker {
    const member = this.#members.get(worker) as Member;
    member.reservations += 1;
    member.owner = owner;
    member.idleTimer?.cancel();
    member.idleTimer = undefined;
    return worker;
  }

  #start(owner: Owner | undefined): SqlWorker {
    const { start, clock, statementTimeoutMs, isInterruptible } = this.#options;
    const worker = new SqlWorker({
      start,
      clock,
      statementTimeoutMs,
      isInterruptible,
      onIdle: (idle) => this.#onIdle(idle),
      onEnd: (ended) => this.#onEnd(ended),
    });
    this.#members.set(worker, { owner, reservations: 0, idleTimer: undefined, spareTimer: undefined });
    return worker;
  }

  #markIdle(worker: SqlWorker): void {
    queueMicrotask(() => this.#onIdle(worker));
  }

  #onIdle(worker: SqlWorker): void {
    const member = this.#members.get(worker);
    if (member === undefined || this.#closed || !worker.isIdle || member.reservations > 0) return;
    const index = this.#line.findIndex(({ owner }) => this.#canServe(worker, member, owner));
    if (index >= 0) {
      const [{ owner, resolve }] = this.#line.splice(index, 1) as [Waiter];
      resolve(this.#reserve(worker, owner));
      return;
    }
    const { clock, workerIdleTimeoutMs } = this.#options;
    member.idleTimer?.cancel();
    if (worker.streamCount > 0) return;
    member.owner = undefined;
    // The last one stays: it takes a while to start another.
    member.idleTimer = clock.startTimer(workerIdleTimeoutMs, () => {
      const living = [...this.#members.keys()].filter(({ isEnding }) => !isEnding);
      if (living.length > 1) worker.kill("it had nothing to do");
    });
  }

  /**
   * One that is in use for more than a moment, by a long request or a stream that stays, is not there for the next stream:
   * that need not wait for a process to start.
   */
  #considerSpare(worker: SqlWorker, member: Member): void {
    if (!this.#options.isInterruptible) return;
    member.spareTimer?.cancel();
    member.spareTimer = this.#options.clock.startTimer(SPARE_AFTER_MS, () => {
      if (worker.isIdle && worker.streamCount === 0) return;
      for (const [other, { reservations }] of this.#members) {
        if (other.isIdle && other.streamCount === 0 && reservations === 0) return;
      }
      if (!this.#closed && this.#members.size < this.#options.maxWorkers)
        this.#markIdle(this.#start(undefined));
    });
  }

  #onEnd(worker: SqlWorker): void {
    const member = this.#members.get(worker);
    member?.idleTimer?.cancel();
    member?.spareTimer?.cancel();
    this.#members.delete(worker);
    if (this.#closed) {
      if (this.#members.size === 0) this.#onEmpty();
      return;
    }
    // There is room for another, for the first of those who wait that may have it.
    const next = this.#line.find(({ owner }) => this.#mayStart(owner));
    if (next !== undefined) this.#markIdle(this.#start(next.owner));
  }
}

function closedError(): ServerError {
  return new ServerError("closed", "the server is closed");
}
