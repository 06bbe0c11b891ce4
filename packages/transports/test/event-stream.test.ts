import { SyncError } from "@tributary/core";
import { expect, test } from "vitest";
import { ManualLiveClock } from "../../../tests/support/manual-live-clock.js";
import { recordChannel } from "../../../tests/support/recorded-channel.js";
import { createEventStreamConnect, type EventStreamConnectOptions } from "../src/index.js";
import { ask, NEVER, pairOf, URL_OF_CHANNELS } from "./support/event-stream-pair.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("a request whose answer is lost, or that does not arrive, is sent again and doubles nothing", async () => {
  const faults = ["lost-answer", "lost-request", "503", "lost-answer"];
  const { client, server, clock } = await pairOf(
    async (request, go) => {
      if (request.method === "GET") return await go(request);
      const fault = faults.shift();
      if (fault === undefined) return await go(request);
      // The wait before the next attempt begins when this one has failed.
      setImmediate(() => clock.advance(60_000));
      if (fault === "503") return new Response(null, { status: 503 });
      if (fault === "lost-request") throw new TypeError("fetch failed");
      await go(request.clone());
      throw new TypeError("fetch failed");
    },
    { idleTimeoutMs: 10 ** 9 },
  );
  const record = recordChannel(server);
  recordChannel(client);
  for (const text of ["a", "b", "c"]) client.send(bytes(text));
  await record.untilCount(3);
  client.send(bytes("d"));
  await record.untilCount(4);
  expect(record.log).toEqual(["message a", "message b", "message c", "message d"]);
  expect(faults).toEqual([]);
});

test("a channel whose requests fail for good ends", async () => {
  const { client, clock } = await pairOf(
    async (request, go) => {
      if (request.method === "GET") return await go(request);
      setImmediate(() => clock.advance(10_000));
      throw new TypeError("fetch failed");
    },
    { idleTimeoutMs: 10 ** 9 },
    { attempts: 3 },
  );
  const { log, untilCount } = recordChannel(client);
  client.send(bytes("a"));
  await untilCount(1);
  expect(log).toEqual(["close messages could not be sent: fetch failed"]);
  expect(client.send(bytes("b"))).toBe("closed");
});

test("what is sent in one turn goes in one request", async () => {
  const { client, server, requests } = await pairOf();
  const { untilCount } = recordChannel(server);
  for (let count = 0; count < 100; count++) client.send(bytes("x"));
  await untilCount(100);
  expect(requests.map(({ method }) => method)).toEqual(["GET", "POST"]);
});

test("every request has the headers and the token of its moment", async () => {
  let asked = 0;
  const { client, server, requests } = await pairOf(undefined, undefined, {
    authToken: async () => `token-${++asked}`,
    headers: { "x-tenant": "ada" },
  });
  const { untilCount } = recordChannel(server);
  client.send(bytes("a"));
  await untilCount(1);
  expect(requests.map(({ headers }) => headers.get("authorization"))).toEqual([
    "Bearer token-1",
    "Bearer token-2",
  ]);
  expect(requests.map(({ headers }) => headers.get("x-tenant"))).toEqual(["ada", "ada"]);
});

test("sessions cannot be guessed, and one that is over is gone", async () => {
  const { client, server, acceptor, requests } = await pairOf();
  const { log, untilCount } = recordChannel(server);
  client.send(bytes("a"));
  await untilCount(1);
  const session = requests[1]?.headers.get("tributary-session") ?? "";
  expect(session).toMatch(/^[\w-]{32}$/);
  const stolen = { "tributary-session": `${session.slice(0, -1)}!`, "tributary-first": "1" };
  expect((await ask(acceptor, { method: "POST", headers: stolen, body: "x" })).status).toBe(410);
  const own = (first: string): RequestInit => ({
    method: "POST",
    headers: { "tributary-session": session, "tributary-first": first },
    body: Buffer.from("000000000162", "hex"),
  });
  expect((await ask(acceptor, own("3"))).status).toBe(409);
  expect((await ask(acceptor, own("0"))).status).toBe(400);
  expect((await ask(acceptor, own("1"))).status).toBe(204);
  expect((await ask(acceptor, own("2"))).status).toBe(204);
  expect(log).toEqual(["message a", "message b"]);
  expect((await ask(acceptor, { ...own("3"), body: "no frames" })).status).toBe(400);
  await untilCount(3);
  expect(log[2]).toBe("close what came are no frames");
  expect((await ask(acceptor, own("3"))).status).toBe(410);
});

