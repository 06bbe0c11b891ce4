import { LiveRefusal } from "@tributary/live";
import { describe, expect, test } from "vitest";
import { outline } from "../support/live-server-client.js";
import { serveLive, serveOpen } from "../support/live-server-host.js";

const push = (number: number, text: string, isContinued = false) =>
  ({ type: "push", sub: 1, push: number, isContinued, body: Buffer.from(text) }) as const;
const bytes = (length: number): Uint8Array => new Uint8Array(length);

describe("subscriptions", () => {
  test("are counted, and numbered upwards", async () => {
    const { client } = await serveOpen(4);
    client.open(5);
    expect(outline(await client.heard())).toEqual(["failed 5/0 429 too-many-subscriptions"]);
    client.say({ type: "close", sub: 2 });
    client.open(6);
    expect(outline(await client.heard())).toEqual(["opened 6"]);
    client.open(2);
    expect(outline(await client.heard())).toEqual(["failed 0/0 400 protocol-error"]);
  });

  test("that were closed are no longer asked, by whoever closed them", async () => {
    const { client, replica } = await serveOpen();
    client.pull(1, 1);
    await client.heard();
    replica.onEnd(new LiveRefusal(404, "no-such-database", "deleted"));
    expect(replica.isClosed).toBe(true);
    client.pull(1, 2);
    client.say(push(1, "late"), { type: "data", sub: 1, payload: bytes(1) });
    expect(outline(await client.heard())).toEqual(["failed 1/0 404 no-such-database"]);
    expect(client.closeReason).toBeUndefined();
    client.pull(2, 1);
    expect(outline(await client.heard())).toEqual(["failed 0/0 400 protocol-error"]);
  });

  test("of the wrong kind close the channel", async () => {
    const { client } = await serveOpen();
    client.say({ type: "data", sub: 1, payload: bytes(1) });
    expect(outline(await client.heard())).toEqual(["failed 0/0 400 protocol-error"]);
    const other = await serveOpen();
    other.client.open(2, "", "stream");
    other.client.pull(2, 1);
    expect(outline(await other.client.heard())).toEqual(["failed 0/0 400 protocol-error"]);
  });

  test("that are closed while they are opened are closed when they are open", async () => {
    const { client, host } = await serveOpen();
    let opened: () => void = () => {};
    host.opening = new Promise<void>((resolve) => {
      opened = resolve;
    });
    client.open(2);
    client.pull(2, 1);
    client.say({ type: "close", sub: 2 });
    await client.heard();
    opened();
    expect(await client.heard()).toEqual([]);
    expect(host.replicas[1]).toMatchObject({ isClosed: true, pulls: [] });
  });
});

describe("streams", () => {
  test("carry messages both ways, and end without the channel", async () => {
    const { client, host } = await serveOpen();
    let opened: () => void = () => {};
    host.opening = new Promise<void>((resolve) => {
      opened = resolve;
    });
    client.open(2, "", "stream");
    client.say({ type: "data", sub: 2, payload: Buffer.from("early") });
    await client.heard();
    const [stream] = host.streams;
    stream?.send(Buffer.from("first"));
    const told: string[] = [];
    stream?.listen({
      onMessage: (message) => void told.push(Buffer.from(message).toString()),
      onDrain: () => {},
      onClose: (reason) => void told.push(`closed: ${reason}`),
    });
    expect(await client.heard()).toEqual([]);
    opened();
    expect(outline(await client.heard())).toEqual(["opened 2", "data 2 first"]);
    client.say({ type: "data", sub: 2, payload: Buffer.from("late") });
    stream?.send(Buffer.from("second"));
    expect(outline(await client.heard())).toEqual(["data 2 second"]);
    stream?.close("enough");
    stream?.close("again");
    expect(stream?.send(bytes(1))).toBe("closed");
    expect(outline(await client.heard())).toEqual(["failed 2/0 410 stream-closed"]);
    expect(told).toEqual(["early", "late", "closed: enough"]);
    expect(client.closeReason).toBeUndefined();
  });

  test("end with the channel, and with their subscription", async () => {
    const { client, host } = await serveOpen();
    const told: string[] = [];
    client.open(2, "", "stream");
    client.open(3, "", "stream");
    await client.heard();
    for (const [index, stream] of host.streams.entries()) {
      const onClose = (reason: string): void => void told.push(`${index} ${reason}`);
      stream.listen({ onMessage: () => {}, onDrain: () => {}, onClose });
    }
    client.say({ type: "close", sub: 2 });
    await client.heard();
    client.channel.close("gone");
    await client.heard();
    expect(told).toEqual(["0 the client has closed it", "1 gone"]);
  });

  test("are told when the channel is full, and when there is room", async () => {
    const { client, host } = await serveOpen();
    client.open(2, "", "stream");
    await client.heard();
    const [stream] = host.streams;
    let drained = 0;
    stream?.listen({ onMessage: () => {}, onDrain: () => drained++, onClose: () => {} });
    const outcomes = Array.from({ length: 12 }, () => stream?.send(bytes(100_000)));
    expect(outcomes).toEqual([...Array(10).fill("sent"), "full", "full"]);
    expect(await client.heard()).toHaveLength(12);
    expect(drained).toBe(1);
  });

  test("that nobody listens to take no more than a few messages", async () => {
    const { client } = await serveOpen();
    client.open(2, "", "stream");
    for (let index = 0; index < 5; index++) client.say({ type: "data", sub: 2, payload: bytes(90_000) });
    expect(outline(await client.heard())).toEqual(["opened 2", "failed 0/0 429 too-much-data"]);
  });
});

