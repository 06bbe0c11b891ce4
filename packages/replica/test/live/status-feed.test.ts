import { expect, it } from "vitest";
import { StatusFeed } from "../../src/live/status-feed.js";
import type { ReplicaStatus } from "../../src/replica-status.js";
import { settled } from "./support/driver-stage.js";

const STATUS: ReplicaStatus = {
  state: "connecting",
  transport: undefined,
  reason: undefined,
  committed: 0,
  sent: 0,
  acknowledged: 0,
  lastError: undefined,
};

/** A status that a test sets, and its feed. */
function stage(): { feed: StatusFeed; set(changes: Partial<ReplicaStatus>): void } {
  let status = STATUS;
  const feed = new StatusFeed(() => status);
  return {
    feed,
    set(changes) {
      status = { ...status, ...changes };
      feed.touch();
    },
  };
}

it("gives the status as it is, then each other one, and ends with closed", async () => {
  const { feed, set } = stage();
  const seen: ReplicaStatus[] = [];
  const watching = (async () => {
    for await (const status of feed.watch()) seen.push(status);
  })();
  await settled();
  set({ state: "live", transport: "http" });
  await settled();
  set({});
  await settled();
  set({ committed: 3 });
  set({ sent: 3 });
  await settled();
  set({ state: "closed" });
  await watching;
  expect(seen.map(({ state, committed, sent }) => [state, committed, sent])).toEqual([
    ["connecting", 0, 0],
    ["live", 0, 0],
    ["live", 3, 3],
    ["closed", 3, 3],
  ]);
});

it("gives a slow watcher the last one, and each watcher its own", async () => {
  const { feed, set } = stage();
  const slow = feed.watch();
  const fast = feed.watch();
  await Promise.all([slow.next(), fast.next()]);
  for (let committed = 1; committed <= 1000; committed++) set({ committed });
  expect((await fast.next()).value?.committed).toBe(1000);
  set({ state: "closed" });
  expect((await slow.next()).value?.state).toBe("closed");
  expect(await slow.next()).toEqual({ done: true, value: undefined });
});

it("ends for who leaves, also while nothing happens", async () => {
  const { feed, set } = stage();
  const watcher = feed.watch();
  await watcher.next();
  const waiting = watcher.next();
  await watcher.return?.();
  expect(await waiting).toEqual({ done: true, value: undefined });
  set({ committed: 1 });
  expect(await watcher.next()).toEqual({ done: true, value: undefined });
});
