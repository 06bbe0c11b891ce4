import type { Channel, ChannelEvents, SendOutcome } from "@tributary/core";
import { ChannelInbox, type LiveClock, systemClock } from "@tributary/live";
import { type ChannelSocket, listenToSocket } from "./channel-socket.js";
import { closeSocket } from "./close-socket.js";
import { SendWatch } from "./send-watch.js";

/** Options of {@link toChannel}. */
export interface SocketChannelOptions {
  /** A sender is told `full` when more than this is waiting to be sent, bytes. Default 1 MiB. */
  readonly highWaterBytes?: number;
  /** A longer message ends the channel and closes the socket with 1009, bytes. Default 16 MiB. */
  readonly maxMessageBytes?: number;
  /**
   * What may wait for `listen`, bytes; more ends the channel and closes the socket with 1009. Sockets that can be paused
   * are. Default 16 MiB.
   */
  readonly maxWaitingBytes?: number;
  /**
   * What the socket runs over, in Node, where it is nobody else's to cork: short messages that follow on one another without
   * a wait between them then go to the network together, by one system call. Default: each goes by itself.
   */
  readonly connection?: { cork(): void; uncork(): void };
  /** Where time comes from. */
  readonly clock?: LiveClock;
}

/** So much is gathered at most, bytes. */
const MAX_GATHERED_BYTES = 16 * 1024;

/** Codes of RFC 6455. */
const NORMAL = 1000;
const NO_TEXT = 1003;
const TOO_MUCH = 1009;
/** `readyState` of a socket that is open. */
const OPEN = 1;

/**
 * A WebSocket that is open and nobody else's, as a channel: one binary message each. Its events are listened to from now
 * on. A text message ends the channel.
 */
export function toChannel(socket: ChannelSocket, options: SocketChannelOptions = {}): Channel {
  return new SocketChannel(socket, options);
}

class SocketChannel implements Channel {
  readonly #socket: ChannelSocket;
  readonly #inbox = new ChannelInbox();
  readonly #watch: SendWatch;
  readonly #maxMessageBytes: number;
  readonly #maxWaitingBytes: number;
  readonly #connection: SocketChannelOptions["connection"];
  readonly #maxGatheredBytes: number;
  #isGathering = false;
  #isPaused = false;
  /** Why the socket fails; its end follows. */
  #failure = "";

  constructor(socket: ChannelSocket, options: SocketChannelOptions) {
    const { highWaterBytes = 1 << 20, maxMessageBytes = 16 << 20, maxWaitingBytes = 16 << 20 } = options;
    this.#socket = socket;
    this.#maxMessageBytes = maxMessageBytes;
    this.#maxWaitingBytes = maxWaitingBytes;
    this.#connection = options.connection;
    this.#maxGatheredBytes = Math.min(MAX_GATHERED_BYTES, highWaterBytes);
    this.#watch = new SendWatch({
      highWaterBytes,
      clock: options.clock ?? systemClock,
      waitingBytes: () => socket.bufferedAmount ?? 0,
      onDrain: () => this.#inbox.drain(),
    });
    if ("binaryType" in socket) socket.binaryType = "arraybuffer";
    listenToSocket(socket, {
      onMessage: (bytes) => this.#receive(bytes),
      onClose: (reason) => this.#end(this.#failure || reason),
      onError: (reason) => {
        this.#failure ||= reason;
      },
    });
    if (socket.readyState !== undefined && socket.readyState > OPEN) this.#end("the socket is closed");
  }

  listen(events: ChannelEvents): void {
    this.#inbox.listen(events);
    if (this.#isPaused) this.#socket.resume?.();
    this.#isPaused = false;
  }

  send(message: Uint8Array): SendOutcome {
    if (this.#inbox.isEnded) return "closed";
    if (this.#socket.readyState !== undefined && this.#socket.readyState !== OPEN) return "closed";
    this.#gather();
    try {
      // Libraries keep what they were given until the network takes it. Not `slice`, which does not copy a Buffer.
      this.#socket.send(new Uint8Array(message));
    } catch (error) {
      this.#fail(TOO_MUCH, `the socket does not take messages: ${String(error)}`);
      return "closed";
    }
    if ((this.#socket.bufferedAmount ?? 0) > this.#maxGatheredBytes) this.#flush();
    return this.#watch.afterSend();
  }

  close(reason = "closed"): void {
    if (this.#inbox.isEnded) {
      this.#inbox.close(reason);
      return;
    }
    this.#watch.close();
    this.#inbox.close(reason);
    this.#resume();
    closeSocket(this.#socket, NORMAL, reason);
  }

  /** Until what runs, and what follows from it at once, has come to its end. */
  #gather(): void {
    if (this.#connection === undefined || this.#isGathering) return;
    this.#isGathering = true;
    this.#connection.cork();
    process.nextTick(() => this.#flush());
  }

  #flush(): void {
    if (this.#isGathering) this.#connection?.uncork();
    this.#isGathering = false;
  }

  #receive(bytes: Uint8Array | undefined): void {
    if (this.#inbox.isEnded) return;
    if (bytes === undefined) {
      this.#fail(NO_TEXT, "a message is not binary");
      return;
    }
    if (bytes.length > this.#maxMessageBytes) {
      this.#fail(TOO_MUCH, `a message of ${bytes.length} bytes is too long`);
      return;
    }
    this.#inbox.push(bytes);
    if (this.#inbox.isListening) return;
    if (this.#inbox.waitingBytes > this.#maxWaitingBytes) {
      this.#fail(TOO_MUCH, "nobody listens to what has come");
    } else if (!this.#isPaused && this.#socket.pause !== undefined && this.#socket.resume !== undefined) {
      this.#isPaused = true;
      this.#socket.pause();
    }
  }

  #fail(code: number, reason: string): void {
    this.#end(reason);
    this.#resume();
    closeSocket(this.#socket, code, reason);
  }

  #end(reason: string): void {
    this.#watch.close();
    this.#inbox.end(reason);
  }

  /** A socket that is not read never learns of its end. */
  #resume(): void {
    if (this.#isPaused) this.#socket.resume?.();
    this.#isPaused = false;
  }
}
