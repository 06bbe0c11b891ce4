import { LiveRefusal } from "@tributary/live";
import { encodeLiveMessage } from "@tributary/wire";
import { describe, expect, test } from "vitest";
import { outline } from "../support/live-server-client.js";
import { serveLive, serveOpen } from "../support/live-server-host.js";

const push = (number: number, text: string, isContinued = false) =>
  ({ type: "push", sub: 1, push: number, isContinued, body: Buffer.from(text) }) as const;
const bytes = (length: number): Uint8Array => new Uint8Array(length);

describe("before it is known who it is", () => {
  test("what came with the hello is done after it, in its order", async () => {
    const { client, host } = serveLive();
    let decide: (grant: { expiresAt: undefined }) => void = () => {};
    host.grant = new Promise((resolve) => {
      decide = resolve;
    });
    client.hello("a token");
    client.open(1);
    client.pull(1, 1);
    expect(await client.heard()).toEqual([]);
    expect(host.replicas).toEqual([]);
    decide({ expiresAt: undefined });
    client.open(2);
    expect(outline(await client.heard())).toEqual(["welcome", "opened 1", "opened 2"]);
    expect(host.tokens).toEqual(["a token"]);
    expect(host.replicas[0]?.pulls).toHaveLength(1);
  });

  test("a channel that says nothing is closed", async () => {
    const { client, host } = serveLive();
    host.clock.advance(1_000);
    expect(outline(await client.heard())).toEqual(["failed 0/0 408 hello-timeout"]);
    expect(client.closeReason).toBe("nobody said in time who is there");
    expect(host.closes).toEqual([undefined]);
  });

  test("so is one whose hello nobody can decide on", async () => {
    const { client, host } = serveLive();
    host.grant = new Promise(() => {});
    client.hello();
    await client.heard();
    host.clock.advance(1_000);
    expect(outline(await client.heard())).toEqual(["failed 0/0 408 hello-timeout"]);
  });

  test.each([
    ["a long hello", [bytes(64 * 1024 + 1)], "413 too-much-data"],
    ["no hello", [encodeLiveMessage({ type: "ping", nonce: 1 })], "400 protocol-error"],
    ["junk", [Uint8Array.of(99)], "400 protocol-error"],
    [
      "another version",
      [encodeLiveMessage({ type: "hello", version: 2, token: undefined, client: "" })],
      "400 unsupported-version",
    ],
  ])("%s closes it", async (_what, messages, refusal) => {
    const { client, host } = serveLive();
    for (const message of messages) client.channel.send(message);
    expect(outline(await client.heard())).toEqual([`failed 0/0 ${refusal}`]);
    expect(host.tokens).toEqual([]);
  });

  test.each([
    ["many messages", 64, 1],
    ["many bytes", 5, 60 * 1024],
  ])("%s while the hello is looked at close it", async (_what, count, length) => {
    const { client, host } = serveLive();
    host.grant = new Promise(() => {});
    client.hello();
    for (let index = 0; index < count; index++) client.channel.send(bytes(length));
    expect(outline(await client.heard())).toEqual(["failed 0/0 413 too-much-data"]);
  });

  test("the same limits hold until something is open, where a token says who it is only then", async () => {
    const { client, host } = serveLive();
    host.grant = { expiresAt: undefined, isProvisional: true };
    client.hello();
    expect(outline(await client.heard())).toEqual(["welcome"]);
    host.opening = Promise.reject(new LiveRefusal(403, "AUTH_FORBIDDEN", "no"));
    client.open(1);
    expect(outline(await client.heard())).toEqual(["failed 1/0 403 AUTH_FORBIDDEN"]);
    host.clock.advance(1_000);
    expect(outline(await client.heard())).toEqual(["failed 0/0 408 hello-timeout"]);
    const other = serveLive();
    other.host.grant = { expiresAt: undefined, isProvisional: true };
    other.client.hello();
    other.client.open(1);
    await other.client.heard();
    other.host.clock.advance(1_000);
    expect(other.client.closeReason).toBeUndefined();
  });

  test("a hello that is refused closes it", async () => {
    const { client, host } = serveLive();
    host.grant = Promise.reject(new LiveRefusal(401, "AUTH_INVALID", "no", 5_000));
    client.hello("wrong");
    const [failed] = await client.heard();
    expect(failed).toEqual({
      type: "failed",
      sub: 0,
      request: 0,
      status: 401,
      code: "AUTH_INVALID",
      message: "no",
      retryAfterMs: 5_000,
    });
    expect(client.closeReason).toBe("no");
  });

  test("what the host did not expect is told to the host, and not to the client", async () => {
    const { client, host } = serveLive();
    const bug = new Error("secret");
    host.grant = Promise.reject(bug);
    client.hello();
    expect(await client.heard()).toEqual([
      expect.objectContaining({ status: 500, code: "internal", message: "internal error" }),
    ]);
    expect(host.closes).toEqual([bug]);
  });
});