describe("a channel", () => {
  test("is closed when its token expires, unless a fresh one comes", async () => {
    const { client, host } = serveLive({ keepAliveMs: 1 << 30 });
    host.grant = { expiresAt: Date.now() + 60_000 };
    client.hello("one");
    const [welcome] = await client.heard();
    expect(welcome).toMatchObject({ type: "welcome", maxMessageBytes: 100_000 });
    expect(welcome?.type === "welcome" && welcome.expiresInMs).toBeGreaterThan(50_000);
    host.clock.advance(40_000);
    client.say({ type: "token", token: "two" });
    expect(outline(await client.heard())).toEqual(["welcome"]);
    expect(host.tokens).toEqual(["one", "two"]);
    host.clock.advance(59_000);
    expect(client.closeReason).toBeUndefined();
    host.clock.advance(1_000);
    expect(outline(await client.heard())).toEqual(["failed 0/0 401 token-expired"]);
  });

  test("goes on while a fresh token is looked at, and ends when that is refused", async () => {
    const { client, host } = serveLive({ keepAliveMs: 1 << 30 });
    host.grant = { expiresAt: Date.now() + 1_000 };
    client.hello("one");
    await client.heard();
    let refuse: (error: unknown) => void = () => {};
    host.grant = new Promise((_resolve, reject) => {
      refuse = reject;
    });
    client.say({ type: "token", token: "two" });
    await client.heard();
    host.clock.advance(5_000);
    expect(client.closeReason).toBeUndefined();
    refuse(new LiveRefusal(403, "AUTH_FORBIDDEN", "no"));
    expect(outline(await client.heard())).toEqual(["failed 0/0 403 AUTH_FORBIDDEN"]);
  });

  test("pings when it has nothing to say, and is closed when nothing comes", async () => {
    const { client, host } = await serveOpen();
    host.clock.advance(10_000);
    expect(outline(await client.heard())).toEqual(["ping"]);
    client.say({ type: "ping", nonce: 7 });
    expect(await client.heard()).toEqual([{ type: "pong", nonce: 7 }]);
    host.clock.advance(15_000);
    expect(client.closeReason).toBeUndefined();
    host.clock.advance(5_000);
    expect(outline(await client.heard()).at(-1)).toBe("failed 0/0 408 silent");
  });

  test("pings no more often than need be, but also where it alone says something", async () => {
    const { client, host, replica } = await serveOpen();
    for (let round = 0; round < 10; round++) {
      host.clock.advance(10_000);
      client.say({ type: "pong", nonce: round });
      expect(outline(await client.heard())).toEqual(["ping"]);
    }
    client.pull(1, 1);
    client.pull(1, 2);
    await client.heard();
    host.clock.advance(4_000);
    replica.pulls[0]?.answer("r", 0);
    await client.heard();
    host.clock.advance(4_000);
    replica.pulls[1]?.answer("r", 0);
    await client.heard();
    host.clock.advance(2_000);
    expect(outline(await client.heard())).toEqual(["ping"]);
  });

  test("is closed where a message is too long, or a second hello comes", async () => {
    const { client } = await serveOpen();
    client.channel.send(bytes(100_001));
    expect(outline(await client.heard())).toEqual(["failed 0/0 413 too-long"]);
    const other = await serveOpen();
    other.client.hello();
    expect(outline(await other.client.heard())).toEqual(["failed 0/0 400 protocol-error"]);
  });

  test("that finishes answers what came, and takes nothing more", async () => {
    const { client, replica, connection } = await serveOpen();
    client.pull(1, 1);
    client.pull(1, 2, undefined, { credit: 4096 });
    client.say(push(1, "one"));
    await client.heard();
    replica.pulls[1]?.answer("r", 2);
    await client.heard();
    connection.finish();
    client.pull(1, 3);
    client.open(2);
    expect(outline(await client.heard())).toEqual([
      "failed 1/1 503 going-away",
      "failed 1/3 503 going-away",
      "failed 2/0 503 going-away",
    ]);
    client.say({ type: "credit", sub: 1, pull: 2, bytes: 4096 });
    expect(outline(await client.heard())).toEqual(["pages 2 1", "end 2"]);
    replica.pushes[0]?.answer("done");
    expect(outline(await client.heard())).toEqual(["pushed 1 done", "failed 0/0 503 going-away"]);
    expect(client.closeReason).toBeDefined();
  });
});
