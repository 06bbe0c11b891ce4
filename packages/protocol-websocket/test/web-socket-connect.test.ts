import type { IncomingMessage } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { SyncError } from "@tributary/core";
import { expect, onTestFinished, test, vi } from "vitest";
import { ManualLiveClock } from "../../../tests/support/manual-live-clock.js";
import { recordChannel } from "../../../tests/support/recorded-channel.js";
import { createWebSocketConnect, type WebSocketConnectOptions } from "../src/index.js";
import { socketServer } from "./support/socket-server.js";

const NEVER = new AbortController().signal;

/** What connecting fails with. */
async function failureOf(options: WebSocketConnectOptions, signal: AbortSignal = NEVER): Promise<SyncError> {
  try {
    await createWebSocketConnect(options)(signal);
  } catch (error) {
    expect(error).toBeInstanceOf(SyncError);
    return error as SyncError;
  }
  return expect.fail("it has to fail");
}

test("the subprotocol, headers, path and query are sent, and nothing is compressed", async () => {
  const server = await socketServer();
  const headers = vi.fn(async () => ({ "x-tenant": "ada" }));
  const url = vi.fn(() => `${server.url.replace("http", "ws")}/base/db1/?region=eu#fragment`);
  const connect = createWebSocketConnect({ url, headers });
  for (const round of [1, 2]) {
    const request = new Promise<IncomingMessage>((resolve) => server.http.once("upgrade", resolve));
    const channel = await connect(NEVER);
    const seen = await request;
    expect(seen.url).toBe("/base/db1/?region=eu");
    expect(seen.headers["x-tenant"]).toBe("ada");
    expect(seen.headers["sec-websocket-protocol"]).toBe("tributary1");
    expect(seen.headers["sec-websocket-extensions"]).toBeUndefined();
    expect(url).toHaveBeenCalledTimes(round);
    expect(headers).toHaveBeenCalledTimes(round);
    channel.close();
  }
});

test("messages are compressed where both ends are told to", async () => {
  const server = await socketServer({ perMessageDeflate: true });
  const connect = createWebSocketConnect({ url: server.url, perMessageDeflate: true });
  const [channel, socket] = await Promise.all([connect(NEVER), server.nextSocket()]);
  expect(socket.extensions).toContain("permessage-deflate");
  const { log, untilCount } = recordChannel(channel);
  socket.send(Buffer.from("a".repeat(5_000)));
  await untilCount(1);
  expect(log[0]).toHaveLength(5_008);
});

test.each([
  [401, "unauthorized"],
  [403, "unauthorized"],
  [408, "timeout"],
  [429, "unreachable"],
  [500, "unreachable"],
  [502, "unreachable"],
  [200, "unexpected-response"],
  [302, "unexpected-response"],
  [400, "unexpected-response"],
  [404, "unexpected-response"],
  [405, "unexpected-response"],
  [426, "unexpected-response"],
  [501, "unexpected-response"],
  [410, "remote-rejected"],
])("an upgrade answered with %d fails with %s", async (status, code) => {
  const server = await socketServer({ isPlain: true });
  server.http.on("upgrade", (_request, connection) => {
    connection.end(`HTTP/1.1 ${status} No\r\nContent-Length: 12\r\n\r\nbecause of x`);
  });
  const error = await failureOf({ url: `${server.url}/db?token=secret` });
  expect(error.code).toBe(code);
  expect(error.details).toEqual({ endpoint: `${server.url}/db`, status });
  expect(error.message).toContain("because of x");
  expect(error.message).not.toContain("secret");
});

test("a server that knows nothing of sockets, and answers as if it were asked for a page", async () => {
  const server = await socketServer({
    isPlain: true,
    onRequest: (_request, response) => response.end("<html>"),
  });
  const error = await failureOf({ url: server.url });
  expect(error.code).toBe("unexpected-response");
  expect(error.details.status).toBe(200);
});

test("a server that does not agree to the subprotocol", async () => {
  const server = await socketServer({ handleProtocols: () => false });
  const error = await failureOf({ url: server.url });
  expect(error.code).toBe("unexpected-response");
  expect(error.message).toContain("Server sent no subprotocol");
});

test("a subprotocol of the app's own", async () => {
  const server = await socketServer();
  const connect = createWebSocketConnect({ url: server.url, subprotocol: "my-streams" });
  const [, socket] = await Promise.all([connect(NEVER), server.nextSocket()]);
  expect(socket.protocol).toBe("my-streams");
});

