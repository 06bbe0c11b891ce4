import { describe, expect, test } from "vitest";
import type { Coroutine } from "../../src/coroutine/coroutine.js";
import { io } from "../../src/coroutine/io.js";
import { runAsync } from "../../src/coroutine/run-async.js";
import { runSync } from "../../src/coroutine/run-sync.js";
import { SyncError } from "../../src/errors/sync-error.js";
import type { EngineIo } from "../../src/ports/engine-io.js";

const portsOf = (methods: Partial<EngineIo>): EngineIo => methods as EngineIo;

function* nap(): Coroutine<number> {
  const before = yield* io.now();
  yield* io.sleep(5);
  return (yield* io.now()) - before;
}

describe("runSync", () => {
  test("answers requests in order and returns the result", () => {
    let clock = 100;
    const ports = portsOf({
      now: () => clock,
      sleep: (ms) => {
        clock += ms;
      },
    });
    expect(runSync(nap(), ports)).toBe(5);
  });

  test("wraps what a port throws, at the yield that asked, with the adapter's error as cause", () => {
    const cause = new Error("EIO");
    const ports = portsOf({
      now: () => {
        throw cause;
      },
    });
    let failure: unknown;
    try {
      runSync(nap(), ports);
    } catch (error) {
      failure = error;
    }
    expect(failure).toBeInstanceOf(SyncError);
    expect(failure).toMatchObject({ code: "io-failed", blame: "host", cause, message: "now failed: EIO" });
    expect((failure as Error).stack).toContain("nap");
  });

  test("lets a procedure catch a failure and go on", () => {
    function* stubborn(): Coroutine<string> {
      try {
        yield* io.sleep(1);
        return "slept";
      } catch {
        return `awake at ${yield* io.now()}`;
      }
    }
    const ports = portsOf({
      now: () => 7,
      sleep: () => {
        throw new Error("no");
      },
    });
    expect(runSync(stubborn(), ports)).toBe("awake at 7");
  });

  test("refuses a port that answers later", () => {
    expect(() => runSync(nap(), portsOf({ now: async () => 1 }))).toThrowError(
      expect.objectContaining({ code: "internal" }),
    );
  });
});

describe("runAsync", () => {
  test("awaits promises", async () => {
    let clock = 0;
    const ports = portsOf({
      now: async () => clock,
      sleep: async (ms) => {
        clock += ms;
      },
    });
    expect(await runAsync(nap(), ports)).toBe(5);
  });

  test("does not leave the turn while answers are not promises", () => {
    let done = false;
    const ports = portsOf({ now: () => 0, sleep: () => undefined });
    function* many(): Coroutine<void> {
      for (let index = 0; index < 100; index++) yield* io.sleep(1);
      done = true;
    }
    void runAsync(many(), ports);
    expect(done).toBe(true);
  });

  test("aborts at the next promise, and lets the procedure clean up", async () => {
    const abort = new AbortController();
    const cleaned: string[] = [];
    function* careful(): Coroutine<void> {
      try {
        yield* io.sleep(1);
      } finally {
        yield* io.sleep(2);
        cleaned.push("cleaned");
      }
    }
    const ports = portsOf({
      sleep: async (ms) => {
        if (ms === 1) abort.abort(new Error("enough"));
      },
    });
    await expect(runAsync(careful(), ports, abort.signal)).rejects.toMatchObject({
      code: "aborted",
      cause: expect.objectContaining({ message: "enough" }),
    });
    expect(cleaned).toEqual(["cleaned"]);
  });

  test("does not begin when it is aborted already", async () => {
    await expect(runAsync(nap(), portsOf({}), AbortSignal.abort())).rejects.toMatchObject({
      code: "aborted",
    });
  });
});
