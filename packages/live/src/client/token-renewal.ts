import type { LiveClock, LiveTimer } from "../live-clock.js";

/** What {@link TokenRenewal} needs. */
export interface TokenRenewalOptions {
  readonly clock: LiveClock;
  /** Gets a fresh token and has the server take it. */
  renew(): Promise<void>;
}

/** Share of a token's life after which a fresh one is asked for. */
const RENEW_AFTER = 0.8;
/** A token that lasts less than this, or cannot be renewed, is tried again no sooner, ms. */
const SOONEST_MS = 1_000;

/** Renews the token of an open channel before it expires. */
export class TokenRenewal {
  readonly #options: TokenRenewalOptions;
  #timer: LiveTimer | undefined;
  #isStopped = false;
  /** Why the last attempt failed. */
  #error: unknown;

  constructor(options: TokenRenewalOptions) {
    this.#options = options;
  }

  /** Why there is no fresh token; `undefined` when there is, or none was needed yet. */
  get error(): unknown {
    return this.#error;
  }

  /** The server has taken a token that lasts so long; `undefined`: for ever. */
  taken(expiresInMs: number | undefined): void {
    this.#error = undefined;
    this.#timer?.cancel();
    if (expiresInMs !== undefined) this.#startTimer(expiresInMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #startTimer(leftMs: number): void {
    if (this.#isStopped) return;
    const { clock } = this.#options;
    const waitMs = Math.max(leftMs * RENEW_AFTER, SOONEST_MS);
    this.#timer = clock.startTimer(waitMs, () => void this.#renew(clock.now() + leftMs - waitMs));
  }

  async #renew(expiresAt: number): Promise<void> {
    try {
      await this.#options.renew();
    } catch (error) {
      this.#error = error;
      // The channel is good for as long as the old token is: until then the host may find a fresh one.
      const leftMs = expiresAt - this.#options.clock.now();
      if (leftMs > 0) this.#startTimer(leftMs);
    }
  }
}
