import { SyncError } from "@tributary/core";
import { encodeLiveMessage } from "@tributary/wire";
import { expect, test } from "vitest";
import { createLiveClient, type LiveClientState } from "../../src/index.js";
import { createChannelPair } from "./channel-pair.js";
import { ScriptedServer } from "./scripted-server.js";

const NOW = { longPollTimeoutMs: 0 };

test("it connects when something is asked for, once for all databases, and says who it is", async () => {
  const server = new ScriptedServer({ authToken: async () => "secret", clientName: "tester" });
  expect(server.channels).toHaveLength(0);
  const pulls = ["one", "two"].map((database) => server.client.replica(database).startPull(NOW));
  const channel = await server.channel();
  expect(await channel.greet()).toEqual({ type: "hello", version: 1, token: "secret", client: "tester" });
  for (const database of ["one", "two"]) {
    expect(await channel.open()).toMatchObject({ kind: "replica", database });
    channel.answer(await channel.take("pull"), `r-${database}`);
  }
  const started = await Promise.all(pulls);
  expect(started.map(({ header }) => header.revision)).toEqual(["r-one", "r-two"]);
  expect(server.channels).toHaveLength(1);
});

test("its state tells of the channel, and after a loss the next request makes another one", async () => {
  const server = new ScriptedServer();
  const states: string[] = [];
  server.client.onStateChange((state) => states.push(state.state));
  expect(server.client.state).toEqual({ state: "idle" });
  const remote = server.client.replica();
  const first = remote.startPull(NOW);
  const channel = await server.open();
  await channel.take("pull");
  channel.end.close("the plug was pulled");
  await expect(first).rejects.toMatchObject({ code: "unreachable", details: { endpoint: "test:server" } });
  await expect(first).rejects.toThrow(/test:server.*the plug was pulled/);
  const second = remote.startPull(NOW);
  const next = await server.open();
  next.answer(await next.take("pull"), "r");
  await second;
  expect(states).toEqual(["connecting", "open", "closed", "connecting", "open"]);
});

test("who listens no more is told nothing more", async () => {
  const server = new ScriptedServer();
  const states: LiveClientState[] = [];
  const stop = server.client.onStateChange((state) => states.push(state));
  stop();
  const failing = server.client.replica().startPull(NOW);
  (await server.channel()).end.close();
  await expect(failing).rejects.toMatchObject({ code: "unreachable" });
  expect(states).toEqual([]);
});

test.each([
  [401, "unauthorized"],
  [403, "unauthorized"],
  [404, "remote-rejected"],
  [400, "remote-rejected"],
  [501, "remote-rejected"],
  [408, "timeout"],
  [429, "unreachable"],
  [503, "unreachable"],
])("a database that is refused with %i is %s", async (status, code) => {
  const server = new ScriptedServer();
  const failing = server.client.replica().startPull(NOW);
  const channel = await server.channel();
  await channel.greet();
  const { sub } = await channel.take("open");
  channel.fail(sub, 0, status, "why", "for a reason");
  await expect(failing).rejects.toMatchObject({ code, details: { status, endpoint: "test:server" } });
  await expect(failing).rejects.toThrow(/^test:server .*\(why\): for a reason$/);
  expect(server.client.state.state).toBe("open");
});

test("a server that does not answer the hello, or an open, has so much time", async () => {
  const server = new ScriptedServer();
  const remote = server.client.replica();
  const first = remote.startPull(NOW);
  const silent = await server.channel();
  await silent.take("hello");
  await Promise.all([expect(first).rejects.toMatchObject({ code: "timeout" }), server.clock.advance(1_000)]);
  expect(silent.closeReason).toBeDefined();
  const second = remote.startPull(NOW);
  const channel = await server.channel();
  await channel.greet();
  const { sub } = await channel.take("open");
  await Promise.all([expect(second).rejects.toMatchObject({ code: "timeout" }), server.clock.advance(1_000)]);
  expect(await channel.take("close")).toEqual({ type: "close", sub });
});

test("a channel that comes too late is closed", async () => {
  const [left, right] = createChannelPair();
  let arrive: () => void = () => {};
  let signal: AbortSignal | undefined;
  const server = new ScriptedServer({
    connect: (given) => {
      signal = given;
      return new Promise((resolve) => {
        arrive = () => resolve(left);
      });
    },
  });
  const failing = server.client.replica().startPull(NOW);
  await Promise.all([
    expect(failing).rejects.toMatchObject({ code: "timeout" }),
    server.clock.advance(1_000),
  ]);
  expect(signal?.aborted).toBe(true);
  arrive();
  await server.clock.advance(0);
  expect(right.inbox.isEnded).toBe(true);
});

test.each([
  [new SyncError("paused", "Sync is paused."), "paused"],
  [new SyncError("unauthorized", "No."), "unauthorized"],
  [new Error("ECONNREFUSED"), "unreachable"],
])("what cannot be connected fails with the reason: %s", async (reason, code) => {
  let attempts = 0;
  const server = new ScriptedServer({
    connect: async () => {
      attempts += 1;
      throw reason;
    },
  });
  await expect(server.client.replica().startPull(NOW)).rejects.toMatchObject({ code });
  expect(server.client.state).toMatchObject({ state: "closed", error: { code } });
  expect(attempts).toBe(1);
});

