import type { LiveClock, LiveTimer } from "../live-clock.js";

/** Timers of JavaScript that are set for longer fire at once, ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Calls back when a token has expired, however far away that is. */
export class LiveExpiry {
  readonly #clock: LiveClock;
  readonly #onExpiry: () => void;
  #timer: LiveTimer | undefined;

  constructor(clock: LiveClock, onExpiry: () => void) {
    this.#clock = clock;
    this.#onExpiry = onExpiry;
  }

  /**
   * Sets it for a moment in ms since 1970; undefined: never. What it was set for before does not count. Gives how long that
   * is, in whole ms.
   */
  set(expiresAt: number | undefined): number | undefined {
    this.cancel();
    if (expiresAt === undefined || expiresAt === Number.POSITIVE_INFINITY) return undefined;
    const left = Math.max(0, Math.floor(expiresAt - Date.now()));
    // The clock of timers does not jump when the time of day is set.
    this.#wait(this.#clock.now() + left);
    return left;
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
