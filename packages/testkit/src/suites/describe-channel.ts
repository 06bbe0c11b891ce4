import type { ChannelContext, ChannelOptions } from "./channel/channel-context.js";
import { closeChecks, cutChecks } from "./channel/close-checks.js";
import { flowChecks } from "./channel/flow-checks.js";
import { messageChecks } from "./channel/message-checks.js";
import type { Check, SetUp } from "./check.js";
import { describeChecks } from "./describe-checks.js";

/** The promises of `Channel`, one by one. */
export function channelChecks(options: ChannelOptions = {}): readonly Check<ChannelContext>[] {
  const { patienceMs = 10_000 } = options;
  return [
    ...messageChecks(patienceMs),
    ...(options.holdsBack === false ? [] : flowChecks(patienceMs)),
    ...closeChecks(options, patienceMs),
    ...(options.canCut === true ? cutChecks(patienceMs) : []),
  ];
}

/** The acceptance suite of a transport's channels: makes a test of each promise. `setUp` is called for each of them. */
export function describeChannel(
  name: string,
  setUp: SetUp<ChannelContext>,
  options: ChannelOptions = {},
): void {
  describeChecks(`${name} as Channel`, channelChecks(options), setUp);
}
