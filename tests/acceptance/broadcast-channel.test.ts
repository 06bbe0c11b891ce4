import { readFileSync } from "node:fs";
import { describeChannel } from "@tributary/testkit";
import { expect, test } from "vitest";
import { openBroadcastChannel } from "../../examples/broadcast-channel.js";

let last = 0;

describeChannel("the example of docs/WRITING_A_TRANSPORT.md", () => {
  const name = `sync-${++last}`;
  const [left, right] = [openBroadcastChannel(name, "left"), openBroadcastChannel(name, "right")];
  return {
    left,
    right,
    cleanUp: () => {
      left.close();
      right.close();
    },
  };
});

const root = new URL("../../", import.meta.url);
const example = readFileSync(new URL("examples/broadcast-channel.ts", root), "utf8");

test("the guide quotes the example as it is", () => {
  const guide = readFileSync(new URL("docs/WRITING_A_TRANSPORT.md", root), "utf8");
  const quoted = [...guide.matchAll(/```ts\n\/\/ examples\/broadcast-channel\.ts\n([^`]+)```/g)];
  expect(quoted.length).toBeGreaterThan(1);
  for (const [, part] of quoted) expect(example).toContain(part);
});

test("the example is as short as the guide says", () => {
  expect(example.split("\n").length).toBeLessThan(100);
});
