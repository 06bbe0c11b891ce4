import type { LiveClock, LiveTimer } from "../live-clock.js";

/** What {@link KeepAlive} needs. */
export interface KeepAliveOptions {
  readonly clock: LiveClock;
  /** Either end says something at least this often, ms. */
  readonly keepAliveMs: number;
  /** Asks for a sign of life. Absent: it is the other end that asks, and is answered. */
  ping?(): void;
  /** The other end has said nothing for twice that long. Called once. */
  onSilence(): void;
}

/** Looks twice in that time. */
const CHECKS_PER_INTERVAL = 2;
const CHECKS_UNTIL_DEAD = 2 * CHECKS_PER_INTERVAL;
/** Checks are made that often together, ms, or a fraction of the interval where that is short. */
const TOGETHER_MS = 1_000;
const FRACTION = 8;

/**
 * Sees to it that both ends say something, and notices that the other one is gone. One of them pings, when either has said
 * nothing, and the other one answers: were both to ping, each would have twice as much to do. It is the end that has many
 * channels, as it can look after those together that are due about the same time, and their answers come together too:
 * waking up costs several times what is then done for one channel.
 */
export class KeepAlive {
  readonly #options: KeepAliveOptions;
  #timer: LiveTimer | undefined;
  #hasSent = false;
  /**
   * Checks since something came. Not the time since: after a statement that kept this thread busy for minutes, what has
   * come meanwhile is still to be read.
   */
  #silentChecks = 0;

  constructor(options: KeepAliveOptions) {
    this.#options = options;
    this.#startTimer();
  }

  sent(): void {
    this.#hasSent = true;
  }

  received(): void {
    this.#silentChecks = 0;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #startTimer(): void {
    const { clock, keepAliveMs } = this.#options;
    const wait = keepAliveMs / CHECKS_PER_INTERVAL;
    const early = (clock.now() + wait) % Math.min(TOGETHER_MS, keepAliveMs / FRACTION);
    this.#timer = clock.startTimer(wait - early, () => this.#check());
  }

  #check(): void {
    this.#silentChecks += 1;
    if (this.#silentChecks >= CHECKS_UNTIL_DEAD) {
      this.#options.onSilence();
      return;
    }
    const isQuiet = !this.#hasSent || this.#silentChecks > 1;
    this.#hasSent = false;
    // That is something said, too.
    if (isQuiet) this.#options.ping?.();
    this.#startTimer();
  }
}
