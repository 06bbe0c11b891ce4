import type { Channel, ChannelEvents, SendOutcome } from "@tributary/core";
import { ChannelInbox } from "@tributary/live";
import type { ServerClock, ServerTimer } from "../server-clock.js";
import { closeSocket } from "../sockets/close-socket.js";
import { CloseCode } from "../sockets/socket-violation.js";
import type { SyncSocket } from "../sockets/sync-socket.js";

/** A socket is full from here on, bytes. */
const HIGH_WATER_BYTES = 2 * 1024 * 1024;
/** Sockets do not tell when they have sent something: those that are full are looked at this often, ms. */
const LOOK_INTERVAL_MS = 10;
/** What may come before anybody listens, bytes. */
const MAX_EARLY_BYTES = 256 * 1024;

/** A WebSocket that is open, as a channel. It keeps the bytes that it is given to send: they must not be written to any more. */
export class SocketChannel implements Channel {
  readonly #socket: SyncSocket;
  readonly #clock: ServerClock;
  readonly #inbox = new ChannelInbox();
  #timer: ServerTimer | undefined;

  /** To be called before the socket can have received anything. */
  constructor(socket: SyncSocket, clock: ServerClock) {
    this.#socket = socket;
    this.#clock = clock;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("close", () => this.#end("the socket was closed"));
    socket.addEventListener("error", () => this.#fail(CloseCode.internal, "the connection is lost"));
  }

  listen(events: ChannelEvents): void {
    this.#inbox.listen(events);
  }

  send(message: Uint8Array): SendOutcome {
    if (this.#inbox.isEnded) return "closed";
    try {
      this.#socket.send(message);
    } catch (error) {
      this.#fail(CloseCode.internal, `the socket takes nothing more: ${String(error)}`);
      return "closed";
    }
    if (this.#timer !== undefined) return "full";
    if (this.#socket.bufferedAmount <= HIGH_WATER_BYTES) return "sent";
    this.#lookLater();
    return "full";
  }

  close(reason: string = "closed"): void {
    if (this.#inbox.isEnded) return;
    this.#timer?.cancel();
    this.#inbox.close(reason);
    closeSocket(this.#socket, CloseCode.goingAway, reason);
  }

  #receive(data: unknown): void {
    if (data instanceof ArrayBuffer) this.#take(new Uint8Array(data));
    else if (data instanceof Uint8Array) this.#take(data);
    else this.#fail(CloseCode.wrongFrame, "only binary messages are accepted");
  }

  #take(message: Uint8Array): void {
    this.#inbox.push(message);
    if (this.#inbox.isListening || this.#inbox.waitingBytes <= MAX_EARLY_BYTES) return;
    this.#fail(CloseCode.tooBig, "too much came before anybody listened");
  }

  #lookLater(): void {
    this.#timer = this.#clock.startTimer(LOOK_INTERVAL_MS, () => {
      this.#timer = undefined;
      if (this.#socket.bufferedAmount > HIGH_WATER_BYTES / 2) this.#lookLater();
      else this.#inbox.drain();
    });
  }

  #fail(code: number, reason: string): void {
    if (this.#inbox.isEnded) return;
    this.#end(reason);
    closeSocket(this.#socket, code, reason);
  }

  #end(reason: string): void {
    this.#timer?.cancel();
    this.#inbox.end(reason);
  }
}
