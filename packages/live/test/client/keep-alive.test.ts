import { expect, test } from "vitest";
import { KeepAlive } from "../../src/client/keep-alive.js";
import { TestClock } from "./test-clock.js";

function watch(clock: TestClock, keepAliveMs: number): { pings: number[]; keepAlive: KeepAlive } {
  const pings: number[] = [];
  const keepAlive = new KeepAlive({
    clock,
    keepAliveMs,
    ping: () => {
      pings.push(clock.now());
      keepAlive.sent();
      // Its answer.
      keepAlive.received();
    },
    onSilence: () => expect.unreachable(),
  });
  return { pings, keepAlive };
}

test("channels that began within the same second are pinged at the same moments, and none too late", async () => {
  const clock = new TestClock();
  await clock.advance(100);
  const one = watch(clock, 45_000);
  await clock.advance(300);
  const other = watch(clock, 45_000);
  await clock.advance(500);
  const third = watch(clock, 45_000);
  await clock.advance(200_000);
  expect(one.pings).toEqual([22_000, 66_000, 110_000, 154_000, 198_000]);
  expect(other.pings).toEqual(one.pings);
  expect(third.pings).toEqual([23_000, 67_000, 111_000, 155_000, 199_000]);
});

test.each([1, 10])("an interval of %i ms is one, too", async (keepAliveMs) => {
  const clock = new TestClock();
  await clock.advance(keepAliveMs / 3);
  const { pings, keepAlive } = watch(clock, keepAliveMs);
  await clock.advance(10 * keepAliveMs);
  keepAlive.stop();
  expect(pings.length).toBeGreaterThanOrEqual(9);
  expect(pings.length).toBeLessThanOrEqual(14);
});
