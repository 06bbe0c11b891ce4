import type { HttpClock } from "./http-clock.js";

/** Why a request was ended from here. */
export type GuardReason = "aborted" | "timeout";

/** Thrown out of {@link RequestGuard.run} when the guard ended the request. */
export class GuardError extends Error {
  readonly reason: GuardReason;

  constructor(reason: GuardReason, cause?: unknown) {
    super(reason, { cause });
    this.reason = reason;
  }
}

/**
 * Ends one request when the caller's signal is aborted or a step of it takes too long. It does so whether or not the
 * transport heeds the signal it is given: a `fetch` of the host's may not.
 */
export class RequestGuard {
  readonly #clock: HttpClock;
  readonly #controller = new AbortController();
  readonly #detach: () => void;

  constructor(clock: HttpClock, signal: AbortSignal | undefined) {
    this.#clock = clock;
    const onAbort = (): void => this.#controller.abort(new GuardError("aborted", signal?.reason));
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
    this.#detach = () => signal?.removeEventListener("abort", onAbort);
  }

  /** For the transport. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Waits for a step of the request, at most that long. Rejects with `GuardError`, or with what the step rejects with. */
  async run<T>(step: Promise<T>, timeoutMs: number): Promise<T> {
    const stopTimer = this.#clock.startTimer(timeoutMs, () =>
      this.#controller.abort(new GuardError("timeout")),
    );
    try {
      return await this.#orEnded(step);
    } finally {
      stopTimer();
    }
  }

  /**
   * The step, or the guard's end of it. Not `Promise.race` with one promise for all steps: that one would keep hold of
   * every step's result, of a whole download, for as long as the request lives.
   */
  #orEnded<T>(step: Promise<T>): Promise<T> {
    const { signal } = this;
    return new Promise((resolve, reject) => {
      const onEnd = (): void => reject(signal.reason);
      if (signal.aborted) onEnd();
      else signal.addEventListener("abort", onEnd, { once: true });
      step
        .then(resolve, (error: unknown) => reject(signal.aborted ? signal.reason : error))
        .finally(() => signal.removeEventListener("abort", onEnd));
    });
  }

  /** The request is over: the caller's signal is let go of. */
  dispose(): void {
    this.#detach();
  }
}
