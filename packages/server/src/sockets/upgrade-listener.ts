import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { LIVE_SUBPROTOCOL } from "@tributary/wire";
import { type WebSocket, WebSocketServer } from "ws";
import { checkPrefix, withoutPrefix } from "../http/mount-prefix.js";
import { type ServerClock, systemClock } from "../server-clock.js";
import { limitFirstMessage } from "./first-message-limit.js";
import { HRANA_PROTOCOLS } from "./hrana-protocol.js";
import { SocketPinger } from "./socket-pinger.js";
import { CloseCode } from "./socket-violation.js";
import type { SyncSocket } from "./sync-socket.js";
import { upgradeRequest } from "./upgrade-request.js";
import { WsSyncSocket } from "./ws-sync-socket.js";

/** All that are spoken. */
const SUBPROTOCOLS: readonly string[] = [LIVE_SUBPROTOCOL, ...HRANA_PROTOCOLS.keys()];
/** A client that does not answer the end of a socket is cut off after this long, ms. */
const CLOSE_TIMEOUT_MS = 2_000;

/** What the listener asks of a server. */
export interface SocketAcceptor {
  /** Takes a socket that is open. Must listen to it before it returns. */
  acceptSocket(
    socket: SyncSocket,
    request: Request,
    context?: { readonly remoteAddress?: string | undefined },
  ): void;
}

/** Options of `toUpgradeListener`. */
export interface UpgradeListenerOptions {
  /**
   * The path below which the server is mounted, such as `/sync`: it is taken off, and sockets for any other path are not
   * the server's. Default: every path is.
   */
  readonly prefix?: string;
  /** Whether a socket is the server's, beside its path. Default: it is. */
  readonly claims?: (request: IncomingMessage) => boolean;
  /** Who asks, as limits count it. Default: the address of the other end of the connection, which may be a proxy's. */
  readonly remoteAddress?: (request: IncomingMessage) => string | undefined;
  /** Longest message, bytes; the socket of a longer one is closed with 1009. Default 16 MiB. */
  readonly maxMessageBytes?: number;
  /** How many sockets may be open at once; one more is answered with 503. Default 10 000. */
  readonly maxSockets?: number;
  /**
   * A socket whose other end is silent for longer than this, also when asked, is cut off, ms; 0: never. Default 30 000. Live
   * channels have `keepAliveMs` of the server for it.
   */
  readonly pingIntervalMs?: number;
  /** Where time comes from. */
  readonly clock?: ServerClock;
}

/** Takes a socket that asks for an upgrade. False: it is not the server's, and was left untouched. Never throws. */
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;

/**
 * A listener for the event `upgrade` of `http.createServer`: Hrana and the live protocol over WebSocket. It leaves the sockets of others
 * untouched; where there is no other listener, the app must destroy those for which it gives false. Changes nothing
 * global. Throws `ServerError` "invalid-option".
 */
export function toUpgradeListener(
  server: SocketAcceptor,
  options: UpgradeListenerOptions = {},
): UpgradeListener {
  const {
    claims = () => true,
    remoteAddress = (request) => request.socket.remoteAddress,
    maxMessageBytes = 16 * 1024 * 1024,
    maxSockets = 10_000,
    pingIntervalMs = 30_000,
    clock = systemClock,
  } = options;
  const prefix = checkPrefix(options.prefix ?? "");
  const settings = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    // The types of ws do not have it yet.
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: (names: Set<string>) => pickProtocol([...names]) ?? (false as const),
  };
  const sockets = new WebSocketServer(settings);
  const pinger = new SocketPinger(clock, pingIntervalMs);

  return (message, connection, head) => {
    const target = withoutPrefix(message.url ?? "/", prefix);
    if (target === undefined || !claims(message)) return false;
    const request = upgradeRequest(message, target);
    if (request === undefined) return refuse(connection, 400, "the host or the path is malformed");
    const offered = message.headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim());
    if (offered !== undefined && pickProtocol(offered) === undefined) {
      return refuse(connection, 400, `the subprotocol must be one of ${SUBPROTOCOLS.join(", ")}`);
    }
    if (pinger.count >= maxSockets) return refuse(connection, 503, "too many sockets: try again later");
    sockets.handleUpgrade(message, connection, head, (socket) => {
      socket.on("error", leaveToClose);
      pinger.add(socket);
      // The live protocol looks after its channels by itself.
      if (socket.protocol.toLowerCase() !== LIVE_SUBPROTOCOL) pinger.watch(socket, connection);
      limitFirstMessage(socket, connection);
      const address = remoteAddress(message);
      accept(socket, connection, request, address === undefined ? {} : { remoteAddress: address });
    });
    return true;
  };

  function accept(
    socket: WebSocket,
    connection: Duplex,
    request: Request,
    context: { remoteAddress?: string },
  ): void {
    try {
      server.acceptSocket(new WsSyncSocket(socket, connection), request, context);
    } catch {
      socket.close(CloseCode.internal, "internal error");
    }
  }
}

/** Of what a client offers, as it has spelled it: the live protocol where that comes first, else the best of Hrana. */
function pickProtocol(offered: readonly string[]): string | undefined {
  const first = offered.find((name) => SUBPROTOCOLS.includes(name.toLowerCase()));
  if (first?.toLowerCase() === LIVE_SUBPROTOCOL) return first;
  for (const known of HRANA_PROTOCOLS.keys()) {
    const found = offered.find((name) => name.toLowerCase() === known);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * The close that follows an error says enough; without a listener it would be thrown. Not a closure: it would keep the
 * message and the headers of its request for as long as the socket is open.
 */
function leaveToClose(): void {}

function refuse(connection: Duplex, status: number, text: string): true {
  // Nobody else listens any more; a client that is gone already is no error.
  connection.on("error", () => connection.destroy());
  connection.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain\r\n` +
      `${status === 503 ? "Retry-After: 1\r\n" : ""}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    () => connection.destroy(),
  );
  return true;
}
