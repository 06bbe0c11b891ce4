import { type Channel, SyncError } from "@tributary/core";
import { createRandom } from "@tributary/testkit";
import { expect, test } from "vitest";
import { createFaultyChannels, type FaultyChannels } from "../../../../tests/support/faulty-channel.js";
import { SteppedClock } from "../../../../tests/support/stepped-clock.js";
import { type KeepLinkedOptions, type KeptLink, keepLinked, linkStreams } from "../../src/index.js";
import { FakeStreams } from "./fake-streams.js";
import { valuesOf } from "./link-stage.js";

/** A spoke whose network can go away, and the other end, which takes whoever comes. */
class Stage {
  readonly random = createRandom(5);
  readonly clock = new SteppedClock(this.random);
  readonly spoke = new FakeStreams("spoke");
  readonly hub = new FakeStreams("hub");
  readonly states: string[] = [];
  connects = 0;
  /** What connecting fails with. */
  failure: Error | undefined;
  channels: FaultyChannels | undefined;
  kept!: KeptLink;

  keep(options: Partial<KeepLinkedOptions> = {}): void {
    this.kept = keepLinked((signal) => this.#connect(signal), {
      streams: this.spoke,
      clock: this.clock,
      onStatus: ({ state }) => this.states.push(state),
      ...options,
    });
  }

  async #connect(signal: AbortSignal): Promise<Channel> {
    this.connects++;
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    signal.throwIfAborted();
    this.channels = createFaultyChannels(this.clock, this.random, { delayMs: [1, 5] });
    linkStreams(this.channels.right, { streams: this.hub, clock: this.clock });
    return this.channels.left;
  }
}

test("a link that breaks is made again, and goes on where it stood", async () => {
  const stage = new Stage();
  stage.spoke.write(...valuesOf("s", 5));
  stage.keep();
  const flushed = stage.kept.flush();
  await stage.clock.until(() => stage.states.includes("linked"));
  stage.channels?.cut();
  stage.spoke.write("while it was away");
  await stage.clock.finish(flushed);
  expect(stage.hub.values).toEqual(expect.arrayContaining(stage.spoke.values.slice(0, 5)));
  expect(stage.states.slice(0, 2)).toEqual(["connecting", "linked"]);
  expect(stage.states).toContain("waiting");
  await stage.clock.finish(stage.kept.flush());
  expect(stage.hub.values).toHaveLength(6);
  expect(stage.kept.status).toEqual({ state: "linked", peer: "hub" });
  expect(stage.kept.position).toMatchObject({ peer: "hub", acknowledged: 6 });
});

test("as long as the network is away it tries, less and less often, and at once when it is told to", async () => {
  const stage = new Stage();
  stage.failure = new SyncError("unreachable", "no network");
  stage.keep();
  await stage.clock.advance(3_600_000);
  // At most 30 s, at least half of it, after the first few.
  expect(stage.connects).toBeGreaterThan(100);
  expect(stage.connects).toBeLessThan(260);
  expect(stage.kept.status).toMatchObject({ state: "waiting", error: { code: "unreachable" } });
  stage.failure = undefined;
  const before = stage.connects;
  stage.kept.retry();
  stage.kept.retry();
  await stage.clock.until(() => stage.kept.status.state === "linked", 100);
  expect(stage.connects).toBe(before + 1);
});

test("a peer that takes channels and breaks each is not asked again and again without a pause", async () => {
  const stage = new Stage();
  stage.keep({
    onStatus: ({ state }) => {
      if (state === "linked") stage.clock.startTimer(1, () => stage.channels?.cut());
    },
  });
  await stage.clock.advance(3_600_000);
  expect(stage.connects).toBeLessThan(260);
});

test.each(["schema-mismatch", "unauthorized", "stream-restarted", "remote-rejected"] as const)(
  "%s stops it until it is told to try again",
  async (code) => {
    const stage = new Stage();
    stage.failure = new SyncError(code, "no");
    stage.keep();
    const flushed = expect(stage.kept.flush()).rejects.toBe(stage.failure);
    await stage.clock.advance(3_600_000);
    await flushed;
    expect(stage.connects).toBe(1);
    expect(stage.kept.status).toEqual({ state: "stopped", error: stage.failure });
    await expect(stage.kept.flush()).rejects.toMatchObject({ code: "invalid-state" });
    stage.failure = undefined;
    stage.kept.retry();
    await stage.clock.until(() => stage.kept.status.state === "linked");
  },
);

test("what fails on the link itself stops it too: told by either end", async () => {
  const stage = new Stage();
  stage.hub.applyFailures.push(new SyncError("schema-mismatch", "no such table: t"));
  stage.spoke.write("s1");
  stage.keep();
  await stage.clock.until(() => stage.kept.status.state === "stopped");
  expect(stage.kept.status).toMatchObject({ error: { code: "schema-mismatch" } });
});

test("close ends it for good, at whatever moment", async () => {
  for (let moment = 0; moment < 12; moment++) {
    const stage = new Stage();
    stage.spoke.write(...valuesOf("s", 5));
    stage.keep();
    await stage.clock.advance(moment / 2);
    const flushed = stage.kept.flush().catch((error: unknown) => error);
    stage.kept.close();
    stage.kept.close();
    await stage.clock.advance(100_000);
    await flushed;
    expect(stage.kept.status).toEqual({ state: "closed" });
    expect([stage.connects, stage.spoke.open, stage.spoke.listeners, stage.hub.open]).toEqual([1, 0, 0, 0]);
    await expect(stage.kept.flush()).rejects.toMatchObject({ code: "invalid-state" });
  }
});
