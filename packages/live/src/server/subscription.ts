import type { LiveClientMessage } from "@tributary/wire";
import type { LiveClock } from "../live-clock.js";
import type { LiveLimits } from "./live-host.js";
import type { LiveOutbox } from "./live-outbox.js";

/** A message of the client of that type. */
export type ClientMessage<Type extends LiveClientMessage["type"]> = Extract<
  LiveClientMessage,
  { type: Type }
>;

/** What a subscription asks of its channel. */
export interface SubscriptionOwner {
  readonly clock: LiveClock;
  readonly limits: LiveLimits;
  readonly outbox: LiveOutbox;
  /** The subscription is open: tells the client. */
  opened(sub: number): void;
  /** Tells the client what became of a request (0: of the subscription, which is closed) where that is its business, else closes the channel. */
  fail(sub: number, request: number, error: unknown): void;
  /** Something that was asked for is done. */
  settled(): void;
}

/** Something that a client has opened. */
export interface Subscription {
  /** Whether something that came is not answered yet. */
  readonly isBusy: boolean;
  /** Ends what merely waits: nothing more will come. */
  finish(): void;
  /** Lets go of everything. Nothing is told to the client any more. Calling it again does nothing. */
  end(reason: string): void;
}