describe("pulls", () => {
  test("bring a header, pages within the credit, and an end", async () => {
    const { client, replica } = await serveOpen();
    client.pull(1, 1, undefined, { credit: 100 * 4096 + 5 });
    await client.heard();
    replica.pulls[0]?.answer("r1", 150);
    expect(outline(await client.heard())).toEqual(["header 1 r1", "pages 1 64", "pages 1 36"]);
    client.say({ type: "credit", sub: 1, pull: 1, bytes: 4096 - 5 });
    expect(outline(await client.heard())).toEqual(["pages 1 1"]);
    client.say({ type: "credit", sub: 1, pull: 1, bytes: Number.MAX_SAFE_INTEGER });
    client.say({ type: "credit", sub: 1, pull: 1, bytes: Number.MAX_SAFE_INTEGER });
    expect(outline(await client.heard())).toEqual(["pages 1 27", "pages 1 22", "end 1"]);
    expect(replica.pulls[0]).toMatchObject({ isClosed: true, read: 150 });
  });

  test("end where no credit comes, and the rest of the channel goes on", async () => {
    const { client, host, replica } = await serveOpen();
    client.pull(1, 1, undefined, { credit: 0 });
    await client.heard();
    replica.pulls[0]?.answer("r1", 64);
    await client.heard();
    host.clock.advance(4_999);
    expect(replica.pulls[0]?.isClosed).toBe(false);
    host.clock.advance(1);
    expect(outline(await client.heard())).toEqual(["failed 1/1 408 download-stalled"]);
    expect(replica.pulls[0]?.isClosed).toBe(true);
    client.pull(1, 2);
    await client.heard();
    replica.pulls[1]?.answer("r2", 0);
    expect(outline(await client.heard())).toEqual(["header 2 r2", "end 2"]);
  });

  test("that are cancelled bring nothing more, and their numbers are not used again", async () => {
    const { client, replica } = await serveOpen();
    client.pull(1, 1);
    client.say({ type: "cancel", sub: 1, pull: 1 });
    client.pull(1, 2, undefined, { credit: 4096 });
    await client.heard();
    expect(replica.pulls[0]?.request.signal.aborted).toBe(true);
    replica.pulls[1]?.answer("r", 64);
    expect(outline(await client.heard())).toEqual(["header 2 r", "pages 2 1"]);
    client.say({ type: "cancel", sub: 1, pull: 2 }, { type: "credit", sub: 1, pull: 2, bytes: 1 << 20 });
    expect(await client.heard()).toEqual([]);
    expect(replica.pulls[1]?.isClosed).toBe(true);
    client.pull(1, 2);
    expect(outline(await client.heard())).toEqual(["failed 0/0 400 protocol-error"]);
  });

  test("are no more at once than are allowed", async () => {
    const { client, replica } = await serveOpen();
    for (const pull of [1, 2, 3]) client.pull(1, pull);
    expect(outline(await client.heard())).toEqual(["failed 1/3 429 too-many-pulls"]);
    replica.pulls[0]?.refuse(new LiveRefusal(410, "revision-expired", "gone"));
    expect(outline(await client.heard())).toEqual(["failed 1/1 410 revision-expired"]);
    client.pull(1, 4);
    expect(await client.heard()).toEqual([]);
    expect(replica.pulls).toHaveLength(3);
  });

  test("take turns where the channel is full, and read no more than it takes", async () => {
    const { client, replica, channel } = await serveOpen();
    client.pull(1, 1);
    client.pull(1, 2);
    await client.heard();
    channel.isNarrow = true;
    replica.pulls[0]?.answer("a", 640);
    replica.pulls[1]?.answer("b", 640);
    client.say({ type: "ping", nonce: 1 });
    expect(outline(await client.heard())).toEqual(["header 1 a"]);
    expect(replica.pulls[0]?.read).toBe(0);
    const heard: string[] = [];
    for (let round = 0; round < 6; round++) {
      channel.drain();
      heard.push(...outline(await client.heard()));
    }
    expect(heard).toEqual(["header 2 b", "pong", "pages 1 64", "pages 2 64", "pages 1 64", "pages 2 64"]);
    expect(replica.pulls[0]?.read).toBe(128);
  });

  test("of a client that takes nothing more end with its channel", async () => {
    const { client, host, replica, channel } = await serveOpen();
    client.pull(1, 1);
    await client.heard();
    channel.isNarrow = true;
    replica.pulls[0]?.answer("a", 640);
    await client.heard();
    host.clock.advance(4_000);
    channel.drain();
    await client.heard();
    host.clock.advance(4_999);
    expect(replica.pulls[0]?.isClosed).toBe(false);
    host.clock.advance(1);
    expect(replica.pulls[0]?.isClosed).toBe(true);
    expect(outline(await client.heard())).toEqual(["failed 0/0 408 stalled"]);
  });
});

