import { SyncError } from "@tributary/core";
import type { LiveClock } from "../live-clock.js";

/** Options of {@link Backoff}. */
export interface BackoffOptions {
  /** Only its randomness is used. */
  readonly clock: Pick<LiveClock, "random">;
  /** The first wait, ms, before part of it is taken off at random. Default 200. */
  readonly minMs?: number;
  /** No wait is longer, ms. Default 30 000. */
  readonly maxMs?: number;
}

/**
 * How long to wait before trying again: twice as long after each failure, up to a bound, and half of it random, so that
 * those whom one failure has hit do not all come back at the same moment.
 */
export class Backoff {
  readonly #clock: Pick<LiveClock, "random">;
  readonly #minMs: number;
  readonly #maxMs: number;
  #longestMs: number;

  /** Throws `SyncError` `invalid-option`. */
  constructor({ clock, minMs = 200, maxMs = 30_000 }: BackoffOptions) {
    if (!(minMs > 0 && maxMs >= minMs && Number.isFinite(maxMs))) {
      throw new SyncError("invalid-option", `a backoff from ${minMs} to ${maxMs} ms makes no sense`);
    }
    this.#clock = clock;
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#longestMs = minMs;
  }

  /** The next wait, ms: at least half of `minMs`, never more than `maxMs`. */
  next(): number {
    const longest = this.#longestMs;
    this.#longestMs = Math.min(longest * 2, this.#maxMs);
    return longest * (0.5 + this.#clock.random() / 2);
  }

  /** It has worked: the next failure is the first one. */
  reset(): void {
    this.#longestMs = this.#minMs;
  }
}
