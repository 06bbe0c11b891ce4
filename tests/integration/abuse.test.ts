import { once } from "node:events";
import { encodePullUpdatesRequest } from "@tributary/wire";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { type Answer, abusedServer, post, TOKENS, type Token } from "../support/abused-server.js";

// One server with small limits, and clients that go past each of them.

const { urlOf, status, run, open, hold, openSocket, libsql, atEnd } = abusedServer();

const MiB = 1024 * 1024;
const ENDLESS = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
const ROWS = (count: number, bytes: number): string =>
  `WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT hex(zeroblob(${bytes / 2})) AS body FROM n`;

const codesOf = ({ results }: Answer): (string | undefined)[] => results.map(({ error }) => error?.code);

/** The code with which the server closes a socket. */
const closeOf = (socket: WebSocket): Promise<number> =>
  new Promise((resolve) => socket.on("error", () => {}).once("close", resolve));

test("a header that is too long: 431", async () => {
  const { ended } = await open("GET /health HTTP/1.1", "Host: localhost", `X: ${"x".repeat(5_000)}`, "", "");
  expect(await ended).toMatch(/^HTTP\/1\.1 431 /);
});

test("headers and bodies that come too slowly: 408, with and without a token", async () => {
  const header = await open("POST /slow/v2/pipeline HTTP/1.1", "Host: localhost", "X-");
  const body = await open(...post("/slow/v2/pipeline", TOKENS.ada, 5_000, "{"));
  const nobody = await open(
    "POST /slow/v2/pipeline HTTP/1.1",
    "Host: localhost",
    "Content-Length: 9",
    "",
    "{",
  );
  const trickle = setInterval(() => {
    for (const { socket } of [header, body, nobody]) socket.write("x");
  }, 50);
  atEnd(() => clearInterval(trickle));
  expect(await header.ended).toMatch(/^HTTP\/1\.1 408 /);
  expect(await nobody.ended).toMatch(/^HTTP\/1\.1 401 /);
  expect(await body.ended).toMatch(/^HTTP\/1\.1 408 /);
});

test("a body that is too long: 413, announced or not", async () => {
  const announced = await open(...post("/body/v2/pipeline", TOKENS.ada, 10_000, ""));
  expect(await announced.ended).toMatch(/^HTTP\/1\.1 413 /);
  const chunked = await open(
    "POST /body/v2/pipeline HTTP/1.1",
    "Host: localhost",
    `Authorization: Bearer ${TOKENS.ada}`,
    "Content-Type: application/json",
    "Transfer-Encoding: chunked",
    "Connection: close",
    "",
    (5_000).toString(16),
    "x".repeat(5_000),
    (5_000).toString(16),
    "x".repeat(5_000),
    "",
  );
  expect(await chunked.ended).toMatch(/^HTTP\/1\.1 413 /);
});

test("too many statements in one request", async () => {
  const steps = Array.from({ length: 11 }, () => "SELECT 1");
  expect(await run("statements", steps)).toMatchObject({ status: 400, results: [] });
  expect(await run("statements", steps.slice(2))).toMatchObject({ status: 200 });
});

test("too many requests at once, of one client and to one database: 429, and others go on", async () => {
  const [ada, bob] = [TOKENS.ada, TOKENS.bob];
  const held = await hold([
    { database: "busy", token: ada },
    { database: "busy", token: ada },
    { database: "busy", token: ada },
    { database: "busy", token: bob },
  ]);
  const refused = { status: 429, retryAfter: "1", code: "TOO_MANY_REQUESTS" };
  expect(await run("other", ["SELECT 1"], { token: ada })).toMatchObject(refused);
  expect(await run("busy", ["SELECT 1"], { token: TOKENS.reader })).toMatchObject(refused);
  expect(await run("other", ["SELECT 1"], { token: bob })).toMatchObject({ status: 200 });
  expect(await held.finish()).toEqual(Array.from({ length: 4 }, () => "HTTP/1.1 200 OK"));
});

test("too many databases in use: 503, until one is not", async () => {
  const held = await hold([
    { database: "one", token: TOKENS.ada },
    { database: "two", token: TOKENS.ada },
  ]);
  const refused = { status: 503, retryAfter: "1", code: "too-many-databases" };
  expect(await run("three", ["SELECT 1"])).toMatchObject(refused);
  await held.finish();
  expect(await run("three", ["SELECT 1"])).toMatchObject({ status: 200 });
});

