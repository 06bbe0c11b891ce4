import type { Channel, ChannelEvents, SendOutcome } from "@tributary/core";
import { type ChannelContext, channelChecks } from "@tributary/testkit";
import { createMemoryChannels } from "@tributary/transports";
import { type Break, testBreaks } from "./test-breaks.js";

const LENGTHS = "messages of every length up to 1 MiB come whole and in order, left to right";
const MANY = "many small messages come, each once and in order, left to right";
const KEPT = "what is sent before somebody listens is kept for them, left to right";
const HELD =
  "a sender is held back while nobody takes anything, and goes on when somebody does, left to right";
const ENDS = "close ends both directions, and each end is told once, closed by the left";
const CUT = "both ends are told that the network has gone away";

type Listen = (events: ChannelEvents) => void;

/** A channel whose owner is told otherwise. */
function telling(
  good: Channel,
  change: (events: ChannelEvents) => Partial<ChannelEvents>,
): { listen: Listen } {
  return {
    listen: (events) =>
      good.listen({
        onMessage: (message) => events.onMessage(message),
        onDrain: () => events.onDrain(),
        onClose: (reason) => events.onClose(reason),
        ...change(events),
      }),
  };
}

/** A channel that sends otherwise. */
function sending(change: (good: Channel, message: Uint8Array, count: number) => SendOutcome) {
  return (good: Channel): Partial<Channel> => {
    let count = 0;
    return { send: (message) => change(good, message, count++) };
  };
}

/** A channel that sends the second of two messages first. */
function swapping(good: Channel): Partial<Channel> {
  let held: Uint8Array | undefined;
  return {
    send(message) {
      if (held === undefined) {
        held = new Uint8Array(message);
        return "sent";
      }
      const first = held;
      held = undefined;
      good.send(message);
      return good.send(first);
    },
  };
}

