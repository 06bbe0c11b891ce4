import { equal, notDeepEqual, ok } from "node:assert/strict";
import type { Clock } from "@tributary/core";
import type { Check, CheckContext, SetUp } from "./check.js";
import { describeChecks } from "./describe-checks.js";

/** What the suite of the clock port needs. */
export interface ClockContext extends CheckContext {
  readonly clock: Clock;
}

/** In milliseconds. A clock in seconds or microseconds falls outside of these. */
const YEAR_2020 = Date.UTC(2020);
const YEAR_2200 = Date.UTC(2200);
/** Timers of some hosts are a little early. */
const EARLY_MS = 2;
/** More than `crypto.getRandomValues` gives at once. */
const MANY_BYTES = 100_000;

/** The promises of `Clock`, one by one. */
export function clockChecks(): readonly Check<ClockContext>[] {
  return [
    {
      name: "now is in milliseconds since 1970, and does not go back",
      async run({ clock }) {
        let last = await clock.now();
        ok(last > YEAR_2020 && last < YEAR_2200, `${last} are milliseconds since 1970`);
        for (let read = 0; read < 100; read++) {
          const now = await clock.now();
          ok(now >= last, `${now} is not before ${last}`);
          last = now;
        }
      },
    },
    {
      name: "sleep ends after as many milliseconds",
      async run({ clock }) {
        for (const milliseconds of [0, 1, 30]) {
          const before = await clock.now();
          await clock.sleep(milliseconds);
          const slept = (await clock.now()) - before;
          ok(slept >= milliseconds - EARLY_MS, `${milliseconds} ms, not ${slept}`);
          ok(slept < milliseconds + 10_000, `${milliseconds} ms, not ${slept}`);
        }
      },
    },
    {
      name: "randomBytes gives as many bytes as were asked for, others each time",
      async run({ clock }) {
        for (const count of [0, 1, 16, MANY_BYTES]) {
          const bytes = await clock.randomBytes(count);
          ok(bytes instanceof Uint8Array);
          equal(bytes.length, count);
        }
        const many = await clock.randomBytes(MANY_BYTES);
        for (const part of [many.subarray(0, 1000), many.subarray(-1000)]) {
          // Of 1000 bytes, fewer than 200 of 256 different ones do not come by chance.
          ok(new Set(part).size > 200, "they look random from beginning to end");
        }
        const seen = new Set<string>();
        for (let read = 0; read < 1_000; read++)
          seen.add(Buffer.from(await clock.randomBytes(16)).toString("hex"));
        equal(seen.size, 1_000, "different ones");
      },
    },
    {
      name: "the bytes are the caller's",
      async run({ clock }) {
        const first = await clock.randomBytes(16);
        const copy = Uint8Array.from(first);
        const second = await clock.randomBytes(16);
        second.fill(0);
        equal(Buffer.from(first).equals(copy), true, "what came before stays as it was");
        notDeepEqual([...(await clock.randomBytes(16))], [...second], "what comes after is new");
      },
    },
  ];
}

/** The acceptance suite of the clock port: makes a test of each promise. `setUp` is called for each of them. */
export function describeClock(name: string, setUp: SetUp<ClockContext>): void {
  describeChecks(`${name} as Clock`, clockChecks(), setUp);
}
