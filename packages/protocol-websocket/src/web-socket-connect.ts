import type { Duplex } from "node:stream";
import { type Channel, type MaybePromise, SyncError } from "@tributary/core";
import {
  type Connect,
  type ConnectUrl,
  type LiveClock,
  parseConnectUrl,
  resolveConnectUrl,
  systemClock,
} from "@tributary/live";
import { LIVE_SUBPROTOCOL } from "@tributary/wire";
import { WebSocket } from "ws";
import { readRefusal } from "./read-refusal.js";
import { toChannel } from "./to-channel.js";

/** Options of {@link createWebSocketConnect}. */
export interface WebSocketConnectOptions {
  /**
   * Where to: `ws:` and `http:` mean the same, so do `wss:`, `https:`, `libsql:` and `turso:`. Path and query are sent as
   * they are. A function is called for each channel; null means that sync is paused: connecting fails with `paused`.
   */
  readonly url: ConnectUrl;
  /** Further headers of the request. A function is called for each channel. */
  readonly headers?: Record<string, string> | (() => MaybePromise<Record<string, string>>);
  /** How long it may take until the socket is open, ms. Default 10 000. */
  readonly handshakeTimeoutMs?: number;
  /** A longer message ends the channel, bytes. Default 16 MiB. */
  readonly maxMessageBytes?: number;
  /** A sender is told `full` when more than this is waiting to be sent, bytes. Default 1 MiB. */
  readonly highWaterBytes?: number;
  /** What is spoken over it; the other end must agree. Default `tributary1`, the live protocol. */
  readonly subprotocol?: string;
  /** Compresses messages, where the other end does too: costs time and memory. Default false. */
  readonly perMessageDeflate?: boolean;
  /** Where time comes from. */
  readonly clock?: LiveClock;
}

/** The other end of a channel that does not answer its end is cut off after this long, ms. */
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Channels over WebSocket, with `ws`: a socket of its own for each. Throws `SyncError` `invalid-option`. What a refusal
 * means is in `Connect`; `details.status` has the HTTP status where there was one.
 */
export function createWebSocketConnect(options: WebSocketConnectOptions): Connect {
  if (typeof options.url === "string") parseConnectUrl(options.url);
  const { handshakeTimeoutMs = 10_000, maxMessageBytes = 16 << 20, clock = systemClock } = options;
  for (const [name, value] of Object.entries({ handshakeTimeoutMs, maxMessageBytes })) {
    if (!Number.isSafeInteger(value) || value <= 0) {
      throw new SyncError("invalid-option", `${name} must be a positive integer, not ${value}`);
    }
  }

  return async (signal) => {
    throwIfAborted(signal);
    const url = await resolveConnectUrl(options.url);
    const headers = await resolveHeaders(options.headers);
    throwIfAborted(signal);
    return await openChannel(
      { ...options, handshakeTimeoutMs, maxMessageBytes, clock },
      url,
      headers,
      signal,
    );
  };
}

type Settings = WebSocketConnectOptions &
  Required<Pick<WebSocketConnectOptions, "handshakeTimeoutMs" | "maxMessageBytes" | "clock">>;

function openChannel(
  settings: Settings,
  url: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Channel> {
  const { handshakeTimeoutMs, maxMessageBytes, clock, highWaterBytes } = settings;
  const endpoint = `${url.origin}${url.pathname}`;
  const socket = openSocket(settings, url, headers);
  return new Promise((resolve, reject) => {
    const timer = clock.startTimer(handshakeTimeoutMs, () => {
      fail(new SyncError("timeout", `${endpoint} took too long to open a WebSocket.`, { endpoint }));
    });
    const onAbort = (): void => fail(abortedBy(signal));
    const settle = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", onAbort);
    };
    const fail = (error: SyncError): void => {
      settle();
      reject(error);
      // One that is being opened tells so by an error, which is nobody's any more.
      socket.terminate();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const onError = (error: Error): void => fail(toSyncError(error, endpoint));
    socket.on("error", onError);
    socket.on("unexpected-response", (_request, response) => {
      // The timer goes on: an answer may take for ever to say why.
      readRefusal(response, endpoint).then(fail, (error: unknown) => fail(toSyncError(error, endpoint)));
    });
    let connection: Duplex | undefined;
    socket.once("upgrade", (response) => {
      connection = response.socket;
    });
    socket.once("open", () => {
      settle();
      socket.off("error", onError);
      const given = {
        ...(highWaterBytes !== undefined && { highWaterBytes }),
        ...(connection !== undefined && { connection }),
      };
      // From here on the channel listens; the first message may come in this very turn.
      resolve(toChannel(socket, { ...given, maxMessageBytes, clock }));
    });
  });
}

function openSocket(settings: Settings, url: URL, headers: Record<string, string>): WebSocket {
  const target = new URL(url);
  target.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socketOptions = {
    headers,
    maxPayload: settings.maxMessageBytes,
    perMessageDeflate: settings.perMessageDeflate ?? false,
    // The types of ws do not have it yet.
    closeTimeout: CLOSE_TIMEOUT_MS,
  };
  try {
    return new WebSocket(target, settings.subprotocol ?? LIVE_SUBPROTOCOL, socketOptions);
  } catch {
    // The cause would repeat the value, which may be a secret.
    throw new SyncError("invalid-option", "headers or subprotocol have characters that cannot be sent");
  }
}

async function resolveHeaders(
  headers: WebSocketConnectOptions["headers"] = {},
): Promise<Record<string, string>> {
  try {
    return typeof headers === "function" ? await headers() : headers;
  } catch (error) {
    if (error instanceof SyncError) throw error;
    throw new SyncError("invalid-option", "headers() failed.", { cause: error });
  }
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortedBy(signal);
}

function abortedBy(signal: AbortSignal): SyncError {
  return new SyncError("aborted", "The request was aborted by its signal.", { cause: signal.reason });
}

/** What `ws` says of an answer that switches protocols, but not as it was asked to. */
const HANDSHAKE_ERROR = /^(?:Server sent|Invalid (?:Upgrade|Sec-WebSocket))/;

function toSyncError(error: unknown, endpoint: string): SyncError {
  const { message, code } = error as { readonly message?: unknown; readonly code?: unknown };
  if (typeof message === "string" && HANDSHAKE_ERROR.test(message)) {
    const text = `${endpoint} gives no channel over WebSocket: ${message}.`;
    return new SyncError("unexpected-response", text, { endpoint, cause: error });
  }
  const reason = typeof code === "string" ? code : "the connection failed";
  return new SyncError("unreachable", `${endpoint} could not be reached: ${reason}.`, {
    endpoint,
    cause: error,
  });
}
