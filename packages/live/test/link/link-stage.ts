import { createRandom, type SeededRandom } from "@tributary/testkit";
import {
  type ChannelFaults,
  createFaultyChannels,
  type FaultyChannels,
} from "../../../../tests/support/faulty-channel.js";
import { SteppedClock } from "../../../../tests/support/stepped-clock.js";
import { linkStreams, type StreamLink, type StreamLinkOptions } from "../../src/index.js";
import { FakeStreams } from "./fake-streams.js";

/** How a link has ended, `undefined` while it goes on. */
export type End = { readonly error: Error | undefined } | undefined;

/** Two databases in memory, which can be linked again and again. */
export class LinkStage {
  readonly random: SeededRandom;
  readonly clock: SteppedClock;
  readonly left = new FakeStreams("left");
  readonly right = new FakeStreams("right");
  channels!: FaultyChannels;
  leftLink!: StreamLink;
  rightLink!: StreamLink;
  leftEnd: End;
  rightEnd: End;

  constructor(seed = 1) {
    this.random = createRandom(seed);
    this.clock = new SteppedClock(this.random);
  }

  link(
    faults: ChannelFaults = {},
    options: { left?: Partial<StreamLinkOptions>; right?: Partial<StreamLinkOptions> } = {},
  ): void {
    this.channels = createFaultyChannels(this.clock, this.random, faults);
    [this.leftEnd, this.rightEnd] = [undefined, undefined];
    this.leftLink = linkStreams(this.channels.left, {
      streams: this.left,
      clock: this.clock,
      onClose: (error) => {
        this.leftEnd = { error };
      },
      ...options.left,
    });
    this.rightLink = linkStreams(this.channels.right, {
      streams: this.right,
      clock: this.clock,
      onClose: (error) => {
        this.rightEnd = { error };
      },
      ...options.right,
    });
  }

  isInStep(): boolean {
    const [left, right] = [this.left.values.sort(), this.right.values.sort()];
    return left.join() === right.join();
  }
}

export function valuesOf(name: string, count: number, from = 1): string[] {
  return Array.from({ length: count }, (_, index) => `${name}${from + index}`);
}
