import { expect, test } from "vitest";
import { recordChannel } from "../../../tests/support/recorded-channel.js";
import { createMemoryChannels } from "../src/index.js";

test("many empty messages are too much too", () => {
  const [left] = createMemoryChannels({ highWaterBytes: 1_000 });
  const outcomes = Array.from({ length: 20 }, () => left.send(new Uint8Array()));
  expect(outcomes).toContain("full");
});

test("messages come in microtasks, never from inside send", async () => {
  const [left, right] = createMemoryChannels();
  const { log, untilCount } = recordChannel(right);
  left.send(Buffer.from("a"));
  expect(log).toEqual([]);
  await untilCount(1);
  expect(log).toEqual(["message a"]);
});
