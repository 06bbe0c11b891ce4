import { describe, expect, test } from "vitest";
import type { ChannelFaults } from "../../../../tests/support/faulty-channel.js";
import { LinkStage, valuesOf } from "./link-stage.js";

const KINDS: readonly (readonly [string, ChannelFaults])[] = [
  ["drops", { drop: 0.1, delayMs: [1, 20] }],
  ["duplicates", { duplicate: 0.5, delayMs: [1, 20] }],
  ["reorders", { reorder: true, delayMs: [1, 50] }],
  [
    "all of it, on a narrow line",
    { drop: 0.1, duplicate: 0.2, reorder: true, delayMs: [1, 50], highWaterBytes: 600 },
  ],
];

describe("a channel that does not keep its promises", () => {
  test.each(KINDS)("%s: everything arrives, in order, once", async (_name, faults) => {
    for (let seed = 1; seed <= 15; seed++) {
      const stage = new LinkStage(seed);
      const options = { ackTimeoutMs: 200, window: 1 + stage.random.below(8) };
      stage.left.write(...valuesOf("l", stage.random.below(20)));
      stage.link(faults, { left: options, right: options });
      for (let round = 0; round < 10; round++) {
        stage.left.write(...valuesOf(`l${round}.`, stage.random.below(8)));
        stage.right.write(...valuesOf(`r${round}.`, stage.random.below(8)));
        await stage.clock.advance(stage.random.below(100));
      }
      const { left, right } = stage;
      await stage.clock.until(() => stage.isInStep(), 300_000);
      expect(new Set(left.values).size, `seed ${seed}`).toBe(left.values.length);
      const ofLeft = (values: string[]): string[] => values.filter((value) => value.startsWith("l"));
      expect(ofLeft(right.values), `seed ${seed}`).toEqual(ofLeft(left.values));
      expect([stage.leftEnd, stage.rightEnd], `seed ${seed}`).toEqual([undefined, undefined]);
    }
  });

  test("a link over it comes to rest: nothing is sent when there is nothing to say", async () => {
    const stage = new LinkStage(7);
    stage.link({ drop: 0.1, duplicate: 0.3, reorder: true, delayMs: [1, 30] });
    stage.left.write(...valuesOf("l", 40));
    stage.right.write(...valuesOf("r", 40));
    await stage.clock.until(() => stage.isInStep());
    await stage.clock.advance(300_000);
    const { sent } = stage.channels;
    await stage.clock.advance(3_600_000);
    expect(stage.channels.sent).toBe(sent);
  });
});

describe("a channel that is cut", () => {
  test("after every message, again and again: nothing is lost, nothing doubled", async () => {
    const count = await messagesOf({});
    expect(count).toBeGreaterThan(20);
    for (let cutAfter = 0; cutAfter <= count; cutAfter++) await messagesOf({ cutAfter });
  });

  test("at every message, both ends are told, and nothing is left running", async () => {
    for (let cutAfter = 0; cutAfter < 20; cutAfter++) {
      const stage = new LinkStage(cutAfter);
      stage.left.write(...valuesOf("l", 30));
      stage.link({ cutAfter, delayMs: [1, 5] });
      await stage.clock.until(() => stage.leftEnd !== undefined && stage.rightEnd !== undefined);
      for (const end of [stage.leftEnd, stage.rightEnd])
        expect(end?.error).toMatchObject({ code: "unreachable" });
      for (const { open, listeners } of [stage.left, stage.right]) expect([open, listeners]).toEqual([0, 0]);
    }
  });
});

/** Brings two databases in step over channels of which the first is cut, and gives how many messages it took. */
async function messagesOf(faults: ChannelFaults): Promise<number> {
  const stage = new LinkStage(3);
  stage.left.write(...valuesOf("l", 12), "x".repeat(300_000));
  stage.right.write(...valuesOf("r", 12));
  stage.link({ delayMs: [1, 5], ...faults });
  const write = stage.clock.startTimer(8, () => stage.left.write(...valuesOf("later", 6)));
  await stage.clock.until(
    () => stage.leftEnd !== undefined || (stage.left.values.length === 31 && stage.isInStep()),
  );
  if (faults.cutAfter !== undefined) {
    write.cancel();
    stage.left.write("after the cut");
    stage.link({ delayMs: [1, 5] });
    await stage.clock.until(() => stage.isInStep());
  }
  await stage.clock.advance(1000);
  expect(new Set(stage.left.values).size).toBe(stage.left.values.length);
  expect(new Set(stage.right.values).size).toBe(stage.right.values.length);
  return stage.channels.sent;
}
