import { equal, ok } from "node:assert/strict";
import type { Channel } from "@tributary/core";
import type { Check } from "../check.js";
import type { ChannelContext, ChannelOptions } from "./channel-context.js";
import { ChannelEar, turns } from "./channel-ear.js";
import { messageOf, randomMessages, sameMessages } from "./channel-messages.js";

const REASON = "enough for today";

function twoEars(patienceMs: number): readonly [ChannelEar, ChannelEar] {
  return [new ChannelEar(patienceMs), new ChannelEar(patienceMs)];
}

/** Both ends are told once that it is over, and nothing else any more. */
async function isOver(ends: readonly (readonly [Channel, ChannelEar])[]): Promise<void> {
  for (const [channel, ear] of ends) {
    await ear.until(() => ear.closeReasons.length > 0, "onClose comes");
    equal(channel.send(messageOf(1, 10)), "closed", "send after the end says so");
  }
  await turns();
  for (const [channel] of ends) {
    channel.close("again");
    equal(channel.send(messageOf(1, 10)), "closed", "send after the end says so");
  }
  await turns();
  for (const [, ear] of ends) {
    equal(ear.closeReasons.length, 1, "onClose comes once");
    equal(typeof ear.closeReasons[0], "string", "with a reason");
    ok(ear.closeReasons[0] !== "", "with a reason that says something");
    equal(ear.afterClose, 0, "nothing is told afterwards");
  }
}

function closing(
  name: string,
  options: ChannelOptions,
  patienceMs: number,
  endsOf: (context: ChannelContext) => readonly [closer: Channel, other: Channel],
): readonly Check<ChannelContext>[] {
  const checks: Check<ChannelContext>[] = [
    {
      name: `close ends both directions, and each end is told once, ${name}`,
      async run(context) {
        const [closer, other] = endsOf(context);
        const [ear, otherEar] = twoEars(patienceMs);
        closer.listen(ear);
        other.listen(otherEar);
        closer.close(REASON);
        equal(closer.send(messageOf(1, 10)), "closed", "send after close says so");
        closer.close("another reason");
        await isOver([
          [closer, ear],
          [other, otherEar],
        ]);
        equal(ear.closeReasons[0], REASON, "the end that closes is told its own reason");
        if (options.carriesReason !== false) equal(otherEar.closeReasons[0], REASON, "so is the other one");
        equal(ear.messages.length + otherEar.messages.length, 0, "what was sent after close does not come");
      },
    },
    {
      name: `after close nothing comes but the end, ${name}`,
      async run(context) {
        const [closer, other] = endsOf(context);
        const [ear, otherEar] = twoEars(patienceMs);
        closer.listen(ear);
        other.listen(otherEar);
        for (let count = 0; count < 20; count++) other.send(messageOf(count, 100));
        await ear.until(() => ear.messages.length > 0, "a message comes");
        closer.close();
        const { length } = ear.messages;
        other.send(messageOf(30, 100));
        await isOver([
          [closer, ear],
          [other, otherEar],
        ]);
        equal(ear.messages.length, length, "no message comes after close");
      },
    },
    {
      name: `close from where a message is told keeps back the next ones, ${name}`,
      async run(context) {
        const [closer, other] = endsOf(context);
        const [ear, otherEar] = twoEars(patienceMs);
        ear.onEach = () => closer.close(REASON);
        for (let count = 0; count < 5; count++) other.send(messageOf(count, 100));
        closer.listen(ear);
        other.listen(otherEar);
        await isOver([
          [closer, ear],
          [other, otherEar],
        ]);
        equal(ear.messages.length, 1, "no message comes after close");
      },
    },
  ];
  if (options.deliversBeforeClose === false) return checks;
  return [
    ...checks,
    {
      name: `what was taken before close arrives before the end, ${name}`,
      async run(context) {
        const [closer, other] = endsOf(context);
        const [ear, otherEar] = twoEars(patienceMs);
        closer.listen(ear);
        other.listen(otherEar);
        const sent = randomMessages(29, 40, 30_000);
        for (const message of sent) closer.send(message);
        closer.close(REASON);
        await isOver([
          [closer, ear],
          [other, otherEar],
        ]);
        sameMessages(otherEar.messages, sent);
      },
    },
    {
      name: `who listens only after the other end has closed is told all the same, ${name}`,
      async run(context) {
        const [closer, other] = endsOf(context);
        const [ear, otherEar] = twoEars(patienceMs);
        const sent = randomMessages(31, 10, 1_000);
        for (const message of sent) closer.send(message);
        closer.close(REASON);
        await turns();
        closer.listen(ear);
        other.listen(otherEar);
        await isOver([
          [closer, ear],
          [other, otherEar],
        ]);
        sameMessages(otherEar.messages, sent);
      },
    },
  ];
}

/** How a channel ends. */
export function closeChecks(options: ChannelOptions, patienceMs: number): readonly Check<ChannelContext>[] {
  return [
    ...closing("closed by the left", options, patienceMs, ({ left, right }) => [left, right]),
    ...closing("closed by the right", options, patienceMs, ({ left, right }) => [right, left]),
    {
      name: "both ends may close at once",
      async run({ left, right }) {
        const [leftEar, rightEar] = twoEars(patienceMs);
        left.listen(leftEar);
        right.listen(rightEar);
        left.close("left");
        right.close("right");
        await isOver([
          [left, leftEar],
          [right, rightEar],
        ]);
        equal(leftEar.closeReasons[0], "left");
        equal(typeof rightEar.closeReasons[0], "string");
      },
    },
  ];
}

/** How a channel ends that nobody has closed. */
export function cutChecks(patienceMs: number): readonly Check<ChannelContext>[] {
  const cutOff = async ({ cut }: ChannelContext): Promise<void> => {
    ok(cut !== undefined, "with canCut, the set-up gives cut");
    await cut();
  };
  return [
    {
      name: "both ends are told that the network has gone away",
      async run(context) {
        const { left, right } = context;
        const [leftEar, rightEar] = twoEars(patienceMs);
        left.listen(leftEar);
        right.listen(rightEar);
        left.send(messageOf(1, 100));
        await rightEar.until(() => rightEar.messages.length === 1, "a message comes");
        await cutOff(context);
        await isOver([
          [left, leftEar],
          [right, rightEar],
        ]);
      },
    },
    {
      name: "a network that goes away in the middle of messages leaves whole ones, in order",
      async run(context) {
        const { left, right } = context;
        const [leftEar, rightEar] = twoEars(patienceMs);
        const sent = randomMessages(37, 40, 100_000);
        left.listen(leftEar);
        right.listen(rightEar);
        for (const message of sent) left.send(message);
        await cutOff(context);
        await isOver([
          [left, leftEar],
          [right, rightEar],
        ]);
        sameMessages(rightEar.messages, sent.slice(0, rightEar.messages.length));
      },
    },
  ];
}