test("what is no request of a channel's is refused", async () => {
  const { acceptor } = await pairOf();
  expect((await ask(acceptor)).status).toBe(406);
  expect((await ask(acceptor, { method: "PUT", body: "x" })).status).toBe(405);
});

test("channels are counted, and one that has ended counts no more", async () => {
  const { acceptor, server } = await pairOf(undefined, { maxChannels: 1 });
  const get = { headers: { accept: "text/event-stream" } };
  const refused = await ask(acceptor, get);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
  server.close();
  const allowed = await ask(acceptor, get);
  expect(allowed.status).toBe(200);
  await allowed.body?.cancel();
  expect((await ask(acceptor, get)).status).toBe(200);
  acceptor.close();
  expect((await ask(acceptor, get)).status).toBe(503);
});

test("a body that is too long is not kept", async () => {
  const { client, server, acceptor, requests } = await pairOf(undefined, { maxMessageBytes: 1_000 });
  const { untilCount } = recordChannel(server);
  client.send(bytes("a"));
  await untilCount(1);
  const session = requests[1]?.headers.get("tributary-session") ?? "";
  let pulled = 0;
  const body = new ReadableStream({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(1_000));
    },
  });
  const headers = { "tributary-session": session, "tributary-first": "2" };
  const init = { method: "POST", headers, body, duplex: "half" } as RequestInit;
  expect((await ask(acceptor, init)).status).toBe(413);
  expect(pulled).toBeLessThan(10);

  const clientLog = recordChannel(client);
  expect(client.send(new Uint8Array(1_001))).toBe("closed");
  await clientLog.untilCount(1);
  expect(clientLog.log).toEqual(["close a message of 1001 bytes is longer than the server takes"]);
});

