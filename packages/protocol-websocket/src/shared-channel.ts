import type { Channel, ChannelEvents, SendOutcome } from "@tributary/core";
import { ChannelInbox } from "@tributary/live";
import type { SendWatch } from "./send-watch.js";

/** What a channel asks of the multiplexer that it belongs to. */
export interface SharedChannelHost {
  /** Sends one message; false: the socket is gone. */
  sendData(message: Uint8Array): boolean;
  /** Tells the other end, and forgets the channel. */
  sendClose(reason: string): void;
  /** Watches the socket for this channel. */
  watch(onDrain: () => void): SendWatch;
  readonly maxMessageBytes: number;
  readonly maxWaitingBytes: number;
}

/** One of the channels that share a socket. */
export class SharedChannel implements Channel {
  readonly #host: SharedChannelHost;
  readonly #inbox = new ChannelInbox();
  readonly #watch: SendWatch;

  constructor(host: SharedChannelHost) {
    this.#host = host;
    this.#watch = host.watch(() => this.#inbox.drain());
  }

  listen(events: ChannelEvents): void {
    this.#inbox.listen(events);
  }

  send(message: Uint8Array): SendOutcome {
    if (this.#inbox.isEnded || !this.#host.sendData(message)) return "closed";
    return this.#watch.afterSend();
  }

  close(reason = "closed"): void {
    const wasOpen = !this.#inbox.isEnded;
    this.#watch.close();
    this.#inbox.close(reason);
    if (wasOpen) this.#host.sendClose(reason);
  }

  /** A message of the other end; the bytes are somebody else's. */
  receive(message: Uint8Array): void {
    if (message.length > this.#host.maxMessageBytes) {
      this.fail(`a message of ${message.length} bytes is too long`);
      return;
    }
    this.#inbox.push(new Uint8Array(message));
    if (this.#inbox.waitingBytes > this.#host.maxWaitingBytes) this.fail("nobody listens to what has come");
  }

  /** The other end has closed it, or the socket is gone. */
  end(reason: string): void {
    this.#watch.close();
    this.#inbox.end(reason);
  }

  /** Ends it at both ends. */
  fail(reason: string): void {
    this.end(reason);
    this.#host.sendClose(reason);
  }
}
