import type { PageBatch } from "@tributary/core";
import { expect, test } from "vitest";
import type { LiveRemote } from "../../src/index.js";
import { PAGE, type ScriptedChannel, ScriptedServer } from "./scripted-server.js";

const NOW = { longPollTimeoutMs: 0 };

async function started(options: ConstructorParameters<typeof ScriptedServer>[0] = {}): Promise<{
  server: ScriptedServer;
  remote: LiveRemote;
  channel: ScriptedChannel;
}> {
  const server = new ScriptedServer(options);
  const remote = server.client.replica();
  const first = remote.runRemoteBatch({ steps: [STEP], repeatable: true });
  const channel = await server.open();
  const { sub, push } = await channel.take("push");
  channel.send({ type: "pushed", sub, push, body: Uint8Array.of(0, 1) });
  await first;
  return { server, remote, channel };
}

const STEP = { sql: "SELECT 1", params: [], condition: "always", wantRows: false } as const;

test("pages come as they were sent, to the end", async () => {
  const { remote, channel } = await started();
  const pulling = remote.startPull({
    ...NOW,
    clientRevision: "a",
    serverRevision: "b",
    pages: { from: 3, to: 9 },
  });
  const asked = await channel.take("pull");
  expect(asked).toMatchObject({
    clientRevision: "a",
    serverRevision: "b",
    pages: { from: 3, to: 9 },
    waitMs: 0,
    credit: 4 * 1024 * 1024,
  });
  channel.send({ type: "header", sub: asked.sub, pull: asked.pull, revision: "b", databaseSize: 100 });
  const { pull, header } = await pulling;
  expect(header).toEqual({ revision: "b", databaseSize: 100, endpoint: "test:server" });
  const first = remote.receivePages(pull);
  channel.pages(asked.sub, asked.pull, [3, 4]);
  channel.pages(asked.sub, asked.pull, [8]);
  channel.send({ type: "end", sub: asked.sub, pull: asked.pull });
  const { pageIds, bytes } = (await first) as PageBatch;
  expect([...pageIds]).toEqual([3, 4]);
  expect([bytes.length, bytes[0], bytes[PAGE]]).toEqual([2 * PAGE, 3, 4]);
  expect([...((await remote.receivePages(pull))?.pageIds ?? [])]).toEqual([8]);
  expect(await remote.receivePages(pull)).toBeUndefined();
  expect(await remote.receivePages(pull)).toBeUndefined();
  remote.endPull(pull);
  await expect(remote.receivePages(pull)).rejects.toMatchObject({ code: "invalid-state" });
  expect(remote.bytesReceived).toBeGreaterThan(3 * PAGE);
  expect(remote.bytesSent).toBeGreaterThan(0);
});

test("a channel that is cut never looks like the end of a pull", async () => {
  const { remote, channel } = await started();
  const pulling = remote.startPull(NOW);
  const { sub, pull: number } = await channel.take("pull");
  channel.send({ type: "header", sub, pull: number, revision: "r", databaseSize: 100 });
  channel.pages(sub, number, [0, 1]);
  const { pull } = await pulling;
  await remote.receivePages(pull);
  const next = remote.receivePages(pull);
  channel.end.close("cut");
  await expect(next).rejects.toMatchObject({ code: "unreachable" });
  await expect(remote.receivePages(pull)).rejects.toMatchObject({ code: "unreachable" });
  remote.endPull(pull);
});

test("what the server had sent to the end can be taken after a cut", async () => {
  const { server, remote, channel } = await started();
  const pulling = remote.startPull(NOW);
  channel.answer(await channel.take("pull"), "r", [1, 2]);
  const { pull } = await pulling;
  channel.end.close("cut");
  await server.clock.advance(0);
  expect((await remote.receivePages(pull))?.pageIds).toHaveLength(2);
  expect(await remote.receivePages(pull)).toBeUndefined();
  remote.endPull(pull);
});

test("the server may send no more than the credit, however slow the app is, and is given more as the app takes", async () => {
  const { server, remote, channel } = await started({ creditBytes: 8 * PAGE });
  const pulling = remote.startPull(NOW);
  const { sub, pull: number, credit } = await channel.take("pull");
  expect(credit).toBe(8 * PAGE);
  channel.send({ type: "header", sub, pull: number, revision: "r", databaseSize: 100 });
  const { pull } = await pulling;
  for (const first of [0, 2, 4, 6]) channel.pages(sub, number, [first, first + 1]);
  await server.clock.advance(0);
  expect(channel.count("credit")).toBe(0);
  await remote.receivePages(pull);
  expect(await channel.take("credit")).toEqual({ type: "credit", sub, pull: number, bytes: 2 * PAGE });
  channel.pages(sub, number, [8, 9]);
  await server.clock.advance(0);
  expect(channel.closeReason).toBeUndefined();
  channel.pages(sub, number, [10]);
  await expect(Promise.resolve().then(() => server.clock.advance(0))).resolves.toBeUndefined();
  await expect(remote.receivePages(pull)).rejects.toThrow(/more pages than it was given credit for/);
  expect(channel.closeReason).toMatch(/credit/);
});

