import type { Channel, ChannelEvents, SendOutcome } from "@tributary/core";
import { ChannelInbox } from "../../src/index.js";

/** One end of a duplex in memory. */
export class PairEnd implements Channel {
  readonly inbox = new ChannelInbox({ isDeferred: true });
  other!: PairEnd;
  /** What `send` answers while the other end is there. */
  outcome: SendOutcome = "sent";
  closeReason: string | undefined;

  listen(events: ChannelEvents): void {
    this.inbox.listen(events);
  }

  send(message: Uint8Array): SendOutcome {
    if (this.inbox.isEnded) return "closed";
    this.other.inbox.push(new Uint8Array(message));
    return this.outcome;
  }

  close(reason = "closed"): void {
    this.closeReason ??= reason;
    this.inbox.close(reason);
    this.other.inbox.end(reason);
  }
}

export function createChannelPair(): readonly [PairEnd, PairEnd] {
  const [left, right] = [new PairEnd(), new PairEnd()];
  left.other = right;
  right.other = left;
  return [left, right];
}
