import type { Clock } from "@tributary/core";
import { type ClockContext, clockChecks, createRandom, createVirtualClock } from "@tributary/testkit";
import { type Break, testBreaks } from "./test-breaks.js";

const NOW = "now is in milliseconds since 1970, and does not go back";
const SLEEP = "sleep ends after as many milliseconds";
const BYTES = "randomBytes gives as many bytes as were asked for, others each time";

const BREAKS: readonly Break<Clock>[] = [
  {
    name: "time is in seconds",
    caughtBy: NOW,
    broken: (good) => ({ now: async () => (await good.now()) / 1000 }),
  },
  {
    name: "time goes back",
    caughtBy: NOW,
    broken: () => {
      let time = Date.UTC(2026);
      return { now: () => time-- };
    },
  },
  { name: "sleep ends at once", caughtBy: SLEEP, broken: () => ({ sleep: () => {} }) },
  {
    name: "sleep takes seconds",
    caughtBy: SLEEP,
    broken: (good) => ({ sleep: (milliseconds) => good.sleep(milliseconds * 1000) }),
  },
  {
    name: "the bytes are the same each time",
    caughtBy: BYTES,
    broken: () => ({ randomBytes: (count) => createRandom(3).bytes(count) }),
  },
  {
    name: "only the first 65 536 bytes are random",
    caughtBy: BYTES,
    broken: (good) => ({
      randomBytes: async (count) => {
        const bytes = new Uint8Array(count);
        bytes.set(await good.randomBytes(Math.min(count, 65_536)));
        return bytes;
      },
    }),
  },
  {
    name: "there are fewer bytes than asked for",
    caughtBy: BYTES,
    broken: (good) => ({ randomBytes: async (count) => (await good.randomBytes(count)).subarray(0, 65_536) }),
  },
  {
    name: "all bytes come in one buffer",
    caughtBy: "the bytes are the caller's",
    broken: (good) => {
      const shared = new Uint8Array(100_000);
      return {
        randomBytes: async (count) => {
          shared.set(await good.randomBytes(count));
          return shared.subarray(0, count);
        },
      };
    },
  },
];

testBreaks<Clock, ClockContext>("the suite of Clock fails where", clockChecks(), BREAKS, (wrap) => () => ({
  clock: wrap(createVirtualClock(createRandom(1))),
}));
