import type { Dispatcher } from "undici";
import { expect, it } from "vitest";
import { UndiciAnswer } from "../src/undici-answer.js";

/** A connection that notes what is asked of it. */
function setUp(): {
  readonly calls: string[];
  readonly controller: Dispatcher.DispatchController;
  readonly end: (reason: Error) => void;
  readonly answer: UndiciAnswer;
} {
  const calls: string[] = [];
  const controller = {
    pause: () => calls.push("pause"),
    resume: () => calls.push("resume"),
    abort: (reason: Error) => calls.push(`abort: ${reason.message}`),
  } as unknown as Dispatcher.DispatchController;
  const listeners = new Set<(reason: unknown) => void>();
  const answer = new UndiciAnswer({
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });
  const end = (reason: Error): void => {
    for (const listener of listeners) listener(reason);
  };
  return { calls, controller, end, answer };
}

const PART = new Uint8Array(1024);

it("gives at once what has come, to its end", async () => {
  const { calls, controller, answer } = setUp();
  answer.onRequestStart(controller);
  answer.onResponseStart(controller, 103, { link: "early" });
  answer.onResponseStart(controller, 200, { "content-length": "1024", vary: ["a", "b"] });
  answer.onResponseData(controller, PART);
  answer.onResponseEnd();
  expect(await answer.begun).toBe(answer);
  expect([answer.status, answer.header("link"), answer.header("vary")]).toEqual([200, undefined, "a, b"]);
  expect(answer.read()).toBe(PART);
  expect(answer.read()).toBe(undefined);
  answer.discard();
  expect(calls.filter((call) => call.startsWith("abort"))).toEqual([]);
});

it("holds the connection up while much waits to be read", async () => {
  const { calls, controller, answer } = setUp();
  answer.onRequestStart(controller);
  answer.onResponseStart(controller, 200, {});
  const first = answer.read();
  answer.onResponseData(controller, PART);
  expect(await first).toBe(PART);
  for (let count = 0; count < 63; count++) answer.onResponseData(controller, PART);
  expect(calls).toEqual([]);
  answer.onResponseData(controller, PART);
  expect(calls).toEqual(["pause"]);
  for (let count = 0; count < 63; count++) answer.read();
  expect(calls).toEqual(["pause"]);
  answer.read();
  expect(calls).toEqual(["pause", "resume"]);
});

it("fails after what has come", async () => {
  const { controller, answer } = setUp();
  answer.onRequestStart(controller);
  answer.onResponseStart(controller, 200, {});
  answer.onResponseData(controller, PART);
  answer.onResponseError(controller, new Error("cut"));
  expect(answer.read()).toBe(PART);
  expect(() => answer.read()).toThrow("cut");
});

it("ends a request that is aborted before it has a connection, as soon as it has one", async () => {
  const { calls, controller, end, answer } = setUp();
  end(new Error("enough"));
  await expect(answer.begun).rejects.toThrow("enough");
  answer.onRequestStart(controller);
  expect(calls).toEqual(["abort: enough"]);
});

it("ends an answer that is aborted, or dropped, while it comes", async () => {
  const aborted = setUp();
  aborted.answer.onRequestStart(aborted.controller);
  aborted.answer.onResponseStart(aborted.controller, 200, {});
  const coming = aborted.answer.read();
  aborted.end(new Error("enough"));
  await expect(coming).rejects.toThrow("enough");
  expect(aborted.calls).toEqual(["abort: enough"]);
  const dropped = setUp();
  dropped.answer.onRequestStart(dropped.controller);
  dropped.answer.onResponseStart(dropped.controller, 200, {});
  dropped.answer.discard();
  dropped.end(new Error("too late"));
  expect(dropped.calls).toEqual(["abort: the answer was dropped"]);
});
