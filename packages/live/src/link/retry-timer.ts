import type { LiveClock, LiveTimer } from "../live-clock.js";

const FIRST_MS = 10;
const LONGEST_MS = 1000;

/** Tries something again soon, and less soon the more often it has failed in a row: twice as long each time, up to a second. */
export class RetryTimer {
  readonly #clock: LiveClock;
  readonly #again: () => void;
  #timer: LiveTimer | undefined;
  #delayMs = FIRST_MS;

  constructor(clock: LiveClock, again: () => void) {
    this.#clock = clock;
    this.#again = again;
  }

  get isRunning(): boolean {
    return this.#timer !== undefined;
  }

  /** Does nothing while it runs. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#clock.startTimer(this.#delayMs, () => {
      this.#timer = undefined;
      this.#again();
    });
    this.#delayMs = Math.min(this.#delayMs * 2, LONGEST_MS);
  }

  succeeded(): void {
    this.#delayMs = FIRST_MS;
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