describe("pushes", () => {
  test("run one after the other, and are answered in their order", async () => {
    const { client, replica } = await serveOpen();
    client.say(push(1, "one"), push(2, "two"));
    await client.heard();
    expect(replica.pushes.map(({ text }) => text)).toEqual(["one"]);
    replica.pushes[0]?.answer("done");
    expect(outline(await client.heard())).toEqual(["pushed 1 done"]);
    replica.pushes[1]?.refuse(new LiveRefusal(503, "closed", "no"));
    expect(outline(await client.heard())).toEqual(["failed 1/2 503 closed"]);
  });

  test("that are continued wait for the answer of the part before", async () => {
    const { client, replica } = await serveOpen();
    client.say(push(1, "one", true));
    await client.heard();
    expect(replica.pushes[0]?.isContinued).toBe(true);
    replica.pushes[0]?.answer("1");
    await client.heard();
    client.say(push(2, "two", true), push(3, "three"));
    expect(outline(await client.heard())).toEqual(["failed 0/0 400 protocol-error"]);
  });

  test("are bounded in number and in bytes", async () => {
    const { client } = await serveOpen();
    for (let number = 1; number <= 64; number++) client.say(push(number, ""));
    expect(await client.heard()).toEqual([]);
    client.say(push(65, ""));
    expect(outline(await client.heard())).toEqual(["failed 0/0 429 too-many-pushes"]);
    const other = await serveOpen();
    const body = "x".repeat(99_000);
    for (let number = 1; number <= 4; number++) other.client.say(push(number, body));
    expect(await other.client.heard()).toEqual([]);
    other.client.say(push(5, body));
    expect(outline(await other.client.heard())).toEqual(["failed 0/0 429 too-many-pushes"]);
  });
});

test("pushes wait while the client takes nothing: their answers would pile up", async () => {
  const { client, replica, channel } = await serveOpen();
  channel.isNarrow = true;
  client.say({ type: "ping", nonce: 1 }, push(1, "one"));
  await client.heard();
  expect(replica.pushes).toEqual([]);
  channel.drain();
  await client.heard();
  expect(replica.pushes.map(({ text }) => text)).toEqual(["one"]);
});
