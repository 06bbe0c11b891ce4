import type { Channel, ChannelEvents, SendOutcome } from "@tributary/core";

/** Where a channel is cut. */
export interface CutPlan {
  /** At this message, of both directions together and of all channels of the plan; the first is 1. 0: never. */
  readonly at: number;
  /** Whether that message still arrives. */
  readonly arrives: boolean;
}

/** Counts the messages of one client, and cuts its channel once. */
export class ChannelCutter {
  messages = 0;
  /** The numbers of those that the client has sent. */
  readonly sent: number[] = [];
  readonly #plan: CutPlan;

  constructor(plan: CutPlan) {
    this.#plan = plan;
  }

  wrap(channel: Channel): Channel {
    return {
      listen: (events: ChannelEvents) =>
        channel.listen({
          onMessage: (message) => this.#pass(channel, () => events.onMessage(message)),
          onDrain: () => events.onDrain(),
          onClose: (reason) => events.onClose(reason),
        }),
      send: (message) => {
        let outcome: SendOutcome = "sent";
        this.sent.push(this.messages + 1);
        this.#pass(channel, () => {
          outcome = channel.send(message);
        });
        return outcome;
      },
      close: (reason) => channel.close(reason),
    };
  }

  #pass(channel: Channel, deliver: () => void): void {
    const { at, arrives } = this.#plan;
    this.messages += 1;
    if (this.messages !== at || arrives) deliver();
    if (this.messages === at) channel.close("cut by the test");
  }
}