const BREAKS: readonly Break<Channel>[] = [
  {
    name: "long messages come in two",
    caughtBy: LENGTHS,
    broken: sending((good, message) => {
      if (message.length <= 65_536) return good.send(message);
      good.send(message.subarray(0, 65_536));
      return good.send(message.subarray(65_536));
    }),
  },
  {
    name: "an empty message gets lost",
    caughtBy: LENGTHS,
    broken: sending((good, message) => (message.length === 0 ? "sent" : good.send(message))),
  },
  {
    name: "the length of a message is kept in 16 bits",
    caughtBy: LENGTHS,
    broken: sending((good, message) => good.send(message.subarray(0, message.length % 65_536))),
  },
  {
    name: "a message in many comes twice",
    caughtBy: MANY,
    broken: sending((good, message, count) => {
      if (count === 1_500) good.send(message);
      return good.send(message);
    }),
  },
  {
    name: "two messages change places",
    caughtBy: MANY,
    broken: swapping,
  },
  {
    name: "the whole buffer of a part is sent",
    caughtBy: "the sender may use its bytes again at once, left to right",
    broken: sending((good, message) => good.send(new Uint8Array(message.buffer))),
  },
  {
    name: "a message is read when its turn comes",
    caughtBy: "the sender may use its bytes again at once, left to right",
    broken: sending((good, message) => {
      queueMicrotask(() => good.send(message));
      return "sent";
    }),
  },
  {
    name: "all messages come in one buffer",
    caughtBy: "the receiver may keep and change what it is given, left to right",
    broken: (good) => {
      const shared = new Uint8Array(4_000);
      return telling(good, (events) => ({
        onMessage(message) {
          shared.set(message);
          events.onMessage(shared.subarray(0, message.length));
        },
      }));
    },
  },
  {
    name: "what comes before somebody listens is lost",
    caughtBy: KEPT,
    broken: (good) => {
      let events: ChannelEvents | undefined;
      good.listen({
        onMessage: (message) => events?.onMessage(message),
        onDrain: () => events?.onDrain(),
        onClose: (reason) => events?.onClose(reason),
      });
      return {
        listen: (given) => {
          events = given;
        },
      };
    },
  },
  {
    name: "nobody is ever told to wait",
    caughtBy: HELD,
    broken: sending((good, message) => (good.send(message) === "closed" ? "closed" : "sent")),
  },
  {
    name: "nobody is told to go on",
    caughtBy: HELD,
    broken: (good) => telling(good, () => ({ onDrain() {} })),
  },
  {
    name: "a drain that was due before somebody listened is lost",
    caughtBy: "a sender that listens only later is told of the drain too",
    broken: (good) => {
      let isListening = false;
      let wasFull = false;
      return {
        send(message) {
          const outcome = good.send(message);
          wasFull ||= outcome === "full" && !isListening;
          return outcome;
        },
        listen(events) {
          isListening = true;
          telling(good, () => ({ onDrain: () => (wasFull ? undefined : events.onDrain()) })).listen(events);
        },
      };
    },
  },
  {
    name: "what is sent past full is thrown away",
    caughtBy: "what is sent past full is taken too, and one onDrain follows",
    broken: (good) => {
      let isFull = false;
      return {
        send(message) {
          if (isFull) return "full";
          const outcome = good.send(message);
          isFull = outcome === "full";
          return outcome;
        },
      };
    },
  },
  {
    name: "each drain is told twice",
    caughtBy: "what is sent past full is taken too, and one onDrain follows",
    broken: (good) =>
      telling(good, (events) => ({
        onDrain() {
          events.onDrain();
          events.onDrain();
        },
      })),
  },
  {
    name: "send after close seems to work",
    caughtBy: ENDS,
    broken: sending((good, message) => {
      good.send(message);
      return "sent";
    }),
  },
  {
    name: "send after close throws",
    caughtBy: ENDS,
    broken: sending((good, message) => {
      const outcome = good.send(message);
      if (outcome === "closed") throw new Error("the channel is closed");
      return outcome;
    }),
  },
  {
    name: "the end is told twice",
    caughtBy: ENDS,
    broken: (good) =>
      telling(good, (events) => ({
        onClose(reason) {
          events.onClose(reason);
          events.onClose(reason);
        },
      })),
  },
  {
    name: "the end that closes is not told",
    caughtBy: ENDS,
    broken: (good) => {
      let isClosed = false;
      return {
        ...telling(good, (events) => ({
          onClose: (reason) => (isClosed ? undefined : events.onClose(reason)),
        })),
        close(reason) {
          isClosed = true;
          good.close(reason);
        },
      };
    },
  },
  { name: "the reason gets lost", caughtBy: ENDS, broken: (good) => ({ close: () => good.close("") }) },
  {
    name: "close does nothing",
    caughtBy: ENDS,
    broken: () => ({ close() {} }),
  },
  {
    name: "messages come after close",
    caughtBy: "close from where a message is told keeps back the next ones, closed by the left",
    broken: (good) => ({ close: (reason) => void setTimeout(() => good.close(reason), 1) }),
  },
  {
    name: "close overtakes messages",
    caughtBy: "what was taken before close arrives before the end, closed by the left",
    broken: (good) => {
      let sent = 0;
      return { send: (message) => (++sent > 20 ? "sent" : good.send(message)) };
    },
  },
  {
    name: "one end does not notice that the network is gone",
    caughtBy: CUT,
    broken: (good) => telling(good, () => ({ onClose() {} })),
  },
];

/** Its methods alone: a break is laid over an object that has them, and private members are not found through one. */
function methodsOf(channel: Channel): Channel {
  return {
    listen: (events) => channel.listen(events),
    send: (message) => channel.send(message),
    close: (reason) => channel.close(reason),
  };
}

testBreaks<Channel, ChannelContext>(
  "the suite of Channel fails where",
  channelChecks({ canCut: true, patienceMs: 250 }),
  BREAKS,
  (wrap) => () => {
    const [left, right] = createMemoryChannels().map(methodsOf) as [Channel, Channel];
    return { left: wrap(left), right: wrap(right), cut: () => left.close("cut") };
  },
);
