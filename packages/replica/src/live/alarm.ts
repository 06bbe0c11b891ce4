import type { LiveClock, LiveTimer } from "@tributary/live";

/** A sleep that somebody may end, or shorten. One at a time. */
export class Alarm {
  readonly #clock: LiveClock;
  #timer: LiveTimer | undefined;
  #soonest = 0;
  #rung: (() => void) | undefined;

  constructor(clock: LiveClock) {
    this.#clock = clock;
  }

  /** Resolves after that many milliseconds, or when somebody says so. */
  async sleep(waitMs: number, soonestMs: number): Promise<void> {
    this.#soonest = this.#clock.now() + soonestMs;
    await new Promise<void>((resolve) => {
      this.#rung = resolve;
      this.#set(waitMs);
    });
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#rung = undefined;
  }

  /** There is a reason to end the sleep, but not before its soonest end. */
  advance(): void {
    if (this.#rung !== undefined) this.#set(Math.max(0, this.#soonest - this.#clock.now()));
  }

  /** Ends the sleep now; does nothing when nobody sleeps. */
  ring(): void {
    this.#rung?.();
  }

  #set(milliseconds: number): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.startTimer(milliseconds, () => this.ring());
  }
}
