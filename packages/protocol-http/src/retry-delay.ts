import type { HttpClock } from "./http-clock.js";
import type { RetryOptions } from "./http-protocol-options.js";

/** A remote that asks for more is asked again after this long. */
const MAX_RETRY_AFTER_MS = 60_000;

/** How long to wait after the attempt of that number (the first is 1). */
export function retryDelay(
  attempt: number,
  retryAfterMs: number | undefined,
  retry: Required<RetryOptions>,
  clock: HttpClock,
): number {
  const longest = Math.min(retry.minDelayMs * 2 ** (attempt - 1), retry.maxDelayMs);
  const backoff = Math.round(longest * (0.5 + clock.random() / 2));
  return Math.max(backoff, Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS));
}

/** A `Retry-After`: seconds, or a date. Undefined when it is neither. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // A date of HTTP begins with a weekday; `Date.parse` alone takes far more for one.
  const time = /^[A-Za-z]{3}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : Math.max(time - now, 0);
}
