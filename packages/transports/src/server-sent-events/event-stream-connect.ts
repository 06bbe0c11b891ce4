import { SyncError } from "@tributary/core";
import {
  type Connect,
  type ConnectUrl,
  type LiveClock,
  parseConnectUrl,
  refusedConnect,
  resolveConnectUrl,
  systemClock,
} from "@tributary/live";
import { EventReader } from "./event-reader.js";
import { EventStreamChannel } from "./event-stream-channel.js";
import type { OpenEvent } from "./event-stream-format.js";
import { type RequestOptions, requestHeaders } from "./event-stream-requests.js";

/** Options of {@link createEventStreamConnect}. */
export interface EventStreamConnectOptions extends RequestOptions {
  /** Of the acceptor. A function is called for each channel; null means that sync is paused: connecting fails with `paused`. */
  readonly url: ConnectUrl;
  /** Sends the requests. Default: that of the process. */
  readonly fetch?: typeof fetch;
  /** How long opening a channel, and each request with messages, may take, ms. Default 30 000. */
  readonly timeoutMs?: number;
  /** How often a request with messages is sent before the channel is given up. Default 5. */
  readonly attempts?: number;
  /** How long what was sent before `close` is still brought over, ms. Default 5000. */
  readonly closeTimeoutMs?: number;
  /** A longer message of the server ends the channel, bytes. Default 16 MiB. */
  readonly maxMessageBytes?: number;
  /** A sender is told `full` when this many bytes are waiting to be sent. Default 1 MiB. */
  readonly highWaterBytes?: number;
  /** Where time comes from. */
  readonly clock?: LiveClock;
}

/**
 * Channels for networks that let only HTTP requests through: server-sent events down, requests with messages up, one after
 * the other, each until it is answered. Messages are numbered, so a request whose answer was lost doubles none. Throws
 * `SyncError` `invalid-option`.
 */
export function createEventStreamConnect(options: EventStreamConnectOptions): Connect {
  if (typeof options.url === "string") parseConnectUrl(options.url);
  const { fetch: send = fetch, timeoutMs = 30_000, attempts = 5, closeTimeoutMs = 5_000 } = options;
  const { maxMessageBytes = 16 << 20, highWaterBytes = 1 << 20, clock = systemClock } = options;

  return async (signal) => {
    if (signal.aborted) throw abortedBy(signal);
    const url = await resolveConnectUrl(options.url);
    const endpoint = `${url.origin}${url.pathname}`;
    const controller = new AbortController();
    let isLate = false;
    const timer = clock.startTimer(timeoutMs, () => {
      isLate = true;
      controller.abort();
    });
    const onAbort = (): void => controller.abort();
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      const headers = await requestHeaders(options, { accept: "text/event-stream" });
      const got = send(url, { headers, signal: controller.signal, redirect: "manual" });
      const { opened, events } = await orAborted(
        openStream(await orAborted(got, controller.signal)),
        controller.signal,
      );
      return new EventStreamChannel({
        opened,
        events,
        maxMessageBytes,
        closeTimeoutMs,
        clock,
        sending: {
          highWaterBytes,
          timeoutMs,
          attempts,
          post: async (own, body, postSignal) => {
            const all = await requestHeaders(options, { ...own, "content-type": "application/octet-stream" });
            const posted = send(url, {
              method: "POST",
              headers: all,
              body,
              signal: postSignal,
              redirect: "manual",
            });
            return await orAborted(posted, postSignal);
          },
        },
      });
    } catch (error) {
      controller.abort();
      if (signal.aborted) throw abortedBy(signal);
      if (isLate)
        throw new SyncError("timeout", `${endpoint} took too long to open a channel.`, { endpoint });
      if (error instanceof SyncError) throw error;
      throw new SyncError("unreachable", `${endpoint} could not be reached.`, { endpoint, cause: error });
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", onAbort);
    }

    async function openStream(response: Response): Promise<{ opened: OpenEvent; events: EventReader }> {
      const type = response.headers.get("content-type") ?? "";
      if (response.status !== 200 || response.body === null) {
        const events = "server-sent events";
        throw refusedConnect(response.status, endpoint, events, await startOf(response));
      }
      const problem = `${endpoint} gives no channel over server-sent events: it answered with `;
      if (!type.startsWith("text/event-stream")) {
        throw new SyncError("unexpected-response", `${problem}${type || "no content type"}.`, { endpoint });
      }
      const events = new EventReader(response.body, maxMessageBytes, () => controller.abort());
      const first = await events.first();
      const opened = first?.name === "open" ? parseOpen(first.data) : undefined;
      if (opened === undefined) {
        throw new SyncError("unexpected-response", `${problem}other events.`, { endpoint });
      }
      return { opened, events };
    }
  };
}

/** Ends the wait also where a `fetch` of the app's does not heed the signal. */
function orAborted<T>(step: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new Error("it took too long, or was given up"));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    step.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** What is read of a refusal, bytes: more than is shown of it. */
const MAX_TEXT_BYTES = 4096;

async function startOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    parts.push(part);
    length += part.length;
    if (length >= MAX_TEXT_BYTES) break;
  }
  return Buffer.concat(parts).subarray(0, MAX_TEXT_BYTES).toString();
}

function parseOpen(text: string): OpenEvent | undefined {
  let value: Partial<Record<keyof OpenEvent, unknown>> | null;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { session, idleTimeoutMs, maxMessageBytes } = value ?? {};
  const isOpen = typeof session === "string" && isPositive(idleTimeoutMs) && isPositive(maxMessageBytes);
  return isOpen ? { session, idleTimeoutMs, maxMessageBytes } : undefined;
}

function isPositive(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}

function abortedBy(signal: AbortSignal): SyncError {
  return new SyncError("aborted", "The request was aborted by its signal.", { cause: signal.reason });
}