/** A server of TCP that accepts and does with a connection what it is told. */
async function tcpServer(onConnection: (connection: Socket) => void): Promise<string> {
  const connections = new Set<Socket>();
  const server = createTcpServer((connection) => {
    connections.add(connection);
    connection.on("error", () => {});
    onConnection(connection);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    for (const connection of connections) connection.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("nobody answers", async () => {
  const server = await socketServer();
  await server.close();
  const error = await failureOf({ url: server.url });
  expect(error.code).toBe("unreachable");
  expect(error.message).toContain("ECONNREFUSED");
});

test("a connection that breaks in the middle of the handshake", async () => {
  const url = await tcpServer((connection) => connection.once("data", () => connection.destroy()));
  expect((await failureOf({ url })).code).toBe("unreachable");
});

test("a handshake that takes too long, also one that does not end its refusal", async () => {
  for (const begin of ["", "HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\nwait"]) {
    const clock = new ManualLiveClock();
    const url = await tcpServer((connection) => {
      connection.once("data", () => {
        connection.write(begin);
        setImmediate(() => clock.advance(3_000));
      });
    });
    const error = await failureOf({ url, clock, handshakeTimeoutMs: 3_000 });
    expect(error.code).toBe("timeout");
    expect(clock.timerCount).toBe(0);
  }
});

test("an answer that never stops saying why is cut short", async () => {
  const url = await tcpServer((connection) => {
    connection.write("HTTP/1.1 404 Not Found\r\n\r\n");
    const more = (): void => {
      if (!connection.destroyed) connection.write("x".repeat(10_000), more);
    };
    connection.once("data", more);
  });
  const error = await failureOf({ url });
  expect(error.code).toBe("unexpected-response");
  expect(error.message.length).toBeLessThan(700);
});

test("a signal that fires, before and meanwhile", async () => {
  const reason = new Error("changed my mind");
  const before = await failureOf({ url: "http://127.0.0.1:1" }, AbortSignal.abort(reason));
  expect([before.code, before.cause]).toEqual(["aborted", reason]);

  const controller = new AbortController();
  const url = await tcpServer((connection) => connection.once("data", () => controller.abort(reason)));
  const meanwhile = await failureOf({ url }, controller.signal);
  expect([meanwhile.code, meanwhile.cause]).toEqual(["aborted", reason]);
});

test("a URL that is none, paused, or cannot be had", async () => {
  for (const url of ["", "no url", "ftp://host", "https://ada:secret@host"]) {
    expect(() => createWebSocketConnect({ url })).toThrow(SyncError);
    const later = await failureOf({ url: () => url });
    expect(later.code).toBe("invalid-option");
    expect(later.message).not.toContain("secret");
  }
  expect((await failureOf({ url: () => null })).code).toBe("paused");
  expect((await failureOf({ url: () => 7 as never })).code).toBe("invalid-option");
  const cause = new Error("no settings");
  const failed = await failureOf({ url: () => Promise.reject(cause) });
  expect([failed.code, failed.cause]).toEqual(["invalid-option", cause]);
});

test("headers that cannot be sent or had", async () => {
  const url = "http://127.0.0.1:1";
  const bad = await failureOf({ url, headers: { authorization: "secret\n" } });
  expect(bad.code).toBe("invalid-option");
  expect(`${bad.message}${String(bad.cause)}`).not.toContain("secret");
  const cause = new Error("no settings");
  const failed = await failureOf({ url, headers: () => Promise.reject(cause) });
  expect([failed.code, failed.cause]).toEqual(["invalid-option", cause]);
});

test.each([{ handshakeTimeoutMs: 0 }, { maxMessageBytes: 1.5 }])("%j is no option", (options) => {
  expect(() => createWebSocketConnect({ url: "http://host", ...options })).toThrow(
    /must be a positive integer/,
  );
});

test("a message that is too long ends the channel", async () => {
  const server = await socketServer();
  const connect = createWebSocketConnect({ url: server.url, maxMessageBytes: 1_000 });
  const [channel, socket] = await Promise.all([connect(NEVER), server.nextSocket()]);
  const { log, untilCount } = recordChannel(channel);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.send(new Uint8Array(1_001));
  await untilCount(1);
  expect(log).toEqual(["close Max payload size exceeded"]);
  expect(await closed).toBe(1009);
});
