import type { ServerClock, ServerTimer } from "../server-clock.js";
import { ServerError } from "../server-error.js";
import { isLockWait } from "./sql-error.js";

interface Waiter {
  /** Tries once more. True when it is done, well or badly; false while the lock is still held. */
  readonly attempt: () => boolean;
  readonly giveUp: () => void;
  readonly reject: (reason: unknown) => void;
  readonly deadline: number;
}

/** How often the first in line tries again, for locks that other programs hold, ms. */
const RETRY_MS = 20;

/**
 * The line of those who want to write to one database. SQLite's own waiting would stop the one thread that could let
 * the lock go, so whoever finds it taken waits here, first come, first served.
 */
export class WriterQueue {
  readonly #clock: ServerClock;
  readonly #timeoutMs: number;
  readonly #line: Waiter[] = [];
  #timer: ServerTimer | undefined;
  #closed = false;

  constructor(clock: ServerClock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Whether a new writer has to line up. */
  get isEmpty(): boolean {
    return this.#line.length === 0;
  }

  /**
   * Runs `write` as soon as the lock can be had. Where it still fails for the lock after the timeout, rejects with that
   * failure; any other failure ends the wait at once. `ServerError` "closed" once the queue is closed.
   */
  run<T>(write: () => T): Promise<T> {
    if (this.#closed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      let failure: unknown;
      const attempt = (): boolean => {
        try {
          resolve(write());
        } catch (error) {
          if (isLockWait(error)) {
            failure = error;
            return false;
          }
          reject(error);
        }
        return true;
      };
      const giveUp = (): void => {
        // Those behind the first in line may not have tried yet: once is owed to everybody.
        if (failure !== undefined || !attempt()) reject(failure);
      };
      this.#line.push({ attempt, giveUp, reject, deadline: this.#clock.now() + this.#timeoutMs });
      this.advance();
    });
  }

  /** To be called when a lock may have been let go. Serves as many as can be served. */
  advance(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (let first = this.#line[0]; first !== undefined; first = this.#line[0]) {
      if (this.#clock.now() >= first.deadline) {
        this.#line.shift();
        first.giveUp();
      } else if (first.attempt()) {
        this.#line.shift();
      } else {
        this.#timer = this.#clock.startTimer(RETRY_MS, () => this.advance());
        return;
      }
    }
  }

  /** Turns everybody away, without another try: what is committed now would be answered as if it were not. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    for (const waiter of this.#line.splice(0)) waiter.reject(closedError());
  }
}

function closedError(): ServerError {
  return new ServerError("closed", "the database is closed");
}
