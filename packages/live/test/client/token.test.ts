import { SyncError } from "@tributary/core";
import { expect, test } from "vitest";
import { ScriptedServer } from "./scripted-server.js";

const WAIT = { clientRevision: "r", longPollTimeoutMs: 10_000_000 };

/** Tokens 1, 2, 3, … */
function counting(): () => string {
  let count = 0;
  return () => `token ${++count}`;
}

test("a token is renewed on the open channel after 80 % of its time", async () => {
  const server = new ScriptedServer({ authToken: counting() });
  const waiting = server.client.replica().startPull(WAIT);
  const channel = await server.open({ expiresInMs: 100_000 });
  const pull = await channel.take("pull");
  await server.clock.advance(79_999);
  expect(channel.count("token")).toBe(0);
  await server.clock.advance(1);
  expect(await channel.take("token")).toEqual({ type: "token", token: "token 2" });
  channel.send({ type: "welcome", expiresInMs: 50_000, keepAliveMs: 1_000_000, maxMessageBytes: 1 << 20 });
  await server.clock.advance(40_000);
  expect(await channel.take("token")).toEqual({ type: "token", token: "token 3" });
  channel.answer(pull, "r2");
  await expect(waiting).resolves.toMatchObject({ header: { revision: "r2" } });
});

test("a host that has no fresh token yet is asked again, until the old one expires", async () => {
  let attempts = 0;
  const server = new ScriptedServer({
    authToken: () => {
      attempts += 1;
      if (attempts === 1) return "first";
      throw new Error("the issuer is down");
    },
  });
  const waiting = server.client.replica().startPull(WAIT);
  const channel = await server.open({ expiresInMs: 100_000 });
  await channel.take("pull");
  await server.clock.advance(100_000);
  expect(attempts).toBeGreaterThanOrEqual(3);
  expect(attempts).toBeLessThan(20);
  channel.fail(0, 0, 401, "token-expired");
  const error = await Promise.resolve(waiting).catch((reason: SyncError) => reason);
  expect(error).toMatchObject({ code: "unreachable", cause: { cause: { message: "the issuer is down" } } });
});

test("a token that never expires, or is always the same, is not renewed", async () => {
  for (const [authToken, expiresInMs] of [
    [counting(), undefined],
    ["constant", 10_000],
  ] as const) {
    const server = new ScriptedServer({ authToken });
    const waiting = server.client.replica().startPull(WAIT);
    const channel = await server.open({ expiresInMs });
    await server.clock.advance(100_000);
    expect(channel.count("token")).toBe(0);
    channel.answer(await channel.take("pull"), "r2");
    await waiting;
  }
});

test("a channel that is closed for its token may be opened again, where there can be a fresh one", async () => {
  for (const [authToken, code] of [
    [counting(), "unreachable"],
    ["constant", "unauthorized"],
  ] as const) {
    const server = new ScriptedServer({ authToken });
    const waiting = server.client.replica().startPull(WAIT);
    const channel = await server.open();
    channel.fail(0, 0, 401, "token-expired");
    await expect(waiting).rejects.toMatchObject({ code });
  }
});

test("a hello that is refused for its token is tried once more with a fresh one", async () => {
  const server = new ScriptedServer({ authToken: counting() });
  const pulling = server.client.replica().startPull({ longPollTimeoutMs: 0 });
  const first = await server.channel();
  expect(await first.take("hello")).toMatchObject({ token: "token 1" });
  first.fail(0, 0, 401, "unauthorized");
  const second = await server.channel();
  expect(await second.greet()).toMatchObject({ token: "token 2" });
  await second.open();
  second.answer(await second.take("pull"), "r");
  await pulling;
});

test("who is refused with a fresh token too, or has only one, is unauthorized", async () => {
  for (const [authToken, attempts] of [
    [counting(), 2],
    ["constant", 1],
  ] as const) {
    const server = new ScriptedServer({ authToken });
    const pulling = server.client.replica().startPull({ longPollTimeoutMs: 0 });
    for (let attempt = 0; attempt < attempts; attempt++) {
      const channel = await server.channel();
      await channel.take("hello");
      channel.fail(0, 0, 401, "unauthorized");
    }
    await expect(pulling).rejects.toMatchObject({ code: "unauthorized", details: { status: 401 } });
    expect(server.channels).toHaveLength(attempts);
  }
});

test("a request that is refused for its token is made once more with a fresh one, a push too", async () => {
  const server = new ScriptedServer({ authToken: counting() });
  const remote = server.client.replica();
  const pulling = remote.startPull({ longPollTimeoutMs: 0 });
  const channel = await server.channel();
  const renew = async (token: string): Promise<void> => {
    expect(await channel.take("token")).toEqual({ type: "token", token });
    channel.send({
      type: "welcome",
      expiresInMs: undefined,
      keepAliveMs: 1_000_000,
      maxMessageBytes: 1 << 20,
    });
  };
  await channel.greet();
  const refusedOpen = await channel.take("open");
  channel.fail(refusedOpen.sub, 0, 401, "token-expired");
  await renew("token 2");
  const opened = await channel.open();
  expect(opened.sub).toBeGreaterThan(refusedOpen.sub);
  const refusedPull = await channel.take("pull");
  channel.fail(refusedPull.sub, refusedPull.pull, 401, "token-expired");
  await renew("token 3");
  channel.answer(await channel.take("pull"), "r");
  await pulling;
  const pushing = remote.runRemoteBatch({
    steps: [{ sql: "SELECT 1", params: [], condition: "always", wantRows: false }],
    repeatable: false,
  });
  const refusedPush = await channel.take("push");
  channel.fail(refusedPush.sub, refusedPush.push, 401, "token-expired");
  await renew("token 4");
  const push = await channel.take("push");
  expect(push.body).toEqual(refusedPush.body);
  channel.fail(push.sub, push.push, 401, "token-expired");
  await expect(pushing).rejects.toMatchObject({ code: "unauthorized" });
});

test.each([
  [() => Promise.reject(new Error("no")), "unauthorized"],
  [() => 5 as never, "invalid-option"],
  [() => Promise.reject(new SyncError("paused", "not now")), "paused"],
])("a host that gives no token is told so: %s", async (authToken, code) => {
  const server = new ScriptedServer({ authToken });
  await expect(server.client.replica().startPull({ longPollTimeoutMs: 0 })).rejects.toMatchObject({ code });
  expect(server.channels).toHaveLength(0);
});
