import type { ServerClock, ServerTimer } from "../server-clock.js";

/** How long one may wait, and how long one may keep others waiting. As in `SyncServerOptions`. */
export interface WriteLockLimits {
  readonly lockTimeoutMs: number;
  readonly transactionTimeoutMs: number;
  readonly maxTransactionMs: number;
}

/** Somebody who wants to write, or does. */
export interface Writer {
  /** It is its turn. */
  grant(): void;
  /** It waited for too long, or the database is closed. */
  refuse(): void;
  /** Whether no request of it is running, while it holds the lock. */
  readonly isIdle: boolean;
  /** Its transaction is to be rolled back: others go on at once. */
  takeTransaction(): void;
}

interface Waiter {
  readonly writer: Writer;
  readonly timer: ServerTimer;
}

/**
 * The line of those who want to write to one database: first come, first served. A transaction that has been open for too
 * long is taken from its owner as soon as somebody waits; a request that works on it has more time than one that is awaited.
 */
export class WriteLock {
  readonly #clock: ServerClock;
  readonly #limits: WriteLockLimits;
  readonly #line: Waiter[] = [];
  #holder: { readonly writer: Writer; readonly since: number } | undefined;
  #theft: ServerTimer | undefined;
  #isClosed = false;

  constructor(clock: ServerClock, limits: WriteLockLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Whether it is this one's turn. */
  isHeldBy(writer: Writer): boolean {
    return this.#holder?.writer === writer;
  }

  /** How many are waiting. */
  get waiting(): number {
    return this.#line.length;
  }

  /** `grant` or `refuse` is called, at once or later. */
  acquire(writer: Writer): void {
    if (this.#isClosed) {
      writer.refuse();
      return;
    }
    if (this.#holder === undefined) {
      this.#hand(writer);
      return;
    }
    const timer = this.#clock.startTimer(this.#limits.lockTimeoutMs, () => {
      this.#line.splice(
        this.#line.findIndex((waiter) => waiter.writer === writer),
        1,
      );
      writer.refuse();
    });
    this.#line.push({ writer, timer });
    this.#considerTheft();
  }

  /** Takes the lock if nobody has it, without a call of `grant`. Gives whether it did. */
  tryAcquire(writer: Writer): boolean {
    if (this.#isClosed || this.#holder !== undefined) return false;
    this.#holder = { writer, since: this.#clock.now() };
    return true;
  }

  /** Gives the lock back, or leaves the line. Does nothing for others. */
  release(writer: Writer): void {
    if (this.#holder?.writer === writer) {
      this.#holder = undefined;
      this.#theft?.cancel();
      this.#theft = undefined;
      this.#serveNext();
      return;
    }
    const index = this.#line.findIndex((waiter) => waiter.writer === writer);
    if (index >= 0) this.#line.splice(index, 1)[0]?.timer.cancel();
  }

  /** To be called when a request of the holder has ended. */
  noteIdle(writer: Writer): void {
    if (this.#holder?.writer === writer) this.#considerTheft();
  }

  /** Turns everybody away, now and later. */
  close(): void {
    this.#isClosed = true;
    this.#theft?.cancel();
    this.#holder = undefined;
    for (const { writer, timer } of this.#line.splice(0)) {
      timer.cancel();
      writer.refuse();
    }
  }

  #serveNext(): void {
    const next = this.#line.shift();
    if (next === undefined) return;
    next.timer.cancel();
    this.#hand(next.writer);
  }

  #hand(writer: Writer): void {
    this.#holder = { writer, since: this.#clock.now() };
    writer.grant();
    this.#considerTheft();
  }

  #considerTheft(): void {
    this.#theft?.cancel();
    this.#theft = undefined;
    const holder = this.#holder;
    if (holder === undefined || this.#line.length === 0) return;
    const { transactionTimeoutMs, maxTransactionMs } = this.#limits;
    // A request that runs may be about to commit. `noteIdle` comes when it has ended.
    const isRunning = !holder.writer.isIdle;
    if (isRunning && maxTransactionMs === 0) return;
    const left = holder.since + (isRunning ? maxTransactionMs : transactionTimeoutMs) - this.#clock.now();
    if (left > 0) {
      this.#theft = this.#clock.startTimer(left, () => this.#considerTheft());
      return;
    }
    holder.writer.takeTransaction();
    this.release(holder.writer);
  }
}
