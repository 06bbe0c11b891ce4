import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { LIVE_SUBPROTOCOL } from "@tributary/wire";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import type { SyncSocket } from "../../src/sockets/sync-socket.js";
import { toUpgradeListener, type UpgradeListenerOptions } from "../../src/sockets/upgrade-listener.js";
import { ManualClock } from "../support/manual-clock.js";

interface Accepted {
  readonly socket: SyncSocket;
  readonly request: Request;
  readonly remoteAddress: string | undefined;
}

/** A server of HTTP whose sockets are accepted by a list. */
async function listen(options: UpgradeListenerOptions = {}) {
  const accepted: Accepted[] = [];
  const waiting: ((accepted: Accepted) => void)[] = [];
  const listener = toUpgradeListener(
    {
      acceptSocket(socket, request, { remoteAddress } = {}) {
        const entry = { socket, request, remoteAddress };
        accepted.push(entry);
        waiting.shift()?.(entry);
      },
    },
    options,
  );
  const http = createServer((_, response) => response.end("the app"));
  http.on("upgrade", listener);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  onTestFinished(async () => {
    for (const { socket } of accepted) socket.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  const next = () => new Promise<Accepted>((resolve) => waiting.push(resolve));
  return { http, port, accepted, next, listener };
}

async function connectTo(port: number, path = "/", protocols: string[] = []): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols);
  onTestFinished(() => socket.terminate());
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return socket;
}

/** What the server answers to a handshake that is written by hand, until it ends the connection. */
async function shakeHands(port: number, path: string, headers: Readonly<Record<string, string>> = {}) {
  const connection: Socket = connect(port, "127.0.0.1");
  const all = {
    host: "a.example",
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "sec-websocket-version": "13",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  connection.write(`GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
  let text = "";
  for await (const chunk of connection) text += String(chunk);
  return text;
}

test.each([
  [["hrana1", "hrana2", "hrana3", "hrana3-protobuf"], "hrana3-protobuf"],
  [["hrana2", "hrana1"], "hrana2"],
  [["chat", "hrana1", "hrana3"], "hrana3"],
  [["HRANA3"], "HRANA3"],
  [[], ""],
])("of the subprotocols %j the server takes %j", async (offered, taken) => {
  const { port, accepted } = await listen();
  const socket = await connectTo(port, "/", offered);
  expect(socket.protocol).toBe(taken);
  expect(accepted[0]?.socket.protocol).toBe(taken);
  expect(socket.extensions).toBe("");
});

test("only subprotocols that are not known", async () => {
  const { port, accepted } = await listen();
  const answer = await shakeHands(port, "/", { "sec-websocket-protocol": "chat, hrana9" });
  expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
  expect(answer).toMatch(/must be one of tributary1, hrana3-protobuf, hrana3, hrana2, hrana1$/);
  expect(accepted).toEqual([]);
});

test("the server gets a whole request, and who asks", async () => {
  const { port, accepted } = await listen({ prefix: "/sync" });
  const socket = new WebSocket(`ws://127.0.0.1:${port}/sync/acme?a=b`, [], {
    headers: { cookie: "session=1", origin: "https://app.example", "x-twice": ["1", "2"] },
  });
  onTestFinished(() => socket.terminate());
  await new Promise((resolve) => socket.once("open", resolve));
  const [{ request, remoteAddress } = { request: undefined }] = accepted;
  expect(request?.method).toBe("GET");
  expect(request?.url).toBe(`http://127.0.0.1:${port}/acme?a=b`);
  expect(request?.headers.get("cookie")).toBe("session=1");
  expect(request?.headers.get("origin")).toBe("https://app.example");
  expect(request?.headers.get("x-twice")).toBe("1, 2");
  expect(remoteAddress).toBe("127.0.0.1");
});

test("who asks can be found by the host", async () => {
  const { port, accepted } = await listen({
    remoteAddress: (request: IncomingMessage) => String(request.headers["x-forwarded-for"]),
  });
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers: { "x-forwarded-for": "10.0.0.1" } });
  onTestFinished(() => socket.terminate());
  await new Promise((resolve) => socket.once("open", resolve));
  expect(accepted[0]?.remoteAddress).toBe("10.0.0.1");
});

