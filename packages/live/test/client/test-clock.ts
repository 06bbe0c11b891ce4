import { setImmediate as turn } from "node:timers/promises";
import type { LiveClock, LiveTimer } from "../../src/index.js";

interface Timer {
  readonly dueAt: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is told to go on. */
export class TestClock implements LiveClock {
  #now = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  random(): number {
    return 0;
  }

  startTimer(milliseconds: number, callback: () => void): LiveTimer {
    const timer = { dueAt: this.#now + milliseconds, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  /** Moves time on and fires what comes due, in order; what follows from each comes to its end. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await turn();
    for (;;) {
      const due = [...this.#timers].filter(({ dueAt }) => dueAt <= end);
      const [next] = due.sort((one, other) => one.dueAt - other.dueAt);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = next.dueAt;
      next.callback();
      await turn();
    }
    this.#now = end;
  }
}
