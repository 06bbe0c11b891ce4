import { expect, test } from "vitest";
import { ManualLiveClock } from "../../../tests/support/manual-live-clock.js";
import { recordChannel } from "../../../tests/support/recorded-channel.js";
import { createEventStreamAcceptor, createEventStreamConnect } from "../src/index.js";
import { ask, NEVER, type Pair, pairOf, URL_OF_CHANNELS } from "./support/event-stream-pair.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const openEvent = `event: open\ndata: ${JSON.stringify({ session: "s", idleTimeoutMs: 1e9, maxMessageBytes: 1e6 })}\n\n`;

/** A channel that has sent one message, so that its session is known. */
async function knownPair(...options: Parameters<typeof pairOf>): Promise<Pair & { session: string }> {
  const pair = await pairOf(...options);
  const { untilCount } = recordChannel(pair.server);
  pair.client.send(bytes("a"));
  await untilCount(1);
  return { ...pair, session: pair.requests[1]?.headers.get("tributary-session") ?? "" };
}

interface SlowRequest {
  readonly init: RequestInit;
  readonly body: ReadableStreamDefaultController<Uint8Array>;
  isCancelled(): boolean;
}

/** A request with messages whose body does not end by itself. */
function slowRequest(session: string): SlowRequest {
  let body!: ReadableStreamDefaultController<Uint8Array>;
  let isCancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      body = controller;
    },
    cancel() {
      isCancelled = true;
    },
  });
  const headers = { "tributary-session": session, "tributary-first": "2" };
  const init = { method: "POST", headers, body: stream, duplex: "half" } as RequestInit;
  return { init, body, isCancelled: () => isCancelled };
}

test("requests that are not whole yet count too, and are answered when the channel ends", async () => {
  const { acceptor, server, session } = await knownPair();
  const slow = Array.from({ length: 4 }, () => slowRequest(session));
  const answers = slow.map(({ init }) => ask(acceptor, init));
  expect((await ask(acceptor, slowRequest(session).init)).status).toBe(429);
  slow[0]?.body.enqueue(bytes("x"));
  await turn();
  server.close();
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([410, 410, 410, 410]);
  expect(slow.map(({ isCancelled }) => isCancelled())).toEqual([true, true, true, true]);
});

test("what the requests of all channels hold together is bounded, and given back", async () => {
  const { acceptor, session } = await knownPair(undefined, { maxRequestBytes: 1_000 });
  const slow = slowRequest(session);
  const answer = ask(acceptor, slow.init);
  slow.body.enqueue(new Uint8Array(600));
  await turn();
  const message = Buffer.from(`0000000190${"00".repeat(400)}`, "hex");
  const own = (): RequestInit => ({
    method: "POST",
    headers: { "tributary-session": session, "tributary-first": "2" },
    body: message,
  });
  const refused = await ask(acceptor, own());
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
  slow.body.error(new Error("the client is gone"));
  expect((await answer).status).toBe(400);
  for (let count = 0; count < 5; count++) expect((await ask(acceptor, own())).status).toBe(204);
});

test("a channel that nobody could take over is not kept", async () => {
  let fails = true;
  const acceptor = createEventStreamAcceptor({
    maxChannels: 1,
    onChannel: () => {
      if (fails) throw new Error("not now");
    },
  });
  const get = { headers: { accept: "text/event-stream" } };
  await expect(ask(acceptor, get)).rejects.toThrow("not now");
  fails = false;
  const answer = await ask(acceptor, get);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("cache-control")).toBe("no-store, no-transform");
  acceptor.close();
});

test("the rest of a channel that has ended waits for its client, but not for ever", async () => {
  const clock = new ManualLiveClock();
  const acceptor = createEventStreamAcceptor({
    onChannel: (channel) => {
      channel.send(new Uint8Array(1_000));
      channel.close();
    },
    idleTimeoutMs: 30_000,
    clock,
  });
  const [patient, idle] = await Promise.all(
    [1, 2].map(() => ask(acceptor, { headers: { accept: "text/event-stream" } })),
  );
  clock.advance(29_999);
  expect(await patient?.text()).toContain("event: close");
  clock.advance(1);
  await expect(idle?.text()).rejects.toThrow("the client does not read");
});

test("the last words of the server come, though a request is told before that the channel is over", async () => {
  let letEventsThrough = (): void => {};
  const held = new Promise<void>((resolve) => {
    letEventsThrough = resolve;
  });
  const { client, server, requests } = await pairOf(async (request, go) => {
    if (request.method === "POST") return await go(request);
    const answer = await go(request);
    let count = 0;
    const body = answer.body?.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        async transform(chunk, controller) {
          // All but the event that opens the channel.
          if (count++ > 0) await held;
          controller.enqueue(chunk);
        },
      }),
    );
    return new Response(body ?? null, answer);
  });
  const { log, untilCount } = recordChannel(client);
  recordChannel(server);
  server.send(bytes("the token has expired"));
  server.close("enough");
  client.send(bytes("late"));
  while (client.send(bytes("later")) !== "closed") await turn();
  expect(log).toEqual([]);
  letEventsThrough();
  await untilCount(2);
  expect(log).toEqual(["message the token has expired", "close enough"]);
  expect(requests.filter(({ method }) => method === "POST")).toHaveLength(1);
});

test("a server that is gone without a word is not waited for", async () => {
  const clock = new ManualLiveClock();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes(openEvent)),
  });
  const connect = createEventStreamConnect({
    url: URL_OF_CHANNELS,
    clock,
    closeTimeoutMs: 5_000,
    fetch: async (_input, init) =>
      init?.method === "POST"
        ? new Response("gone", { status: 410 })
        : new Response(body, { headers: { "content-type": "text/event-stream" } }),
  });
  const channel = await connect(NEVER);
  const { log, untilCount } = recordChannel(channel);
  channel.send(bytes("a"));
  while (channel.send(bytes("b")) !== "closed") await turn();
  clock.advance(4_999);
  await turn();
  expect(log).toEqual([]);
  clock.advance(1);
  await untilCount(1);
  expect(log).toEqual(["close the server refuses messages (410)"]);
  expect(clock.timerCount).toBe(0);
});

test.each(["YQ=", "Y", "YQ==YQ==", "!!!!", "Y Q="])("%j is no message", async (data) => {
  const connect = createEventStreamConnect({
    url: URL_OF_CHANNELS,
    fetch: async (_input, init) =>
      init?.method === "POST"
        ? new Response(null, { status: 204 })
        : new Response(`${openEvent}data: ${data}\n\n`, { headers: { "content-type": "text/event-stream" } }),
  });
  const { log, untilCount } = recordChannel(await connect(NEVER));
  await untilCount(1);
  expect(log).toEqual(["close an event of the server's is no message"]);
});
