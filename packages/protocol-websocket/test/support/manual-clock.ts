import type { LiveClock } from "@tributary/live";

/** A clock that stands still until it is told to go on. */
export class ManualClock implements LiveClock {
  #now = 0;
  readonly #timers = new Set<{ readonly dueAt: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  random(): number {
    return 0.5;
  }

  startTimer(milliseconds: number, callback: () => void): { cancel(): void } {
    const timer = { dueAt: this.#now + milliseconds, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  /** Moves time on and fires what comes due, in order. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const next = [...this.#timers].filter(({ dueAt }) => dueAt <= end).sort((a, b) => a.dueAt - b.dueAt)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = next.dueAt;
      next.callback();
    }
    this.#now = end;
  }
}
