import type { EndSignal } from "@tributary/live";
import type { ServerClock } from "../server-clock.js";

/** So many go on at once, and the next ones when these have done what they can: they are answered one after the other. */
const WOKEN_AT_ONCE = 32;

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
  wait(milliseconds: number, signal: EndSignal): Promise<void> {
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

  /** Wakes all who wait at this moment; where they are many, the last of them a little later. */
  wakeAll(): void {
    this.#wake([...this.#wakers], 0);
  }

  #wake(wakers: readonly (() => void)[], from: number): void {
    const to = from + WOKEN_AT_ONCE;
    for (const wake of wakers.slice(from, to)) wake();
    // A tick comes when no microtask is left; one that is set in a tick would come before those of the woken ones.
    if (to < wakers.length) process.nextTick(queueMicrotask, () => this.#wake(wakers, to));
  }
}
