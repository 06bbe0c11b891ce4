import { SyncError } from "@tributary/core";
import { LiveRefusal } from "@tributary/live";
import { expect, it } from "vitest";
import { DriverStage, liveStage, settled } from "./support/driver-stage.js";

it("asks at once first, is live then, and waits from then on", async () => {
  const stage = new DriverStage();
  stage.driver.start();
  expect(stage.state).toBe("connecting");
  await settled();
  expect(stage.seen()).toEqual(["pull 0", "pull 30000"]);
  expect(stage.state).toBe("live");
  await stage.clock.pass(30_000);
  expect(stage.seen()).toEqual(["pull 30000"]);
  await stage.answer(true);
  expect(stage.seen()).toEqual(["pull 30000"]);
  await stage.stop();
});

it("pushes what is there when it starts, before it pulls", async () => {
  const stage = new DriverStage();
  stage.pending = true;
  stage.driver.start();
  await settled();
  expect(stage.seen()).toEqual(["push", "pull 0", "pull 30000"]);
  await stage.stop();
});

it("pushes a local commit at once, many of them together, and then looks before it waits again", async () => {
  const stage = await liveStage();
  for (let n = 0; n < 100; n++) stage.commit();
  await settled();
  expect(stage.seen()).toEqual(["push", "pull 0", "pull 30000"]);
  await stage.stop();
});

it("pushes commits that follow on one another before it pulls, but pulls wholly all 100 ms", async () => {
  const stage = await liveStage();
  let commits = 0;
  stage.onPush = () => {
    if (++commits < 30) queueMicrotask(() => stage.commit());
    return 10;
  };
  stage.commit();
  await settled();
  await stage.clock.pass(1_000);
  const pushes = "push ".repeat(10);
  expect(stage.seen().join(" ")).toBe(`${pushes}pull 0 ${pushes}pull 0 ${pushes}pull 30000`);
  await stage.stop();
});

it("pulls between pushes that are refused", async () => {
  const stage = await liveStage();
  stage.pushError = "remote-sql-failed";
  stage.onPush = () => {
    queueMicrotask(() => stage.commit());
    return 0;
  };
  stage.commit();
  await settled();
  await stage.clock.pass(500);
  expect(stage.seen().slice(0, 4)).toEqual(["push", "pull 0", "pull 30000", "push"]);
  await stage.stop();
});

it("does not wait at the remote with a commit that came before the waiting began", async () => {
  const stage = await liveStage();
  let asked: (() => number) | undefined;
  let end = (): void => {};
  stage.pull = (waitMs) => {
    asked = waitMs;
    return new Promise((resolve) => {
      end = () => resolve(false);
    });
  };
  await stage.answer(true);
  stage.commit();
  expect(asked?.()).toBe(0);
  const stopped = stage.driver.stop();
  end();
  await stopped;
});