test("what is not below the prefix is left to others, untouched", async () => {
  const { http, port, accepted, listener } = await listen({
    prefix: "/sync",
    claims: ({ url }) => url !== "/sync/chat",
  });
  const others: string[] = [];
  http.removeListener("upgrade", listener);
  http.on("upgrade", (request, connection, head) => {
    if (listener(request, connection, head)) return;
    others.push(String(request.url));
    connection.end("HTTP/1.1 418 Not For Me\r\n\r\n");
  });
  for (const path of ["/", "/chat", "/synchronous", "/sync/chat", "/SYNC"]) {
    expect(await shakeHands(port, path)).toBe("HTTP/1.1 418 Not For Me\r\n\r\n");
  }
  expect(others).toEqual(["/", "/chat", "/synchronous", "/sync/chat", "/SYNC"]);
  await connectTo(port, "/sync");
  await connectTo(port, "/sync/");
  expect(accepted.map(({ request }) => new URL(request.url).pathname)).toEqual(["/", "/"]);
});

test("a listener beside it gets its own", async () => {
  const { http, port, accepted } = await listen({ prefix: "/sync" });
  http.on("upgrade", (request, connection) => {
    if (request.url === "/chat") connection.end("HTTP/1.1 418 Chat\r\n\r\n");
  });
  expect(await shakeHands(port, "/chat")).toBe("HTTP/1.1 418 Chat\r\n\r\n");
  await connectTo(port, "/sync");
  expect(accepted).toHaveLength(1);
});

test("a handshake that is none", async () => {
  const { port, accepted } = await listen();
  expect(await shakeHands(port, "/", { "sec-websocket-key": "no" })).toMatch(/^HTTP\/1.1 400 /);
  expect(await shakeHands(port, "/", { upgrade: "h2c" })).toMatch(/^HTTP\/1.1 4/);
  for (const host of ["a/b", "a?b", "user@a", "a b", "a\\b"]) {
    expect(await shakeHands(port, "/", { host })).toMatch(/^HTTP\/1.1 400 /);
  }
  expect(accepted).toEqual([]);
});

test("a path that looks like another host is a path", async () => {
  const { port, accepted } = await listen();
  await connectTo(port, "//evil.example/x");
  expect(accepted[0]?.request.url).toBe(`http://127.0.0.1:${port}//evil.example/x`);
});

test("no more sockets than are allowed", async () => {
  const { port, accepted } = await listen({ maxSockets: 1 });
  const first = await connectTo(port);
  const refused = await shakeHands(port, "/");
  expect(refused).toMatch(/^HTTP\/1.1 503 Service Unavailable\r\n/);
  expect(refused).toContain("Retry-After: 1\r\n");
  const gone = new Promise<void>((resolve) => accepted[0]?.socket.addEventListener("close", () => resolve()));
  first.close();
  await gone;
  await connectTo(port);
});

test("messages go both ways, and long ones arrive whole", async () => {
  const { port, next } = await listen();
  const taken = next();
  const client = await connectTo(port, "/", ["hrana3"]);
  const { socket } = await taken;
  const got: unknown[] = [];
  const received = new Promise<void>((resolve) => {
    socket.addEventListener("message", ({ data }) => {
      got.push(data);
      if (got.length === 2) resolve();
    });
  });
  client.send("text é");
  client.send(Buffer.from([1, 2]));
  await received;
  expect(got[0]).toBe("text é");
  expect(new Uint8Array(got[1] as ArrayBuffer)).toEqual(new Uint8Array([1, 2]));
  const answers: { data: Buffer; isBinary: boolean }[] = [];
  const answered = new Promise<void>((resolve) => {
    client.on("message", (data: Buffer, isBinary) => {
      answers.push({ data, isBinary });
      if (answers.length === 4) resolve();
    });
  });
  const text = "é€".repeat(300_000);
  const bytes = new Uint8Array(600_001).map((_, index) => index);
  socket.send(text);
  socket.send(bytes);
  socket.send("short");
  socket.send(bytes.subarray(0, 3));
  await answered;
  expect(answers.map(({ isBinary }) => isBinary)).toEqual([false, true, false, true]);
  expect(String(answers[0]?.data)).toBe(text);
  expect(Buffer.compare(answers[1]?.data as Buffer, bytes)).toBe(0);
  expect(answers.slice(2).map(({ data }) => [...data])).toEqual([[...Buffer.from("short")], [0, 1, 2]]);
});