test("both ends keep an idle channel open, and end one whose other end is silent", async () => {
  let isCut = false;
  const { client, server, clock, requests } = await pairOf(
    (request, go) => (isCut ? new Promise<Response>(() => {}) : go(request)),
    { idleTimeoutMs: 30_000 },
    { timeoutMs: 10 ** 9 },
  );
  const [clientLog, serverLog] = [recordChannel(client), recordChannel(server)];
  for (let minute = 0; minute < 20; minute++) {
    clock.advance(10_000);
    // Requests and events of this process take some turns.
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  expect([...clientLog.log, ...serverLog.log]).toEqual([]);
  expect(requests.filter(({ method }) => method === "POST")).toHaveLength(20);
  isCut = true;
  clock.advance(60_000);
  await serverLog.untilCount(1);
  expect(serverLog.log).toEqual(["close the client is silent"]);
});

test("an end that was closed gives up what it cannot bring over", async () => {
  let isAborted = false;
  const { client, clock } = await pairOf(
    (request, go) => {
      if (request.method === "GET") return go(request);
      request.signal.addEventListener("abort", () => {
        isAborted = true;
      });
      return new Promise<Response>(() => {});
    },
    { idleTimeoutMs: 10 ** 9 },
    { closeTimeoutMs: 2_000 },
  );
  const { untilCount } = recordChannel(client);
  client.send(bytes("a"));
  client.close("enough");
  await untilCount(1);
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(2_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(isAborted).toBe(true);
});

async function failureOf(
  answer: (signal: AbortSignal) => Promise<Response>,
  options: Partial<EventStreamConnectOptions> = {},
  signal: AbortSignal = NEVER,
): Promise<SyncError> {
  const connect = createEventStreamConnect({
    url: URL_OF_CHANNELS,
    fetch: (_input, init) => answer(init?.signal as AbortSignal),
    ...options,
  });
  const failure = await connect(signal).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(SyncError);
  return failure as SyncError;
}

const events = (text: string, type = "text/event-stream"): Promise<Response> =>
  Promise.resolve(new Response(text, { headers: { "content-type": type } }));

test.each([
  ["unauthorized", () => Promise.resolve(new Response("no", { status: 401 }))],
  ["unexpected-response", () => Promise.resolve(new Response("no", { status: 404 }))],
  ["unreachable", () => Promise.resolve(new Response("no", { status: 503 }))],
  ["unexpected-response", () => events("<html>", "text/html")],
  ["unexpected-response", () => events("data: hello\n\n")],
  ["unexpected-response", () => events("event: open\ndata: {}\n\n")],
  ["unexpected-response", () => events("event: open\ndata: {\n\n")],
  ["unexpected-response", () => events("")],
  ["unreachable", () => Promise.reject(new TypeError("fetch failed"))],
] as const)("connecting fails with %s", async (code, answer) => {
  expect((await failureOf(answer)).code).toBe(code);
});

test("connecting is given up, takes too long, is paused, or cannot be", async () => {
  const hang = (): Promise<Response> => new Promise(() => {});
  const controller = new AbortController();
  const given = failureOf(hang, {}, controller.signal);
  setImmediate(() => controller.abort());
  expect((await given).code).toBe("aborted");

  const clock = new ManualLiveClock();
  const late = failureOf(hang, { clock, timeoutMs: 500 });
  setImmediate(() => clock.advance(500));
  expect((await late).code).toBe("timeout");

  expect((await failureOf(hang, { url: () => null })).code).toBe("paused");
  const secret = await failureOf(hang, { authToken: "a secret\nand more" });
  expect([secret.code, secret.message.includes("a secret")]).toEqual(["invalid-option", false]);
});

test("events come however they are cut, with comments, CR LF and fields of others", async () => {
  const opened = JSON.stringify({ session: "s", idleTimeoutMs: 1e9, maxMessageBytes: 1e6 });
  const text = `: hello\r\nevent: open\r\ndata: ${opened}\r\n\r\nid: 7\nretry: 5\ndata: YQ==\n\n:\n\ndata:Yg==\n\nevent: close\ndata: "bye ä"\n\n`;
  const body = new ReadableStream({
    start(controller) {
      for (const byte of bytes(text)) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const answer = new Response(body, { headers: { "content-type": "text/event-stream" } });
  const connect = createEventStreamConnect({ url: URL_OF_CHANNELS, fetch: async () => answer });
  const { log, untilCount } = recordChannel(await connect(NEVER));
  await untilCount(3);
  expect(log).toEqual(["message a", "message b", "close bye ä"]);
});

test("an event that never ends, and a message that is too long, end the channel", async () => {
  const opened = `event: open\ndata: ${JSON.stringify({ session: "s", idleTimeoutMs: 1e9, maxMessageBytes: 1e6 })}\n\n`;
  for (const [text, told] of [
    [`data: ${"A".repeat(5_000)}`, "close the connection was lost: a message is too long"],
    [`data: A\n`.repeat(2_000), "close the connection was lost: a message is too long"],
    [`data: ${"A".repeat(1_600)}\n\n`, "close a message of 1200 bytes is too long"],
  ] as const) {
    const connect = createEventStreamConnect({
      url: URL_OF_CHANNELS,
      maxMessageBytes: 1_000,
      fetch: async () => await events(opened + text),
    });
    const { log, untilCount } = recordChannel(await connect(NEVER));
    await untilCount(1);
    expect(log).toEqual([told]);
  }
});
