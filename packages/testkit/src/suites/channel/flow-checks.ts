import { equal, ok } from "node:assert/strict";
import type { Channel } from "@tributary/core";
import type { Check } from "../check.js";
import type { ChannelContext } from "./channel-context.js";
import { ChannelEar } from "./channel-ear.js";
import { messageOf, sameMessages } from "./channel-messages.js";

const PIECE_BYTES = 64 * 1024;
/** More than any transport should keep for a receiver that takes nothing, bytes. */
const TOO_MUCH_BYTES = 64 << 20;
/** A sender that was not drained for so long is held back, ms. */
const HELD_BACK_MS = 150;

/** How a sender is kept from filling memory. */
export function flowChecks(patienceMs: number): readonly Check<ChannelContext>[] {
  return [
    heldBack("left to right", patienceMs, ({ left, right }) => [left, right]),
    heldBack("right to left", patienceMs, ({ left, right }) => [right, left]),
    {
      name: "what is sent past full is taken too, and one onDrain follows",
      async run({ left, right }) {
        const [sender, receiver] = [new ChannelEar(patienceMs), new ChannelEar(patienceMs)];
        left.listen(sender);
        let count = 0;
        while (left.send(messageOf(count++, PIECE_BYTES)) !== "full") {
          ok(count * PIECE_BYTES < TOO_MUCH_BYTES, "a sender that does not wait is told full at last");
        }
        left.send(messageOf(count++, PIECE_BYTES));
        right.listen(receiver);
        await receiver.until(() => receiver.messages.length >= count, "all messages come");
        await sender.until(() => sender.drains > 0, "onDrain comes after full");
        equal(sender.drains, 1);
        sameMessages(
          receiver.messages,
          Array.from({ length: count }, (_, index) => messageOf(index, PIECE_BYTES)),
        );
      },
    },
    {
      name: "a sender that listens only later is told of the drain too",
      async run({ left, right }) {
        let count = 0;
        while (left.send(messageOf(count++, PIECE_BYTES)) !== "full") {
          ok(count * PIECE_BYTES < TOO_MUCH_BYTES, "a sender that does not wait is told full at last");
        }
        const [sender, receiver] = [new ChannelEar(patienceMs), new ChannelEar(patienceMs)];
        right.listen(receiver);
        await receiver.until(() => receiver.messages.length >= count, "all messages come");
        left.listen(sender);
        await sender.until(() => sender.drains > 0, "onDrain comes after full");
      },
    },
  ];
}

function heldBack(
  name: string,
  patienceMs: number,
  endsOf: (context: ChannelContext) => readonly [from: Channel, to: Channel],
): Check<ChannelContext> {
  return {
    name: `a sender is held back while nobody takes anything, and goes on when somebody does, ${name}`,
    async run(context) {
      const [from, to] = endsOf(context);
      const [sender, receiver] = [new ChannelEar(patienceMs), new ChannelEar(patienceMs)];
      from.listen(sender);
      let count = 0;
      for (;;) {
        ok(
          count * PIECE_BYTES < TOO_MUCH_BYTES,
          "no transport takes 64 MiB for a receiver that takes nothing",
        );
        const drains = sender.drains;
        const outcome = from.send(messageOf(count++, PIECE_BYTES));
        if (outcome === "sent") continue;
        equal(outcome, "full");
        // What the network keeps itself, such as the buffers of a connection, may let the sender go on for a while.
        if (!(await sender.holdsWithin(() => sender.drains > drains, HELD_BACK_MS))) break;
      }
      const { drains } = sender;
      to.listen(receiver);
      await receiver.until(() => receiver.messages.length >= count, "all messages come");
      await sender.until(() => sender.drains > drains, "onDrain comes when the receiver takes what was sent");
      await sender.sendAll(from, [messageOf(count++, 10)]);
      await receiver.until(() => receiver.messages.length >= count, "the channel goes on");
      sameMessages(
        receiver.messages,
        Array.from({ length: count }, (_, index) => messageOf(index, index === count - 1 ? 10 : PIECE_BYTES)),
      );
    },
  };
}
