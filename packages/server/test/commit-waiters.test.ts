import type { EndSignal } from "@tributary/live";
import { expect, test } from "vitest";
import { CommitWaiters } from "../src/database/commit-waiters.js";
import { ManualClock } from "./support/manual-clock.js";
import { settle } from "./support/settle.js";

const never: EndSignal = { aborted: false, addEventListener() {}, removeEventListener() {} };

test("a commit wakes all who wait, and the first have done what they can before the last are woken", async () => {
  const waiters = new CommitWaiters(new ManualClock());
  const done: string[] = [];
  const follow = async (n: number): Promise<void> => {
    await waiters.wait(1_000, never);
    done.push(`woken ${n}`);
    for (let step = 0; step < 10; step++) await Promise.resolve();
    done.push(`answered ${n}`);
  };
  const all = Promise.all(Array.from({ length: 100 }, (_, n) => follow(n)));
  expect(waiters.size).toBe(100);
  waiters.wakeAll();
  // One more commit at the same time changes nothing.
  waiters.wakeAll();
  await all;
  expect(waiters.size).toBe(0);
  expect(done.filter((what) => what.startsWith("answered"))).toHaveLength(100);
  expect(done.indexOf("answered 31")).toBeLessThan(done.indexOf("woken 99"));
});

test("who is woken later than it has given up, or has begun to wait again, is not disturbed", async () => {
  const clock = new ManualClock();
  const waiters = new CommitWaiters(clock);
  const many = Array.from({ length: 99 }, () => waiters.wait(1_000, never));
  const giving = new AbortController();
  const last = waiters.wait(1_000, giving.signal);
  waiters.wakeAll();
  giving.abort();
  await last;
  let isOver = false;
  const next = waiters.wait(1_000, never).then(() => {
    isOver = true;
  });
  await Promise.all(many);
  await settle();
  expect(isOver).toBe(false);
  clock.advance(1_000);
  await next;
  expect(waiters.size).toBe(0);
  expect(clock.timerCount).toBe(0);
});
