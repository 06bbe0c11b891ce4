import { SyncError } from "@tributary/core";
import { type HttpClock, systemClock } from "./http-clock.js";
import { parseRemoteUrl } from "./remote-url.js";

type MaybePromise<T> = T | Promise<T>;

/** How often and how fast to try again. */
export interface RetryOptions {
  /** Requests in all, the first included. 1: never try again. Default 4. */
  readonly attempts?: number;
  /** The wait before the second attempt; it doubles with each further one. Half of it is random. Default 200 ms. */
  readonly minDelayMs?: number;
  /** No wait is longer, unless the remote asks for it with `Retry-After` (then at most a minute). Default 5000 ms. */
  readonly maxDelayMs?: number;
}

/** Options of `createHttpProtocol`. */
export interface HttpProtocolOptions {
  /**
   * Base URL of the remote; `libsql:` and `turso:` mean https. Its path is a prefix, its query is sent with every request.
   * A function is called for every request; null means that sync is paused: the request fails with `paused`.
   */
  readonly url: string | (() => MaybePromise<string | null>);
  /**
   * Sent as `Authorization: Bearer`. A function is called for every request, and once more, for a fresh token, when the
   * remote answers 401.
   */
  readonly authToken?: string | (() => MaybePromise<string | undefined>);
  /** Further headers of every request. */
  readonly headers?: Record<string, string> | (() => MaybePromise<Record<string, string>>);
  /** Sends the requests. Default: undici, on connections of its own that are kept alive. */
  readonly fetch?: typeof fetch;
  /** Until the first byte of an answer; a long-poll gets its own time on top. Default 30 000 ms. */
  readonly headersTimeoutMs?: number;
  /** Between two parts of an answer, while one is waited for. Default 30 000 ms. */
  readonly bodyTimeoutMs?: number;
  readonly retry?: RetryOptions;
  /** The longest message of a pull that is read; a page is about 4110 bytes. Default 65 536 bytes. */
  readonly maxMessageBytes?: number;
  /** The longest answer to a batch that is read; it is held in memory. Default 64 MiB. */
  readonly maxAnswerBytes?: number;
  /** For tests. */
  readonly clock?: HttpClock;
}

/** The options, complete and valid. */
export interface HttpSettings {
  readonly url: HttpProtocolOptions["url"];
  readonly authToken: HttpProtocolOptions["authToken"];
  readonly headers: HttpProtocolOptions["headers"];
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly retry: Required<RetryOptions>;
  readonly maxMessageBytes: number;
  readonly maxAnswerBytes: number;
  readonly clock: HttpClock;
}

/** Throws `SyncError` `invalid-option`. */
export function resolveOptions(options: HttpProtocolOptions): HttpSettings {
  if (typeof options.url === "string") parseRemoteUrl(options.url);
  else if (typeof options.url !== "function")
    throw new SyncError("invalid-option", "url must be a string or a function");
  const { retry = {} } = options;
  return {
    url: options.url,
    authToken: options.authToken,
    headers: options.headers,
    headersTimeoutMs: positive("headersTimeoutMs", options.headersTimeoutMs ?? 30_000),
    bodyTimeoutMs: positive("bodyTimeoutMs", options.bodyTimeoutMs ?? 30_000),
    retry: {
      attempts: positive("retry.attempts", retry.attempts ?? 4),
      minDelayMs: positive("retry.minDelayMs", retry.minDelayMs ?? 200),
      maxDelayMs: positive("retry.maxDelayMs", retry.maxDelayMs ?? 5000),
    },
    maxMessageBytes: positive("maxMessageBytes", options.maxMessageBytes ?? 65_536),
    maxAnswerBytes: positive("maxAnswerBytes", options.maxAnswerBytes ?? 64 << 20),
    clock: options.clock ?? systemClock,
  };
}

function positive(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new SyncError("invalid-option", `${name} must be a positive integer, not ${value}`);
}