test("too many who wait for a commit: 429", async () => {
  const pull = async (revision: string, signal?: AbortSignal): Promise<Response> =>
    fetch(`${urlOf("http")}/waiting/pull-updates`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKENS.reader}` },
      body: encodePullUpdatesRequest({
        encoding: "raw",
        serverRevision: "",
        clientRevision: revision,
        longPollTimeoutMs: 60_000,
        pagesSelector: new Uint8Array(),
        querySelector: "",
        streamKind: "pages",
      }) as Uint8Array<ArrayBuffer>,
      ...(signal === undefined ? {} : { signal }),
    });
  await run("waiting", ["CREATE TABLE t (a)"]);
  const revision = status().databases.find(({ name }) => name === "waiting")?.revision ?? "";
  const controller = new AbortController();
  const first = pull(revision, controller.signal).catch(() => "gone");
  await expect.poll(() => status().requests, { interval: 5 }).toBe(1);
  const second = await pull(revision);
  expect([second.status, second.headers.get("retry-after")]).toEqual([429, "1"]);
  controller.abort();
  expect(await first).toBe("gone");
});

test("a statement that does not end is ended: SQLITE_INTERRUPT", async () => {
  const overSocket = expect(libsql("ws", "endless").execute(ENDLESS)).rejects.toMatchObject({
    code: "SQLITE_INTERRUPT",
  });
  expect(await run("endless2", [ENDLESS])).toMatchObject({ status: 408, code: "SQLITE_INTERRUPT" });
  await overSocket;
});

test("rows and answers that are too long", async () => {
  expect(codesOf(await run("long", [ROWS(1, 20_000)]))).toEqual(["RESPONSE_TOO_LARGE", undefined]);
  expect(codesOf(await run("long", [ROWS(20, 5_000)]))).toEqual(["RESPONSE_TOO_LARGE", undefined]);
  await expect(libsql("ws", "long").execute(ROWS(20, 5_000))).rejects.toMatchObject({
    code: "RESPONSE_TOO_LARGE",
  });
});

test("a transaction that was left open does not keep others from writing", async () => {
  await run("left", ["CREATE TABLE t (a)"]);
  const overHttp = await run("left", ["BEGIN IMMEDIATE", "INSERT INTO t VALUES (1)"], { isKept: true });
  const overSocket = libsql("ws", "left");
  expect(codesOf(await run("left", ["INSERT INTO t VALUES (2)"], { token: TOKENS.bob }))).toEqual([
    undefined,
    undefined,
  ]);
  expect(codesOf(await run("left", ["COMMIT"], { baton: overHttp.baton }))).toEqual([
    "TRANSACTION_TIMEOUT",
    undefined,
  ]);
  const transaction = await overSocket.transaction("write");
  await transaction.execute("INSERT INTO t VALUES (3)");
  expect(codesOf(await run("left", ["INSERT INTO t VALUES (4)"], { token: TOKENS.bob }))).toEqual([
    undefined,
    undefined,
  ]);
  await expect(transaction.commit()).rejects.toMatchObject({ code: "TRANSACTION_TIMEOUT" });
  const { rows } = await overSocket.execute("SELECT group_concat(a) AS a FROM t");
  expect(rows).toMatchObject([{ a: "2,4" }]);
});

test("a stream that was left idle is gone: STREAM_EXPIRED", async () => {
  await run("idle", ["CREATE TABLE t (a)"]);
  const { baton } = await run("idle", ["BEGIN", "SELECT * FROM t"], { isKept: true, token: TOKENS.reader });
  const transaction = await libsql("ws", "idle", TOKENS.reader).transaction("deferred");
  await transaction.execute("SELECT * FROM t");
  const streams = (): number | undefined => status().databases.find(({ name }) => name === "idle")?.streams;
  expect(streams()).toBe(2);
  await expect.poll(streams, { timeout: 5_000, interval: 10 }).toBe(0);
  expect(await run("idle", ["COMMIT"], { baton, token: TOKENS.reader })).toMatchObject({
    status: 400,
    code: "STREAM_EXPIRED",
  });
  await expect(transaction.execute("SELECT * FROM t")).rejects.toMatchObject({ code: "STREAM_EXPIRED" });
});

test("a download that is not read is cut off", async () => {
  await run("large", ["CREATE TABLE t (body)"]);
  for (let part = 0; part < 4; part++) await run("large", [`INSERT INTO t ${ROWS(1_000, 4_000)}`]);
  const { socket, ended } = await open(
    "POST /large/pull-updates HTTP/1.1",
    "Host: localhost",
    `Authorization: Bearer ${TOKENS.reader}`,
    "Content-Length: 0",
    "",
    "",
  );
  socket.pause();
  await expect.poll(() => status().requests, { interval: 5 }).toBe(1);
  await expect.poll(() => status().requests, { timeout: 5_000, interval: 10 }).toBe(0);
  socket.resume();
  expect((await ended).length).toBeLessThan(16 * MiB);
});

test("too many sockets: 503, and there is room when one is closed", async () => {
  const sockets = await Promise.all(Array.from({ length: 4 }, () => openSocket()));
  const refused = new WebSocket(`${urlOf("ws")}/sockets`, ["hrana3"]);
  const [, response] = await once(refused, "unexpected-response");
  expect([response.statusCode, response.headers["retry-after"]]).toEqual([503, "1"]);
  const [first] = sockets;
  first?.close();
  await expect.poll(() => status().sockets, { interval: 5 }).toBe(3);
  await openSocket();
});

test("sockets that say nothing, too much, or the wrong thing are closed", async () => {
  const silent = await openSocket();
  const first = await openSocket();
  const wrong = await openSocket();
  const closed = [silent, first, wrong].map(closeOf);
  for (let part = 0; part < 100; part++) first.send(Buffer.alloc(1_000, 32), { fin: false, binary: false });
  wrong.send(
    JSON.stringify({ type: "request", request_id: 1, request: { type: "open_stream", stream_id: 1 } }),
  );
  expect(await Promise.all(closed)).toEqual([1008, 1009, 1008]);
  const greeted = await openSocket();
  greeted.send(JSON.stringify({ type: "hello", jwt: TOKENS.ada }));
  await once(greeted, "message");
  const tooLong = closeOf(greeted);
  greeted.send("x".repeat(9_000));
  expect(await tooLong).toBe(1009);
});

test("too many streams of one client over sockets: TOO_MANY_REQUESTS, and others go on", async () => {
  const heard: string[] = [];
  const sockets = await Promise.all([openSocket(), openSocket(), openSocket()]);
  const ask = async (
    socket: WebSocket | undefined,
    token: Token,
    streams: readonly number[],
  ): Promise<void> => {
    const count = heard.length + streams.length + 1;
    socket?.on("message", (text) => {
      const { type, error } = JSON.parse(String(text)) as { type: string; error?: { code: string } };
      heard.push(error?.code ?? type);
    });
    socket?.send(JSON.stringify({ type: "hello", jwt: token }));
    for (const stream_id of streams) {
      socket?.send(
        JSON.stringify({
          type: "request",
          request_id: stream_id,
          request: { type: "open_stream", stream_id },
        }),
      );
    }
    await expect.poll(() => heard.length, { interval: 5 }).toBe(count);
  };
  await ask(sockets[0], TOKENS.ada, [1, 2]);
  await ask(sockets[1], TOKENS.ada, [1, 2]);
  await ask(sockets[2], TOKENS.bob, [1, 2]);
  expect(heard.filter((what) => what === "TOO_MANY_REQUESTS")).toHaveLength(2);
  expect(heard.filter((what) => what === "response_ok")).toHaveLength(4);
});

test("who shows no token, or one that does not suffice, changes nothing and makes nothing", async () => {
  const stranger = "a-token-that-nobody-has" as Token;
  expect(await run("strange", ["SELECT 1"], { token: stranger })).toMatchObject({ status: 401 });
  expect(await run("strange", ["SELECT 1"], { token: TOKENS.reader })).toMatchObject({ status: 404 });
  await expect(libsql("ws", "strange", stranger).execute("SELECT 1")).rejects.toThrow();
  const { baton } = await run("mine", ["BEGIN IMMEDIATE"], { isKept: true });
  expect(await run("mine", ["COMMIT"], { baton, token: TOKENS.reader })).toMatchObject({ status: 400 });
  expect(await run("strange2", ["COMMIT"], { baton })).toMatchObject({ status: 400 });
  const admin = await fetch(`${urlOf("http")}/admin/databases/mine`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${TOKENS.ada}` },
  });
  expect(admin.status).toBe(403);
  expect(codesOf(await run("mine", ["COMMIT"], { baton }))).toEqual([undefined, undefined]);
});
