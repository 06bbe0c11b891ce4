import type { Channel, ChannelEvents, SendOutcome } from "@tributary/core";
import { ChannelInbox } from "../channel-inbox.js";
import { type LiveHost, LiveRefusal } from "./live-host.js";
import { LiveViolation } from "./live-violation.js";
import type { Subscription, SubscriptionOwner } from "./subscription.js";

/** What may come before anybody listens, in longest messages. */
const MAX_EARLY_MESSAGES = 4;

/** A duplex that a client has opened, as a channel. It ends with the channel that carries it, and never ends that. */
export class StreamSubscription implements Subscription, Channel {
  readonly #number: number;
  readonly #owner: SubscriptionOwner;
  readonly #inbox = new ChannelInbox();
  /** What was sent before the client knows that it is open. */
  readonly #early: Uint8Array[] = [];
  #isOpen = false;
  #waitsForRoom = false;
  readonly isBusy: boolean = false;

  constructor(number: number, owner: SubscriptionOwner) {
    this.#number = number;
    this.#owner = owner;
  }

  async open(database: string, host: LiveHost): Promise<void> {
    try {
      if (host.openStream === undefined)
        throw new LiveRefusal(404, "no-streams", "there are no change streams here");
      await host.openStream(database, this);
      if (this.#inbox.isEnded) return;
      this.#isOpen = true;
      this.#owner.opened(this.#number);
      for (const payload of this.#early.splice(0)) this.#pass(payload);
    } catch (error) {
      if (!this.#inbox.isEnded) this.#owner.fail(this.#number, 0, error);
    }
  }

  /** A message of the client. Throws `LiveViolation`. */
  receive(payload: Uint8Array): void {
    const { maxMessageBytes } = this.#owner.limits;
    this.#inbox.push(payload);
    if (this.#inbox.waitingBytes > MAX_EARLY_MESSAGES * maxMessageBytes)
      throw new LiveViolation("too much came for a stream that nobody listens to yet", "too-much-data", 429);
  }

  listen(events: ChannelEvents): void {
    this.#inbox.listen(events);
  }

  send(message: Uint8Array): SendOutcome {
    if (this.#inbox.isEnded) return "closed";
    if (this.#isOpen) return this.#pass(message);
    // Not `slice`, which does not copy a Buffer.
    this.#early.push(new Uint8Array(message));
    return "sent";
  }

  /** By whoever was given the channel. */
  close(reason: string = "closed"): void {
    if (this.#inbox.isEnded) return;
    this.#inbox.close(reason);
    this.#owner.fail(this.#number, 0, new LiveRefusal(410, "stream-closed", reason));
  }

  finish(): void {
    this.close("the server is closing");
  }

  end(reason: string): void {
    this.#early.length = 0;
    this.#inbox.end(reason);
  }

  #pass(payload: Uint8Array): SendOutcome {
    const { outbox } = this.#owner;
    const outcome = outbox.send({ type: "data", sub: this.#number, payload });
    if (outcome !== "full" || this.#waitsForRoom) return outcome;
    this.#waitsForRoom = true;
    outbox.whenRoom(() => {
      this.#waitsForRoom = false;
      this.#inbox.drain();
    });
    return outcome;
  }
}
