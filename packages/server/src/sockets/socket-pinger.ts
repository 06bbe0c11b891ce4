import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { ServerClock, ServerTimer } from "../server-clock.js";

/** More than a ping and its frame are long, bytes. */
const LONGER_THAN_A_PING = 256;

/** A TCP connection tells more than a mere Duplex. */
type Connection = Duplex & { readonly bytesRead?: number; readonly bytesWritten?: number };

interface Pinged {
  readonly connection: Connection;
  hasPonged: boolean;
  bytesRead: number;
  bytesSent: number;
}

/** Counts sockets, pings those that want it now and then, all by one timer, and cuts off those whose other end is gone. */
export class SocketPinger {
  readonly #clock: ServerClock;
  readonly #intervalMs: number;
  readonly #sockets = new Map<WebSocket, Pinged>();
  #count = 0;
  #timer: ServerTimer | undefined;

  /** `intervalMs`: how long the other end may be silent; 0: for ever. */
  constructor(clock: ServerClock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** How many sockets are open. */
  get count(): number {
    return this.#count;
  }

  /** Counts a socket until it is closed. */
  add(socket: WebSocket): void {
    this.#count += 1;
    socket.once("close", () => {
      this.#count -= 1;
    });
  }

  /** Looks after one of them. */
  watch(socket: WebSocket, connection: Connection): void {
    const pinged: Pinged = { connection, hasPonged: true, ...progressOf(connection) };
    this.#sockets.set(socket, pinged);
    socket.on("pong", () => {
      pinged.hasPonged = true;
    });
    socket.once("close", () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size > 0) return;
      this.#timer?.cancel();
      this.#timer = undefined;
    });
    this.#startTimer();
  }

  #startTimer(): void {
    if (this.#intervalMs === 0) return;
    this.#timer ??= this.#clock.startTimer(this.#intervalMs, () => {
      this.#timer = undefined;
      for (const [socket, pinged] of this.#sockets) this.#ping(socket, pinged);
      if (this.#sockets.size > 0) this.#startTimer();
    });
  }

  #ping(socket: WebSocket, pinged: Pinged): void {
    const { bytesRead, bytesSent } = progressOf(pinged.connection);
    // A ping waits behind a long message: as long as that gets on, in either direction, somebody is there.
    const isAlive =
      pinged.hasPonged || bytesRead > pinged.bytesRead || bytesSent > pinged.bytesSent + LONGER_THAN_A_PING;
    if (!isAlive) {
      socket.terminate();
      return;
    }
    pinged.hasPonged = false;
    pinged.bytesRead = bytesRead;
    pinged.bytesSent = bytesSent;
    socket.ping();
  }
}

/** What has come, and what the network has taken. */
function progressOf(connection: Connection): { bytesRead: number; bytesSent: number } {
  const { bytesRead = 0, bytesWritten = 0, writableLength } = connection;
  return { bytesRead, bytesSent: bytesWritten - writableLength };
}