test.each([
  [
    "a page beyond the database",
    (c: ScriptedChannel, s: number, p: number) => c.pages(s, p, [100]),
    "invalid-page-stream",
  ],
  [
    "a second header",
    (c: ScriptedChannel, sub: number, pull: number) =>
      c.send({ type: "header", sub, pull, revision: "r", databaseSize: 1 }),
    "malformed-response",
  ],
])("%s is the end of the channel", async (_name, send, code) => {
  const { remote, channel } = await started();
  const pulling = remote.startPull(NOW);
  const { sub, pull: number } = await channel.take("pull");
  channel.send({ type: "header", sub, pull: number, revision: "r", databaseSize: 100 });
  const { pull } = await pulling;
  send(channel, sub, number);
  await expect(remote.receivePages(pull)).rejects.toMatchObject({ code });
});

test.each([
  ["pages", (c: ScriptedChannel, sub: number, pull: number) => c.pages(sub, pull, [1])],
  ["an end", (c: ScriptedChannel, sub: number, pull: number) => c.send({ type: "end", sub, pull })],
  [
    "a database that is too large",
    (c: ScriptedChannel, sub: number, pull: number) =>
      c.send({ type: "header", sub, pull, revision: "r", databaseSize: 2 ** 32 }),
  ],
])("%s in place of a header is malformed", async (_name, send) => {
  const { remote, channel } = await started();
  const pulling = remote.startPull(NOW);
  const { sub, pull } = await channel.take("pull");
  send(channel, sub, pull);
  await expect(pulling).rejects.toMatchObject({ code: "malformed-response" });
});

test("a pull that is ended early is cancelled, and what still comes of it is dropped", async () => {
  const { server, remote, channel } = await started();
  const pulling = remote.startPull(NOW);
  const asked = await channel.take("pull");
  channel.send({ type: "header", sub: asked.sub, pull: asked.pull, revision: "r", databaseSize: 100 });
  const { pull } = await pulling;
  remote.endPull(pull);
  remote.endPull(pull);
  expect(await channel.take("cancel")).toEqual({ type: "cancel", sub: asked.sub, pull: asked.pull });
  channel.pages(asked.sub, asked.pull, [1]);
  await server.clock.advance(0);
  expect(channel.closeReason).toBeUndefined();
  expect(channel.count("cancel")).toBe(1);
});

test("the server has time for the header beyond the wait, and for each message after it", async () => {
  const { server, remote, channel } = await started();
  const slow = remote.startPull({ longPollTimeoutMs: 5_000 });
  const { sub, pull: number } = await channel.take("pull");
  await server.clock.advance(5_999);
  channel.send({ type: "header", sub, pull: number, revision: "r", databaseSize: 100 });
  const { pull } = await slow;
  const pages = remote.receivePages(pull);
  await Promise.all([expect(pages).rejects.toMatchObject({ code: "timeout" }), server.clock.advance(1_000)]);
  remote.endPull(pull);
  const never = remote.startPull({ longPollTimeoutMs: 5_000 });
  await channel.take("pull");
  await Promise.all([expect(never).rejects.toMatchObject({ code: "timeout" }), server.clock.advance(6_000)]);
  expect(channel.count("cancel")).toBe(2);
});

test("a pull that fails leaves the rest alone", async () => {
  const { remote, channel } = await started();
  const failing = remote.startPull(NOW);
  const { sub, pull } = await channel.take("pull");
  channel.fail(sub, pull, 503, "busy");
  await expect(failing).rejects.toMatchObject({ code: "unreachable", details: { status: 503 } });
  const again = remote.startPull(NOW);
  channel.answer(await channel.take("pull"), "r");
  await again;
  expect(channel.count("open")).toBe(1);
});

test("an abort ends the waiting for pages", async () => {
  const { remote, channel } = await started();
  const controller = new AbortController();
  const io = remote.withSignal(controller.signal);
  const pulling = io.startPull(NOW);
  const { sub, pull: number } = await channel.take("pull");
  channel.send({ type: "header", sub, pull: number, revision: "r", databaseSize: 100 });
  const { pull } = await pulling;
  const pages = io.receivePages(pull);
  controller.abort();
  await expect(pages).rejects.toMatchObject({ code: "aborted" });
  io.endPull(pull);
  await channel.take("cancel");
  await expect(io.startPull(NOW)).rejects.toMatchObject({ code: "aborted" });
});
