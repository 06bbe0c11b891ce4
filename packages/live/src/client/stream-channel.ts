import type { Channel, ChannelEvents, SendOutcome, SyncError } from "@tributary/core";
import { encodeLiveMessage } from "@tributary/wire";
import { ChannelInbox } from "../channel-inbox.js";
import type { ClientConnection, SubscriptionEvents, SubscriptionMessage } from "./client-connection.js";

/** A duplex for a change stream, over one subscription. */
export class StreamChannel implements Channel, SubscriptionEvents {
  readonly #connection: ClientConnection;
  readonly #inbox = new ChannelInbox();
  #sub = 0;
  #wasFull = false;

  private constructor(connection: ClientConnection) {
    this.#connection = connection;
  }

  /** Rejects with `SyncError`. */
  static async open(connection: ClientConnection, database: string): Promise<StreamChannel> {
    const channel = new StreamChannel(connection);
    channel.#sub = await connection.subscribe("stream", database, channel);
    return channel;
  }

  listen(events: ChannelEvents): void {
    this.#inbox.listen(events);
  }

  send(payload: Uint8Array): SendOutcome {
    if (this.#inbox.isEnded) return "closed";
    const message = encodeLiveMessage({ type: "data", sub: this.#sub, payload });
    const { maxMessageBytes } = this.#connection;
    if (message.length > maxMessageBytes) {
      // The server would close the whole channel for it.
      this.close(`a message of ${message.length} bytes is longer than the server takes (${maxMessageBytes})`);
      return "closed";
    }
    const outcome = this.#connection.sendEncoded(message);
    this.#wasFull ||= outcome === "full";
    return outcome;
  }

  close(reason = "closed"): void {
    if (this.#inbox.isEnded) return;
    this.#connection.unsubscribe(this.#sub);
    this.#inbox.close(reason);
  }

  onMessage(message: SubscriptionMessage): void {
    if (message.type !== "data") throw this.#connection.violation(`sent ${message.type} to a stream`);
    this.#inbox.push(message.payload);
  }

  onDrain(): void {
    if (!this.#wasFull) return;
    this.#wasFull = false;
    this.#inbox.drain();
  }

  onClose(error: SyncError): void {
    this.#inbox.end(error.message);
  }
}
