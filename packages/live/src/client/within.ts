import { SyncError } from "@tributary/core";
import type { LiveClock } from "../live-clock.js";

/** How long a step may take. */
export interface StepLimits {
  readonly clock: LiveClock;
  /** For error messages. */
  readonly endpoint: string;
  /** `undefined`: as long as it likes. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits for a step, at most that long. Rejects with `SyncError` `timeout` or `aborted`, or with what the step rejects with;
 * the step itself goes on.
 */
export function within<T>(step: Promise<T>, limits: StepLimits): Promise<T> {
  const { clock, endpoint, timeoutMs, signal } = limits;
  if (signal?.aborted) {
    // Nobody listens to it any more.
    step.catch(() => {});
    return Promise.reject(aborted(endpoint, signal));
  }
  return new Promise((resolve, reject) => {
    const onAbort = (): void => settle(() => reject(aborted(endpoint, signal as AbortSignal)));
    const timer =
      timeoutMs === undefined
        ? undefined
        : clock.startTimer(timeoutMs, () => settle(() => reject(tookTooLong(endpoint))));
    const settle = (finish: () => void): void => {
      timer?.cancel();
      signal?.removeEventListener("abort", onAbort);
      finish();
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    step.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    );
  });
}

export function tookTooLong(endpoint: string): SyncError {
  return new SyncError("timeout", `${endpoint} took too long to answer.`, { endpoint });
}

function aborted(endpoint: string, signal: AbortSignal): SyncError {
  return new SyncError("aborted", "The request was aborted by its signal.", {
    endpoint,
    cause: signal.reason,
  });
}