test("silence of twice the keep-alive is the end of the channel; pings are answered, and none are sent", async () => {
  const server = new ScriptedServer();
  const waiting = server.client.replica().startPull({ clientRevision: "r", longPollTimeoutMs: 500_000 });
  const channel = await server.open({ keepAliveMs: 10_000 });
  await channel.take("pull");
  await server.clock.advance(60_000 / 4);
  channel.send({ type: "ping", nonce: 7 });
  expect(await channel.take("pong")).toEqual({ type: "pong", nonce: 7 });
  await server.clock.advance(14_000);
  expect(channel.count("ping")).toBe(0);
  expect(channel.closeReason).toBeUndefined();
  await Promise.all([
    expect(waiting).rejects.toMatchObject({ code: "unreachable" }),
    server.clock.advance(6_000),
  ]);
  expect(channel.closeReason).toMatch(/nothing came any more/);
});

test("a thread that was busy for long does not take the server for gone", async () => {
  const server = new ScriptedServer();
  const waiting = server.client.replica().startPull({ clientRevision: "r", longPollTimeoutMs: 500_000 });
  const channel = await server.open({ keepAliveMs: 10_000 });
  const pull = await channel.take("pull");
  // All that time nothing could be read, and one check is what is due afterwards.
  const { now } = server.clock;
  server.clock.now = () => now.call(server.clock) + 300_000;
  await server.clock.advance(5_000);
  expect(channel.closeReason).toBeUndefined();
  channel.answer(pull, "r2");
  await expect(waiting).resolves.toMatchObject({ header: { revision: "r2" } });
});

test.each([
  ["bytes that are no message", Uint8Array.of(255, 255)],
  ["an answer for nobody", encodeLiveMessage({ type: "opened", sub: 99 })],
  ["a pull nobody asked for", encodeLiveMessage({ type: "end", sub: 1, pull: 99 })],
  ["a push nobody sent", encodeLiveMessage({ type: "pushed", sub: 1, push: 99, body: new Uint8Array() })],
  [
    "a second welcome",
    encodeLiveMessage({ type: "welcome", expiresInMs: 1, keepAliveMs: 1, maxMessageBytes: 1 }),
  ],
  ["data for a replica", encodeLiveMessage({ type: "data", sub: 1, payload: new Uint8Array(3) })],
])("%s is the end of the channel", async (_name, bytes) => {
  const server = new ScriptedServer();
  const failing = server.client.replica().startPull(NOW);
  const channel = await server.open();
  await channel.take("pull");
  channel.end.send(bytes);
  await expect(failing).rejects.toMatchObject({ code: "malformed-response" });
  await server.clock.advance(0);
  expect(channel.closeReason).toBeDefined();
});

test("what is still on its way for a database that was closed does no harm", async () => {
  const server = new ScriptedServer();
  const [one, two] = [server.client.replica("one"), server.client.replica("two")];
  const first = one.startPull(NOW);
  const channel = await server.open();
  const pull = await channel.take("pull");
  await one.close();
  await expect(first).rejects.toMatchObject({ code: "invalid-state" });
  expect(await channel.take("close")).toEqual({ type: "close", sub: pull.sub });
  channel.answer(pull, "late", [1, 2]);
  const second = two.startPull(NOW);
  await channel.open();
  channel.answer(await channel.take("pull"), "r");
  await expect(second).resolves.toMatchObject({ header: { revision: "r" } });
  await expect(one.startPull(NOW)).rejects.toMatchObject({ code: "invalid-state" });
});

test("closing ends everything, also while it is connecting, and for good", async () => {
  const server = new ScriptedServer();
  const remote = server.client.replica();
  const connecting = remote.startPull(NOW);
  const channel = await server.channel();
  await channel.take("hello");
  await server.client.close();
  await server.client.close();
  await expect(connecting).rejects.toMatchObject({ code: "invalid-state" });
  expect(channel.closeReason).toBeDefined();
  expect(server.client.state).toMatchObject({ state: "closed", error: { code: "invalid-state" } });
  await expect(remote.startPull(NOW)).rejects.toMatchObject({ code: "invalid-state" });
  await expect(server.client.openStream("s")).rejects.toMatchObject({ code: "invalid-state" });
  expect(server.clock.timerCount).toBe(0);
});

test("who gives up does not take it from the others", async () => {
  const server = new ScriptedServer();
  const controller = new AbortController();
  const remote = server.client.replica();
  const impatient = remote.withSignal(controller.signal).startPull(NOW);
  const patient = remote.startPull(NOW);
  const channel = await server.channel();
  controller.abort("enough");
  await expect(impatient).rejects.toMatchObject({ code: "aborted", cause: "enough" });
  await channel.greet();
  await channel.open();
  channel.answer(await channel.take("pull"), "r");
  await expect(patient).resolves.toMatchObject({ header: { revision: "r" } });
});

test.each([{ timeoutMs: 0 }, { creditBytes: -1 }, { timeoutMs: 1.5 }, { connect: undefined as never }])(
  "options that make no sense are refused: %o",
  (options) => {
    const connect = (): never => {
      throw new Error("never called");
    };
    expect(() => createLiveClient({ connect, endpoint: "e", ...options })).toThrow(SyncError);
  },
);
