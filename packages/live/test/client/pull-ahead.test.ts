import type { PullRequest } from "@tributary/core";
import { expect, test } from "vitest";
import type { LiveRemote } from "../../src/index.js";
import { type ScriptedChannel, ScriptedServer } from "./scripted-server.js";

const waiting = (clientRevision: string, longPollTimeoutMs = 60_000): PullRequest => ({
  clientRevision,
  longPollTimeoutMs,
});

const BATCH = {
  steps: [{ sql: "SELECT 1", params: [], condition: "always", wantRows: false }],
  repeatable: false,
} as const;

/** Pulls to the end; gives the revision and the page ids. */
async function finish(
  remote: LiveRemote,
  pulling: Awaited<ReturnType<LiveRemote["startPull"]>>,
): Promise<{ revision: string; pageIds: number[] }> {
  const pageIds: number[] = [];
  for (;;) {
    const batch = await remote.receivePages(pulling.pull);
    if (batch === undefined) break;
    pageIds.push(...batch.pageIds);
  }
  await remote.endPull(pulling.pull);
  return { revision: pulling.header.revision, pageIds };
}

/** A remote that was at `r1` and has pulled `r2`; the pull ahead is the next one to be taken. */
async function pulledOnce(): Promise<{
  server: ScriptedServer;
  remote: LiveRemote;
  channel: ScriptedChannel;
}> {
  const server = new ScriptedServer();
  const remote = server.client.replica();
  const pulling = remote.startPull(waiting("r1"));
  const channel = await server.open();
  const asked = await channel.take("pull");
  expect(asked).toMatchObject({ clientRevision: "r1", waitMs: 60_000 });
  channel.answer(asked, "r2", [1]);
  expect(await finish(remote, await pulling)).toEqual({ revision: "r2", pageIds: [1] });
  return { server, remote, channel };
}

test("after a pull the next one is asked for at once, and brings what was committed meanwhile", async () => {
  const { server, remote, channel } = await pulledOnce();
  const ahead = await channel.take("pull");
  expect(ahead).toMatchObject({ clientRevision: "r2", waitMs: 300_000 });
  channel.answer(ahead, "r3", [2, 3]);
  await server.clock.advance(10);
  expect(await finish(remote, await remote.startPull(waiting("r2")))).toEqual({
    revision: "r3",
    pageIds: [2, 3],
  });
  expect(await channel.take("pull")).toMatchObject({ clientRevision: "r3" });
  expect(channel.count("pull")).toBe(3);
  expect(channel.count("cancel")).toBe(0);
});

test("a pull that comes while it still waits takes it over", async () => {
  const { server, remote, channel } = await pulledOnce();
  const ahead = await channel.take("pull");
  const pulling = remote.startPull(waiting("r2"));
  await server.clock.advance(10);
  channel.answer(ahead, "r3", [2]);
  expect(await finish(remote, await pulling)).toEqual({ revision: "r3", pageIds: [2] });
});

test.each(["waiting", "answered"])("a push makes the pull ahead stale, %s or not", async (state) => {
  const { server, remote, channel } = await pulledOnce();
  const ahead = await channel.take("pull");
  if (state === "answered") channel.answer(ahead, "r3", [2]);
  const pushing = remote.runRemoteBatch(BATCH);
  const { sub, push } = await channel.take("push");
  // Before the batch, so that the server does not send what it commits.
  expect(channel.count("cancel")).toBe(state === "waiting" ? 1 : 0);
  channel.send({ type: "pushed", sub, push, body: Uint8Array.of(0, 1) });
  await pushing;
  const pulling = remote.startPull(waiting("r2"));
  const asked = await channel.take("pull");
  expect(asked).toMatchObject({ clientRevision: "r2", waitMs: 60_000 });
  if (state === "waiting") {
    expect(await channel.take("cancel")).toMatchObject({ pull: ahead.pull });
    // It was on its way, and lacks what was pushed.
    channel.answer(ahead, "r3", [2]);
  }
  channel.answer(asked, "r4", [2, 3]);
  expect(await finish(remote, await pulling)).toEqual({ revision: "r4", pageIds: [2, 3] });
  await server.clock.advance(0);
  expect(channel.closeReason).toBeUndefined();
});

