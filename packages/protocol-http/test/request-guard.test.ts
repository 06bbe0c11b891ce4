import { expect, it } from "vitest";
import { GuardError, RequestGuard } from "../src/request-guard.js";
import { TestClock } from "./test-clock.js";

const never = (): Promise<never> => new Promise(() => {});

it("ends a step, and tells who listens, when the caller's signal is aborted", async () => {
  const caller = new AbortController();
  const guard = new RequestGuard(new TestClock(), caller.signal);
  const told: unknown[] = [];
  guard.listen((reason) => told.push(reason));
  guard.listen(() => told.push("not any more"))();
  const { signal } = guard;
  const step = guard.run(never(), 1_000);
  caller.abort("enough");
  const reason = await step.catch((error: unknown) => error);
  expect(reason).toBeInstanceOf(GuardError);
  expect(reason).toMatchObject({ reason: "aborted", cause: "enough" });
  expect([told, guard.reason, signal.aborted, signal.reason]).toEqual([[reason], reason, true, reason]);
  expect(guard.signal.reason, "a signal that is asked for later").toBe(reason);
});

it("fails at once with a step that begins when it has ended", async () => {
  const guard = new RequestGuard(new TestClock(), AbortSignal.abort("enough"));
  await expect(guard.run(Promise.reject(new Error("lost")), 1_000)).rejects.toBe(guard.reason);
});

it("lets go of the caller's signal", () => {
  const caller = new AbortController();
  const guard = new RequestGuard(new TestClock(), caller.signal);
  guard.dispose();
  caller.abort();
  expect(guard.reason).toBeUndefined();
});
