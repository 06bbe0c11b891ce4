import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "@tributary/core";

/** Time and randomness of this machine. */
export const nodeClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds) => delay(milliseconds),
  randomBytes: (count) => Uint8Array.from(randomBytes(count)),
};