test("one that was asked for while a batch was under way is stale once that is answered", async () => {
  const server = new ScriptedServer();
  const remote = server.client.replica();
  const pulling = remote.startPull(waiting("r1"));
  const channel = await server.open();
  channel.answer(await channel.take("pull"), "r2");
  const started = await pulling;
  const pushing = remote.runRemoteBatch(BATCH);
  const { sub, push } = await channel.take("push");
  await finish(remote, started);
  const ahead = await channel.take("pull");
  channel.send({ type: "pushed", sub, push, body: Uint8Array.of(0, 1) });
  await pushing;
  const next = remote.startPull(waiting("r2"));
  expect(await channel.take("cancel")).toMatchObject({ pull: ahead.pull });
  channel.answer(await channel.take("pull"), "r3", [1]);
  expect(await finish(remote, await next)).toEqual({ revision: "r3", pageIds: [1] });
});

test("a pull that may not wait is asked for anew, though the one ahead has been answered", async () => {
  const { remote, channel } = await pulledOnce();
  channel.answer(await channel.take("pull"), "r3", [2]);
  const pulling = remote.startPull({ clientRevision: "r2", longPollTimeoutMs: 0 });
  const asked = await channel.take("pull");
  expect(asked).toMatchObject({ clientRevision: "r2", waitMs: 0 });
  channel.answer(asked, "r4", [2, 5]);
  expect(await finish(remote, await pulling)).toEqual({ revision: "r4", pageIds: [2, 5] });
});

test("a pull from another revision, or of everything, cancels it", async () => {
  for (const request of [
    waiting("r1"),
    { longPollTimeoutMs: 0 },
    { ...waiting("r2"), serverRevision: "r1" },
  ]) {
    const { remote, channel } = await pulledOnce();
    const ahead = await channel.take("pull");
    const pulling = remote.startPull(request);
    expect(await channel.take("cancel")).toMatchObject({ pull: ahead.pull });
    channel.answer(await channel.take("pull"), "r9", [1]);
    await finish(remote, await pulling);
  }
});

test("that there was nothing before a pull began does not say that there is nothing now", async () => {
  const { server, remote, channel } = await pulledOnce();
  channel.answer(await channel.take("pull"));
  await server.clock.advance(10);
  const pulling = remote.startPull(waiting("r2", 5_000));
  const asked = await channel.take("pull");
  expect(asked).toMatchObject({ clientRevision: "r2", waitMs: 5_000 });
  channel.answer(asked, "r3", [1]);
  expect(await finish(remote, await pulling)).toEqual({ revision: "r3", pageIds: [1] });
});

test("when the time of a pull is over, the server is asked once more before it says that there is nothing", async () => {
  const { server, remote, channel } = await pulledOnce();
  const ahead = await channel.take("pull");
  const pulling = remote.startPull(waiting("r2", 5_000));
  await server.clock.advance(5_000);
  expect(await channel.take("cancel")).toMatchObject({ pull: ahead.pull });
  const asked = await channel.take("pull");
  expect(asked).toMatchObject({ clientRevision: "r2", waitMs: 0 });
  channel.answer(asked);
  const { header } = await pulling;
  expect(header).toMatchObject({ revision: "r2", databaseSize: 100 });
});

test("one that has failed meanwhile is asked for anew", async () => {
  const { server, remote, channel } = await pulledOnce();
  const ahead = await channel.take("pull");
  channel.fail(ahead.sub, ahead.pull, 408, "download-stalled");
  await server.clock.advance(0);
  const pulling = remote.startPull(waiting("r2"));
  channel.answer(await channel.take("pull"), "r3", [1]);
  await finish(remote, await pulling);
});

test("one whose channel was lost is asked for on the next channel", async () => {
  const { server, remote, channel } = await pulledOnce();
  await channel.take("pull");
  channel.end.close("cut");
  await server.clock.advance(0);
  const pulling = remote.startPull(waiting("r2"));
  const next = await server.open();
  next.answer(await next.take("pull"), "r3", [1]);
  expect(await finish(remote, await pulling)).toEqual({ revision: "r3", pageIds: [1] });
});

