import type { ServerClock, ServerTimer } from "../server-clock.js";

/** Timers of JavaScript that are set for longer fire at once, ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Calls back when a moment has come, however far away it is. */
export class ExpiryTimer {
  readonly #clock: ServerClock;
  readonly #onExpiry: () => void;
  #timer: ServerTimer | undefined;

  constructor(clock: ServerClock, onExpiry: () => void) {
    this.#clock = clock;
    this.#onExpiry = onExpiry;
  }

  /** Sets it for a moment in ms since 1970; undefined: never. What it was set for before does not count. */
  set(expiresAt: number | undefined): void {
    this.cancel();
    if (expiresAt === undefined || expiresAt === Number.POSITIVE_INFINITY) return;
    // The clock of timers does not jump when the time of day is set.
    this.#wait(this.#clock.now() + expiresAt - Date.now());
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #wait(dueAt: number): void {
    const rest = Math.max(0, dueAt - this.#clock.now());
    this.#timer = this.#clock.startTimer(Math.min(rest, LONGEST_TIMER_MS), () => {
      if (rest > LONGEST_TIMER_MS) this.#wait(dueAt);
      else this.#onExpiry();
    });
  }
}