it("waits longer after each failure of the network, up to 30 s, and starts anew when it has worked", async () => {
  const stage = new DriverStage();
  stage.pullOutcome = "unreachable";
  stage.driver.start();
  await settled();
  expect(stage.states.at(-1)).toMatchObject({ state: "offline", error: { code: "unreachable" } });
  const waits: number[] = [];
  for (let attempt = 0; attempt < 10; attempt++) {
    stage.seen();
    let waited = 0;
    while (stage.calls.length === 0) {
      await stage.clock.pass(100);
      waited += 100;
    }
    waits.push(waited);
  }
  expect(waits).toEqual([200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
  stage.pullOutcome = false;
  await stage.clock.pass(30_000);
  expect(stage.state).toBe("live");
  stage.pullOutcome = "timeout";
  await stage.answer("unreachable");
  stage.seen();
  await stage.clock.pass(200);
  expect(stage.seen()).toEqual(["pull 0"]);
  await stage.stop();
});

it("leaves a remote alone for as long as it asks for, whatever is committed meanwhile", async () => {
  const stage = new DriverStage();
  const cause = new LiveRefusal(429, "TOO_MANY_REQUESTS", "too many wait", 10_000);
  stage.pull = async () => {
    throw new SyncError("unreachable", "The remote is not available.", { cause });
  };
  stage.driver.start();
  await settled();
  expect(stage.state).toBe("offline");
  let pulls = 0;
  let end = (): void => {};
  stage.pull = () => {
    pulls++;
    return new Promise((resolve) => {
      end = () => resolve(false);
    });
  };
  stage.commit();
  await stage.clock.pass(10_000);
  expect(pulls).toBe(0);
  await stage.clock.pass(200);
  expect(pulls).toBe(1);
  const stopped = stage.driver.stop();
  end();
  await stopped;
});

it("tries sooner after a local commit, but no more often than ten times as often", async () => {
  const stage = new DriverStage();
  stage.pullOutcome = "unauthorized";
  stage.driver.start();
  await settled();
  expect(stage.states.at(-1)).toMatchObject({ state: "offline", error: { code: "unauthorized" } });
  stage.seen();
  for (let n = 0; n < 50; n++) {
    stage.commit();
    stage.pending = false;
    await stage.clock.pass(10);
  }
  expect(stage.seen(), "of 5 s, a tenth").toEqual(["pull 0"]);
  await stage.clock.pass(9_000);
  expect(stage.seen(), "then nothing for 10 s").toEqual([]);
  await stage.clock.pass(1_000);
  expect(stage.seen()).toEqual(["pull 0"]);
  await stage.stop();
});

it("tries at once when an operation of the app has got through", async () => {
  const stage = new DriverStage();
  stage.pullOutcome = "remote-rejected";
  stage.driver.start();
  await settled();
  stage.seen();
  stage.pullOutcome = false;
  stage.driver.tryNow();
  await settled();
  expect(stage.seen()).toEqual(["pull 0", "pull 30000"]);
  expect(stage.state).toBe("live");
  await stage.stop();
});

it("goes on pulling while the remote refuses a push, says why, and tries that again after a while", async () => {
  const stage = await liveStage();
  stage.pushError = "remote-sql-failed";
  stage.commit();
  await settled();
  expect(stage.seen()).toEqual(["push", "pull 0", "pull 30000"]);
  expect(stage.states.at(-1)).toMatchObject({ state: "live", refusal: { code: "remote-sql-failed" } });
  await stage.clock.pass(4_900);
  expect(stage.seen()).toEqual([]);
  await stage.clock.pass(100);
  expect(stage.seen()).toEqual(["push", "pull 0", "pull 30000"]);
  // What came may be what it needed; so may be what the app has committed.
  await stage.answer(true);
  await stage.clock.pass(1_000);
  expect(stage.seen()).toEqual(["pull 30000", "push", "pull 0", "pull 30000"]);
  stage.commit();
  stage.commit();
  await settled();
  expect(stage.seen()).toEqual([]);
  stage.pushError = undefined;
  await stage.clock.pass(2_000);
  expect(stage.seen()).toEqual(["push", "pull 0", "pull 30000"]);
  expect(stage.states.at(-1)).toEqual({ state: "live", refusal: undefined });
  await stage.stop();
});

it("tells of a refused push at once, also where the pull after it waits", async () => {
  const stage = await liveStage();
  stage.pushError = "unauthorized";
  // What came counts as a reason to look for something to push; the pull that follows may wait.
  stage.pending = true;
  await stage.answer(true);
  expect(stage.seen()).toEqual(["push", "pull 30000"]);
  expect(stage.states.at(-1)).toMatchObject({ state: "live", refusal: { code: "unauthorized" } });
  stage.pushError = undefined;
  await stage.clock.pass(5_000);
  expect(stage.states.at(-1)).toEqual({ state: "live", refusal: undefined });
  await stage.stop();
});

it("asks again every few seconds while it is paused", async () => {
  const stage = new DriverStage();
  stage.pullOutcome = "paused";
  stage.driver.start();
  await settled();
  expect(stage.state).toBe("paused");
  stage.seen();
  await stage.clock.pass(60_000);
  expect(stage.seen()).toHaveLength(13);
  stage.pullOutcome = false;
  await stage.clock.pass(5_000);
  expect(stage.state).toBe("live");
  await stage.stop();
});

it("shows nothing of the app's open transaction, and tries again soon", async () => {
  const stage = await liveStage();
  await stage.answer("database-busy");
  expect(stage.state).toBe("live");
  await stage.clock.pass(50);
  expect(stage.seen()).toEqual(["pull 30000"]);
  expect(stage.states.every(({ state }) => state !== "offline")).toBe(true);
  await stage.stop();
});

it("asks a remote that does not hold its answers every 2 s, and sooner when there is something to push", async () => {
  const stage = new DriverStage();
  stage.holds = false;
  stage.driver.start();
  await settled();
  stage.seen();
  await stage.clock.pass(10_000);
  expect(stage.seen()).toHaveLength(5);
  stage.commit();
  await stage.clock.pass(0);
  expect(stage.seen()).toEqual(["push", "pull 30000"]);
  await stage.stop();
});

it("can be stopped at any time, and started again", async () => {
  const waiting = await liveStage();
  await waiting.stop();
  waiting.seen();
  await waiting.clock.pass(60_000);
  expect(waiting.seen()).toEqual([]);
  waiting.driver.start();
  await settled();
  expect(waiting.seen()).toEqual(["pull 0", "pull 30000"]);
  await waiting.stop();
  const sleeping = new DriverStage();
  sleeping.pullOutcome = "timeout";
  sleeping.driver.start();
  await settled();
  await sleeping.stop();
  sleeping.seen();
  await sleeping.clock.pass(60_000);
  expect(sleeping.seen()).toEqual([]);
});