test("nothing is asked for ahead of a replica that never waits, nor after a pull that was not taken to its end", async () => {
  const server = new ScriptedServer();
  const remote = server.client.replica();
  const now = remote.startPull({ clientRevision: "r1", longPollTimeoutMs: 0 });
  const channel = await server.open();
  channel.answer(await channel.take("pull"), "r2", [1]);
  await finish(remote, await now);
  const later = remote.startPull(waiting("r2"));
  channel.answer(await channel.take("pull"), "r3", [1]);
  await remote.endPull((await later).pull);
  await server.clock.advance(0);
  expect(channel.count("pull")).toBe(2);
});

test("wake ends the waiting as if its time were over; what the server then sends is not lost", async () => {
  const { remote, channel } = await pulledOnce();
  const ahead = await channel.take("pull");
  const pulling = remote.startPull(waiting("r2"));
  remote.wake();
  const woken = await pulling;
  expect(woken.header).toEqual({ revision: "r2", databaseSize: 100, endpoint: "test:server" });
  expect(await finish(remote, woken)).toEqual({ revision: "r2", pageIds: [] });
  channel.answer(ahead, "r3", [7]);
  expect(await finish(remote, await remote.startPull(waiting("r2")))).toEqual({
    revision: "r3",
    pageIds: [7],
  });
});

test("wake ends the waiting of a pull that the server was asked for just now, too, and while connecting", async () => {
  const server = new ScriptedServer();
  const remote = server.client.replica();
  const connecting = remote.startPull(waiting("r1"));
  remote.wake();
  expect((await connecting).header.revision).toBe("r1");
  const channel = await server.open();
  const asking = remote.startPull(waiting("r1"));
  const asked = await channel.take("pull");
  remote.wake();
  expect((await asking).header.revision).toBe("r1");
  channel.answer(asked, "r2", [1]);
  expect(await finish(remote, await remote.startPull(waiting("r1")))).toEqual({
    revision: "r2",
    pageIds: [1],
  });
});

test("wake does nothing to a pull that has begun to come, or that does not wait", async () => {
  const { remote, channel } = await pulledOnce();
  const ahead = await channel.take("pull");
  channel.send({ type: "header", sub: ahead.sub, pull: ahead.pull, revision: "r3", databaseSize: 100 });
  const begun = await remote.startPull(waiting("r2"));
  const pages = remote.receivePages(begun.pull);
  remote.wake();
  channel.pages(ahead.sub, ahead.pull, [4]);
  expect([...((await pages)?.pageIds ?? [])]).toEqual([4]);
  await remote.endPull(begun.pull);
  const now = remote.startPull({ clientRevision: "r3", longPollTimeoutMs: 0 });
  const asked = await channel.take("pull");
  remote.wake();
  channel.answer(asked, "r4", [1]);
  expect((await now).header.revision).toBe("r4");
});

test("an abort of the waiting does not lose what the server then sends", async () => {
  const { remote, channel } = await pulledOnce();
  const ahead = await channel.take("pull");
  const controller = new AbortController();
  const pulling = remote.withSignal(controller.signal).startPull(waiting("r2"));
  controller.abort();
  await expect(pulling).rejects.toMatchObject({ code: "aborted" });
  channel.answer(ahead, "r3", [7]);
  expect(await finish(remote, await remote.startPull(waiting("r2")))).toEqual({
    revision: "r3",
    pageIds: [7],
  });
});

test("nobody taking it, the pull ahead holds no more than the credit", async () => {
  const { server, channel } = await pulledOnce();
  const ahead = await channel.take("pull");
  channel.send({ type: "header", sub: ahead.sub, pull: ahead.pull, revision: "r3", databaseSize: 100 });
  for (let sent = 0; sent < ahead.credit; sent += 64 * 4096) {
    channel.pages(
      ahead.sub,
      ahead.pull,
      Array.from({ length: 64 }, (_, id) => id),
    );
  }
  await server.clock.advance(1_000_000 / 2);
  expect(channel.count("credit")).toBe(0);
});
