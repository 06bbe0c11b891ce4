import type { ServerClock } from "../server-clock.js";

/** Those who wait for the next commit: long-polls. One timer each, and nothing that runs while nothing happens. */
export class CommitWaiters {
  readonly #clock: ServerClock;
  readonly #wakers = new Set<() => void>();

  constructor(clock: ServerClock) {
    this.#clock = clock;
  }

  /** How many are waiting. */
  get size(): number {
    return this.#wakers.size;
  }

  /** Resolves at the next `wakeAll`, after that many milliseconds, or when the signal fires, whichever is first. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        timer.cancel();
        signal.removeEventListener("abort", finish);
        this.#wakers.delete(finish);
        resolve();
      };
      const timer = this.#clock.startTimer(milliseconds, finish);
      signal.addEventListener("abort", finish);
      this.#wakers.add(finish);
    });
  }

  wakeAll(): void {
    for (const wake of [...this.#wakers]) wake();
  }
}
