import type { HttpClock } from "./http-clock.js";
import type { RequestEnd } from "./http-transport.js";

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
 * transport heeds the end it is told of: a `fetch` of the host's may not.
 */
export class RequestGuard implements RequestEnd {
  readonly #clock: HttpClock;
  readonly #detach: () => void;
  /** In the order in which they began to listen: the transport first. */
  readonly #listeners = new Set<(reason: unknown) => void>();
  #reason: GuardError | undefined;

  constructor(clock: HttpClock, signal: AbortSignal | undefined) {
    this.#clock = clock;
    const onAbort = (): void => this.#end(new GuardError("aborted", signal?.reason));
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
    this.#detach = () => signal?.removeEventListener("abort", onAbort);
  }

  get reason(): GuardError | undefined {
    return this.#reason;
  }

  get signal(): AbortSignal {
    const controller = new AbortController();
    if (this.#reason !== undefined) controller.abort(this.#reason);
    else this.listen((reason) => controller.abort(reason));
    return controller.signal;
  }

  listen(listener: (reason: unknown) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Waits for a step of the request, at most that long. Rejects with `GuardError`, or with what the step rejects with. */
  run<T>(step: Promise<T>, timeoutMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#reason !== undefined) {
        reject(this.#reason);
        // Nobody else waits for it.
        step.catch(() => {});
        return;
      }
      const stopTimer = this.#clock.startTimer(timeoutMs, () => this.#end(new GuardError("timeout")));
      const unlisten = this.listen((reason) => {
        stopTimer();
        reject(reason);
      });
      const settle = (): void => {
        stopTimer();
        unlisten();
      };
      step.then(
        (value) => {
          settle();
          resolve(value);
        },
        (error: unknown) => {
          settle();
          reject(this.#reason ?? error);
        },
      );
    });
  }

  /** The request is over: the caller's signal is let go of. */
  dispose(): void {
    this.#detach();
  }

  #end(reason: GuardError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    for (const listener of this.#listeners) listener(reason);
  }
}