test("a message that is too long, and one that is no text", async () => {
  const { port, next } = await listen({ maxMessageBytes: 1_000 });
  for (const [code, send] of [
    [1009, (client: WebSocket) => client.send("x".repeat(1_001))],
    [1007, (client: WebSocket) => client.send(Buffer.from([0xff]), { binary: false })],
  ] as const) {
    const taken = next();
    const client = await connectTo(port);
    const { socket } = await taken;
    const closed = new Promise<void>((resolve) => socket.addEventListener("close", () => resolve()));
    const told = new Promise((resolve) => client.once("close", resolve));
    send(client);
    await closed;
    expect(await told).toBe(code);
  }
});

test("a server that fails to accept a socket", async () => {
  const http: Server = createServer();
  const listener = toUpgradeListener({
    acceptSocket() {
      throw new Error("no");
    },
  });
  http.on("upgrade", listener);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    await new Promise((resolve) => http.close(resolve));
  });
  const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
  expect(await new Promise((resolve) => client.once("close", resolve))).toBe(1011);
});

test("sockets whose other end is silent are cut off, by one timer for all", async () => {
  const clock = new ManualClock();
  const { port, next } = await listen({ clock, pingIntervalMs: 30_000 });
  const open = async (autoPong: boolean) => {
    const taken = next();
    const client = new WebSocket(`ws://127.0.0.1:${port}`, { autoPong });
    onTestFinished(() => client.terminate());
    const pings: unknown[] = [];
    client.on("ping", (ping) => pings.push(ping));
    const { socket } = await taken;
    const closed = new Promise<void>((resolve) => socket.addEventListener("close", () => resolve()));
    if (client.readyState !== WebSocket.OPEN) await new Promise((resolve) => client.once("open", resolve));
    return { client, pings, socket, closed };
  };
  const live = await open(true);
  const dead = await open(false);
  const gone = await open(true);
  expect(clock.timerCount).toBe(1);
  for (let round = 1; round <= 3; round++) {
    const pinged = new Promise((resolve) => live.client.once("ping", resolve));
    clock.advance(30_000);
    await pinged;
    // What comes after a pong says that the pong has come.
    const heard = new Promise<void>((resolve) => live.socket.addEventListener("message", () => resolve()));
    live.client.send("still here");
    await heard;
  }
  await dead.closed;
  expect(live.pings).toHaveLength(3);
  expect(live.client.readyState).toBe(WebSocket.OPEN);
  gone.client.close();
  live.client.close();
  await Promise.all([live.closed, gone.closed]);
  expect(clock.timerCount).toBe(0);
});

test("a socket of the live protocol, which has signs of life of its own, is not pinged", async () => {
  const clock = new ManualClock();
  const { port, next } = await listen({ clock, pingIntervalMs: 30_000, maxSockets: 1 });
  const taken = next();
  const client = new WebSocket(`ws://127.0.0.1:${port}`, LIVE_SUBPROTOCOL);
  onTestFinished(() => client.terminate());
  const { socket } = await taken;
  expect(socket.protocol).toBe(LIVE_SUBPROTOCOL);
  expect(clock.timerCount).toBe(0);
  const refused = new WebSocket(`ws://127.0.0.1:${port}`, LIVE_SUBPROTOCOL);
  await expect(new Promise((_, reject) => refused.once("error", reject))).rejects.toThrow("503");
});

test("a prefix that is none", () => {
  expect(() => toUpgradeListener({ acceptSocket() {} }, { prefix: "/sync/" })).toThrow("must be a path");
});

test("a socket that sends a long first message is cut off before it is whole, later ones may be long", async () => {
  const { port, next } = await listen();
  const first = next();
  const socket = await connectTo(port);
  await first;
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  for (let part = 0; part < 80; part++) socket.send(Buffer.alloc(1_024), { fin: false });
  await closed;

  const second = next();
  const polite = await connectTo(port);
  const { socket: accepted } = await second;
  const lengths = new Promise<number[]>((resolve) => {
    const heard: number[] = [];
    accepted.addEventListener("message", ({ data }) => {
      heard.push((data as ArrayBuffer).byteLength);
      if (heard.length === 3) resolve(heard);
    });
  });
  for (const length of [65_536, 1_000_000, 2_000_000]) polite.send(Buffer.alloc(length));
  expect(await lengths).toEqual([65_536, 1_000_000, 2_000_000]);
});
