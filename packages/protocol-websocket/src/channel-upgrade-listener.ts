import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type Channel, type MaybePromise, SyncError } from "@tributary/core";
import { type LiveClock, systemClock } from "@tributary/live";
import { LIVE_SUBPROTOCOL } from "@tributary/wire";
import { WebSocketServer } from "ws";
import { limitFirstMessage } from "./first-message-limit.js";
import { toChannel } from "./to-channel.js";

/** Options of {@link toChannelUpgradeListener}. */
export interface ChannelUpgradeOptions {
  /** The path that is ours, such as `/sync`, and no other. */
  readonly path: string;
  /**
   * Whether a request may have a channel; false is answered with 401, a failure with 500. Browsers let pages of any origin
   * open sockets, and send cookies along: where a cookie decides, look at the header `origin` too. Default: everybody may.
   */
  readonly authorize?: (request: IncomingMessage) => MaybePromise<boolean>;
  /** What is spoken; a client that offers others only is answered with 400. Default `tributary1`, the live protocol. */
  readonly subprotocol?: string;
  /** A longer message ends the channel, bytes. Default 16 MiB. */
  readonly maxMessageBytes?: number;
  /** How many sockets may be open at once; one more is answered with 503. Default 10 000. */
  readonly maxSockets?: number;
  /** What a socket may send before its first message is whole, bytes. Default 64 KiB. */
  readonly maxFirstMessageBytes?: number;
  /** A socket whose first message is not there after this long is cut off, ms; 0: never. Default 10 000. */
  readonly firstMessageTimeoutMs?: number;
  /** A sender is told `full` when more than this is waiting to be sent, bytes. Default 1 MiB. */
  readonly highWaterBytes?: number;
  /** Where time comes from. */
  readonly clock?: LiveClock;
}

/** Takes a socket that asks for an upgrade. False: it is not ours, and was left untouched. Never throws. */
export type ChannelUpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;

/** A client that does not answer the end of a socket is cut off after this long, ms. */
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * A listener for the event `upgrade` of `http.createServer`, for apps that take channels without a sync server, such as a
 * hub of change streams. It leaves other paths to the app. `onChannel` is to listen to the channel soon. Throws `SyncError`
 * `invalid-option`.
 */
export function toChannelUpgradeListener(
  onChannel: (channel: Channel, request: IncomingMessage) => void,
  options: ChannelUpgradeOptions,
): ChannelUpgradeListener {
  const { path, authorize = () => true, subprotocol = LIVE_SUBPROTOCOL, clock = systemClock } = options;
  const { maxMessageBytes = 16 << 20, maxSockets = 10_000, highWaterBytes = 1 << 20 } = options;
  const { maxFirstMessageBytes = 64 << 10, firstMessageTimeoutMs = 10_000 } = options;
  if (!/^\/[^?#]*$/.test(path)) {
    throw new SyncError("invalid-option", `path must be one such as "/sync", not ${JSON.stringify(path)}`);
  }
  const settings = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    // The types of ws do not have it yet.
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: (): string => subprotocol,
  };
  const sockets = new WebSocketServer(settings);
  /** Those that are being authorized count too. */
  let count = 0;

  return (request, connection, head) => {
    if (pathOf(request.url ?? "/") !== path) return false;
    const offered = request.headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim());
    if (offered !== undefined && !offered.includes(subprotocol)) {
      refuse(connection, 400, `the subprotocol must be ${subprotocol}`);
      return true;
    }
    if (count >= maxSockets) {
      refuse(connection, 503, "too many sockets: try again later");
      return true;
    }
    count++;
    connection.once("close", () => count--);
    // While nobody else listens, a client that goes away is no error.
    const ignore = (): void => {};
    connection.on("error", ignore);
    const decided = (async () => authorize(request))();
    decided.then(
      (isAllowed) => {
        if (!isAllowed) {
          refuse(connection, 401, "access is denied");
          return;
        }
        connection.off("error", ignore);
        upgrade(request, connection, head);
      },
      () => refuse(connection, 500, "internal error"),
    );
    return true;
  };

  function upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): void {
    sockets.handleUpgrade(request, connection, head, (socket) => {
      const channel = toChannel(socket, { maxMessageBytes, highWaterBytes, connection, clock });
      limitFirstMessage(socket, connection, {
        maxBytes: maxFirstMessageBytes,
        timeoutMs: firstMessageTimeoutMs,
        clock,
      });
      onChannel(channel, request);
    });
  }
}

/** The path of a request's target; proxies may be sent whole URLs. */
function pathOf(target: string): string {
  return target.replace(/^https?:\/\/[^/?#]*/i, "").replace(/[?#].*$/, "") || "/";
}

function refuse(connection: Duplex, status: number, text: string): void {
  connection.on("error", () => connection.destroy());
  connection.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain\r\n` +
      `${status === 503 ? "Retry-After: 1\r\n" : ""}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    () => connection.destroy(),
  );
}
