import { equal } from "node:assert/strict";
import type { Channel } from "@tributary/core";
import type { Check } from "../check.js";
import type { ChannelContext } from "./channel-context.js";
import { ChannelEar } from "./channel-ear.js";
import { messageOf, randomMessages, sameMessages } from "./channel-messages.js";

const MIB = 1 << 20;
/** Around the lengths at which transports change how they write a length, split, or buffer. */
const LENGTHS = [
  0,
  1,
  2,
  125,
  126,
  127,
  128,
  255,
  256,
  4095,
  4096,
  4097,
  16_383,
  16_384,
  65_535,
  65_536,
  65_537,
  262_143,
  262_145,
  MIB - 1,
  MIB,
];
const MANY = 2_000;

type Ends = readonly [from: Channel, to: Channel];

/** Messages, one way. */
function oneWay(
  name: string,
  patienceMs: number,
  endsOf: (context: ChannelContext) => Ends,
): readonly Check<ChannelContext>[] {
  const prepared = (
    context: ChannelContext,
  ): { from: Channel; to: Channel; sender: ChannelEar; receiver: ChannelEar } => {
    const [from, to] = endsOf(context);
    const [sender, receiver] = [new ChannelEar(patienceMs), new ChannelEar(patienceMs)];
    from.listen(sender);
    to.listen(receiver);
    return { from, to, sender, receiver };
  };
  return [
    {
      name: `messages of every length up to 1 MiB come whole and in order, ${name}`,
      async run(context) {
        const { from, sender, receiver } = prepared(context);
        const sent = LENGTHS.map((length, index) => messageOf(index, length));
        await sender.sendAll(from, sent);
        await receiver.until(() => receiver.messages.length >= sent.length, "all messages come");
        sameMessages(receiver.messages, sent);
      },
    },
    {
      name: `many small messages come, each once and in order, ${name}`,
      async run(context) {
        const { from, sender, receiver } = prepared(context);
        const sent = randomMessages(7, MANY, 40);
        await sender.sendAll(from, sent);
        await receiver.until(() => receiver.messages.length >= sent.length, "all messages come");
        sameMessages(receiver.messages, sent);
      },
    },
    {
      name: `the sender may use its bytes again at once, ${name}`,
      async run(context) {
        const { from, sender, receiver } = prepared(context);
        const sent: Uint8Array[] = [];
        // A part of a larger buffer, and one that is a Buffer, whose `slice` does not copy.
        for (const buffer of [new Uint8Array(300_000), Buffer.alloc(300_000)]) {
          for (const length of [10, 1_000, 200_000]) {
            const message = buffer.subarray(77, 77 + length);
            message.set(messageOf(length, length));
            sent.push(new Uint8Array(message));
            const drains = sender.drains;
            const outcome = from.send(message);
            buffer.fill(0xee);
            if (outcome === "full")
              await sender.until(() => sender.drains > drains, "onDrain comes after full");
          }
        }
        await receiver.until(() => receiver.messages.length >= sent.length, "all messages come");
        sameMessages(receiver.messages, sent);
      },
    },
    {
      name: `the receiver may keep and change what it is given, ${name}`,
      async run(context) {
        const { from, sender, receiver } = prepared(context);
        const kept: Uint8Array[] = [];
        receiver.onEach = (message) => {
          kept.push(new Uint8Array(message));
          if (receiver.messages.length % 2 === 0) message.fill(0xdd);
        };
        const sent = randomMessages(11, 60, 3_000);
        const asSent = sent.map((message) => new Uint8Array(message));
        await sender.sendAll(from, sent);
        await receiver.until(() => receiver.messages.length >= sent.length, "all messages come");
        sameMessages(kept, asSent);
        sameMessages(
          receiver.messages.filter((_, index) => index % 2 === 0),
          asSent.filter((_, index) => index % 2 === 0),
        );
        sameMessages(sent, asSent);
      },
    },
    {
      name: `what is sent before somebody listens is kept for them, ${name}`,
      async run(context) {
        const [from, to] = endsOf(context);
        const sent = randomMessages(13, 20, 2_000);
        for (const message of sent) from.send(message);
        const [sender, receiver] = [new ChannelEar(patienceMs), new ChannelEar(patienceMs)];
        from.listen(sender);
        // Something that has come all the way back is likely to have found the other messages there.
        to.send(messageOf(1, 10));
        await sender.until(() => sender.messages.length === 1, "a message comes back");
        to.listen(receiver);
        const last = messageOf(99, 99);
        await sender.sendAll(from, [last]);
        await receiver.until(() => receiver.messages.length > sent.length, "all messages come");
        sameMessages(receiver.messages, [...sent, last]);
        equal(receiver.closeReasons.length, 0);
      },
    },
  ];
}

/** What becomes of messages. */
export function messageChecks(patienceMs: number): readonly Check<ChannelContext>[] {
  return [
    ...oneWay("left to right", patienceMs, ({ left, right }) => [left, right]),
    ...oneWay("right to left", patienceMs, ({ left, right }) => [right, left]),
    {
      name: "both directions at once do not mix",
      async run({ left, right }) {
        const [leftEar, rightEar] = [new ChannelEar(patienceMs), new ChannelEar(patienceMs)];
        left.listen(leftEar);
        right.listen(rightEar);
        const toRight = randomMessages(17, 300, 20_000);
        const toLeft = randomMessages(19, 300, 20_000);
        await Promise.all([leftEar.sendAll(left, toRight), rightEar.sendAll(right, toLeft)]);
        await rightEar.until(() => rightEar.messages.length >= toRight.length, "all messages come");
        await leftEar.until(() => leftEar.messages.length >= toLeft.length, "all messages come");
        sameMessages(rightEar.messages, toRight);
        sameMessages(leftEar.messages, toLeft);
      },
    },
    {
      name: "a message may be answered from where it is told",
      async run({ left, right }) {
        const [leftEar, rightEar] = [new ChannelEar(patienceMs), new ChannelEar(patienceMs)];
        rightEar.onEach = (message) => void right.send(message);
        left.listen(leftEar);
        right.listen(rightEar);
        const sent = randomMessages(23, 50, 500);
        leftEar.onEach = () => {
          const next = sent[leftEar.messages.length];
          if (next !== undefined) left.send(next);
        };
        left.send(sent[0] as Uint8Array);
        await leftEar.until(() => leftEar.messages.length >= sent.length, "every message comes back");
        sameMessages(leftEar.messages, sent);
      },
    },
  ];
}
