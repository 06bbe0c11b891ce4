import type { Clock } from "@tributary/core";
import type { SeededRandom } from "../random/seeded-random.js";

/** Time that only moves when somebody sleeps or says so. All methods answer at once. */
export interface VirtualClock extends Clock {
  now(): number;
  /** Moves the time on, and returns. */
  sleep(milliseconds: number): void;
  randomBytes(count: number): Uint8Array;
}

/** A clock whose time and random bytes are a simulation's. `start` is in milliseconds since the Unix epoch. */
export function createVirtualClock(random: SeededRandom, start: number = Date.UTC(2026, 0, 1)): VirtualClock {
  let time = start;
  return {
    now: () => time,
    sleep(milliseconds) {
      time += milliseconds;
    },
    randomBytes: (count) => random.bytes(count),
  };
}
