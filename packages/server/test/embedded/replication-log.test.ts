import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import { createSyncServer, staticTokens } from "../../src/index.js";
import { HranaClient } from "../support/hrana-client.js";
import { openServer, post } from "../support/open-server.js";
import { tempDirectory } from "../support/temp-directory.js";
import { call, EmbeddedClient, send } from "./support/embedded-client.js";
import { encodeFields } from "./support/protobuf.js";

const HELLO = "/wal_log.ReplicationLog/Hello";
const rowsOf = (count: number): string =>
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
   INSERT INTO t SELECT i, zeroblob(3000) FROM n`;

async function setUp(pages: number) {
  const { server, path } = openServer();
  const sql = new HranaClient(server);
  await sql.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, body)");
  if (pages > 0) await sql.execute(rowsOf(pages));
  return { server, path, sql, client: new EmbeddedClient(server) };
}

/** The client's file is byte for byte what another connection would back up. */
function expectSame(client: EmbeddedClient, path: string): void {
  const connection = new Database(path, { readonly: true });
  const expected = connection.serialize();
  connection.close();
  expect(client.bytes.length).toBe(expected.length);
  expect(client.bytes.equals(expected)).toBe(true);
}

describe("a client", () => {
  test("has the database by frames alone, however it changes", async () => {
    const { path, sql, client } = await setUp(100);
    await client.sync();
    expect(client.methods).toEqual(["Hello", "BatchLogEntries"]);
    expectSame(client, path);
    for (const change of [
      "UPDATE t SET body = 'x' WHERE id IN (3, 50)",
      "DELETE FROM t WHERE id > 90",
      "CREATE INDEX i ON t(body)",
      rowsOf(200).replace("INSERT", "INSERT OR REPLACE"),
      "DELETE FROM t",
    ]) {
      await sql.execute(change);
      const before = client.frame as bigint;
      await client.sync();
      expectSame(client, path);
      const numbers = client.received.map(({ number }) => number);
      expect(numbers[0]).toBeGreaterThan(before);
      expect(numbers).toEqual([...numbers].sort((left, right) => (left < right ? -1 : 1)));
      expect(new Set(numbers).size).toBe(numbers.length);
    }
    await client.sync();
    expect(client.methods).toEqual(["Hello"]);
    await client.pull();
    expect(client.received).toEqual([]);
  });

  test("gets several commits as one transaction, with each page once", async () => {
    const { path, sql, client } = await setUp(10);
    await client.sync();
    for (let round = 0; round < 20; round++) await sql.execute(`UPDATE t SET body = ${round} WHERE id = 3`);
    await client.sync();
    expect(client.received).toHaveLength(1);
    expectSame(client, path);
  });

  test("gets what is more than one answer as a stream, in falling numbers, and nothing else of the database", async () => {
    const { path, sql, client } = await setUp(1500);
    await client.sync();
    expect(client.methods).toEqual(["Hello", "BatchLogEntries", "Snapshot"]);
    expect(client.received.length).toBeGreaterThan(1500);
    expectSame(client, path);
    await sql.execute("UPDATE t SET body = zeroblob(2999) WHERE id <= 1100");
    await client.sync();
    expect(client.methods).toEqual(["Hello", "BatchLogEntries", "Snapshot"]);
    expect(client.received.length).toBeLessThan(1200);
    const numbers = client.received.map(({ number }) => number);
    expect(numbers).toEqual([...numbers].sort((left, right) => (left < right ? 1 : -1)));
    expectSame(client, path);
  });

  test("that names a frame that never was gets everything", async () => {
    const { path, sql, client } = await setUp(10);
    await client.sync();
    const { frame } = client;
    for (const known of [
      frame as bigint,
      0n,
      1n,
      (frame as bigint) - 1n,
      (frame as bigint) + 65_536n,
      2n ** 64n - 2n,
    ]) {
      client.frame = known;
      client.received = [];
      await client.pull();
      expect(client.received.length > 10).toBe(known !== frame);
      expect(client.frame).toBe(frame);
    }
    await sql.execute("DELETE FROM t WHERE id = 1");
    await client.sync();
    expectSame(client, path);
  });

  test("keeps what it has where the server is started again, and not its session", async () => {
    const { server, path, client } = await setUp(20);
    await client.sync();
    const { logId } = client;
    await server.close();
    const { server: again } = openServer({ path });
    const same = Object.assign(new EmbeddedClient(again, "", client.headers), {
      bytes: client.bytes,
      frame: client.frame,
      logId,
    });
    const refused = await same.call("BatchLogEntries", encodeFields([1, 5n]));
    expect([refused.status, refused.text]).toEqual([9, "NO_HELLO"]);
    await new HranaClient(again).execute("UPDATE t SET body = 1 WHERE id = 1");
    await same.sync();
    expect([same.logId, same.received.length]).toEqual([logId, 1]);
    expectSame(same, path);
  });

  test("begins anew where the database is another one", async () => {
    const { server, path, client } = await setUp(50);
    await client.sync();
    const { logId, frame } = client;
    await server.close();
    const file = new Database(path);
    file.exec("DELETE FROM t; INSERT INTO t VALUES (1, 'other'); VACUUM");
    file.close();
    const { server: again } = openServer({ path });
    const same = Object.assign(new EmbeddedClient(again), { bytes: client.bytes, frame, logId });
    await same.sync();
    expect(same.logId).not.toBe(logId);
    expectSame(same, path);
  });
});

test("a stream that is read slowly has the state of its beginning, and keeps nobody from writing", async () => {
  const { server, sql, client } = await setUp(300);
  await client.hello();
  const answer = await post(server, "/wal_log.ReplicationLog/Snapshot", new Uint8Array(5), undefined, {
    "content-type": "application/grpc-web",
    ...client.headers,
  });
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  let length = (await reader.read()).value?.length ?? 0;
  expect(length).toBe(64 * 4128);
  const path = `SELECT count(*) FROM t WHERE body = zeroblob(3000)`;
  await sql.execute("UPDATE t SET body = NULL");
  expect(await sql.execute(path)).toMatchObject({ rows: [[{ value: "0" }]] });
  const pages: Uint8Array[] = [];
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    length += piece.value.length;
    pages.push(piece.value);
  }
  // Rows of 3000 zeros, as they were.
  const last = Buffer.concat(pages).subarray(-20 - 4096, -20);
  expect(last.subarray(-3000).every((byte) => byte === 0)).toBe(true);
  expect((length - 20) % 4128).toBe(0);
});

describe("a call", () => {
  test.each(["BatchLogEntries", "Snapshot"])("of %s needs a hello, and its session", async (method) => {
    const { client } = await setUp(0);
    for (const token of [undefined, "", "5f9c1a52-7a0b-8c43-8d21-000102030405"]) {
      if (token !== undefined) client.headers["x-session-token"] = token;
      const { status, text } = await client.call(method, encodeFields([1, 0n]));
      expect([status, text]).toEqual([9, "NO_HELLO"]);
    }
    await client.hello();
    expect((await client.call(method, encodeFields([1, 0n]))).status).toBe(0);
  });

  test.each([
    ["no message", Buffer.alloc(0), 3, 200],
    ["a message cut short", Buffer.from([0, 0, 0, 0, 9, 8]), 3, 200],
    ["a compressed one", Buffer.from([1, 0, 0, 0, 0]), 3, 200],
    ["junk in it", Buffer.from([0, 0, 0, 0, 1, 8]), 3, 200],
    ["too long a message", Buffer.alloc(5000), 8, 413],
  ])("with %s is refused", async (_, body, status, httpStatus) => {
    const { server } = openServer();
    const answer = await send(server, HELLO, body);
    expect([answer.status, answer.response.status]).toEqual([status, httpStatus]);
    expect(answer.text).not.toBe("");
  });

  test("of another type, or of a method that there is not, is refused", async () => {
    const routes: string[] = [];
    const { server } = openServer({ onRequest: ({ route, status }) => routes.push(`${status} ${route}`) });
    const other = await send(server, HELLO, Buffer.alloc(5), { "content-type": "text/plain" }).catch(String);
    expect(other).toContain("text/plain");
    const unknown = await send(server, "/wal_log.ReplicationLog/LogEntries", Buffer.alloc(5));
    expect([unknown.status, unknown.response.status]).toEqual([12, 404]);
    await send(server, HELLO, Buffer.alloc(5));
    expect(routes).toEqual([`415 ${HELLO}`, "404 other", `200 ${HELLO}`]);
  });
});

test("the database is named by the path, by the host, or else by what the client calls its namespace", async () => {
  const dataDirectory = tempDirectory();
  const authorize = staticTokens([
    { token: "writer-0123456789", access: "write", databases: ["acme", "default"] },
    { token: "server-0123456789", access: "admin" },
  ]);
  const server = createSyncServer({ dataDirectory, authorize, maxWorkers: 0, foreignCommitCheckMs: 0 });
  onTestFinished(() => server.close());
  await server.databases.create("acme");
  const hello = async (path: string, headers: Record<string, string>): Promise<unknown[]> => {
    const { status, response, text } = await call(server, path, encodeFields([1, 1n]), headers);
    return [status, response.status, text];
  };
  const token = { "x-authorization": "Bearer writer-0123456789" };
  const admin = { "x-authorization": "Bearer server-0123456789" };
  const namespace = (name: string) => ({
    "x-namespace-bin": Buffer.from(name).toString("base64").replace(/=+$/, ""),
  });
  const good = [0, 200, ""];
  expect(await hello(`/acme${HELLO}`, token)).toEqual(good);
  // The path says it, whatever the client makes of its host name.
  expect(await hello(`/acme${HELLO}`, { ...token, ...namespace("localhost") })).toEqual(good);
  expect(await hello(`/acme/${HELLO}`, token)).toEqual(good);
  expect(await hello(HELLO, { ...token, ...namespace("acme") })).toEqual(good);
  const noDatabase = [9, 404, "NAMESPACE_DOESNT_EXIST"];
  expect(await hello(HELLO, token)).toEqual(noDatabase);
  // Of 127.0.0.1, and what no name can be.
  expect(await hello(HELLO, { ...admin, ...namespace("127") })).toEqual(noDatabase);
  expect(await hello(HELLO, { ...admin, ...namespace("../acme") })).toEqual(noDatabase);
  expect(await hello(HELLO, { ...admin, ...namespace("missing") })).toEqual(noDatabase);
  // Of a hello that fails the client tells nothing but this: for all else it says that the server does not answer.
  for (const path of ["/Acme", "/acme/device/a%20b"])
    expect(await hello(`${path}${HELLO}`, admin)).toEqual([9, 400, "NAMESPACE_DOESNT_EXIST"]);
  const execute = await call(server, "/Acme/proxy.Proxy/Execute", new Uint8Array(), admin);
  expect([execute.status, execute.text]).toEqual([3, expect.stringContaining("cannot be the name")]);
  // Its own header counts; the other one is that of a proxy, or of other clients.
  expect((await hello(`/acme${HELLO}`, {}))[0]).toBe(16);
  expect((await hello(`/acme${HELLO}`, { "x-authorization": "Bearer no-0123456789abc" }))[0]).toBe(16);
  expect(await hello(`/acme${HELLO}`, { authorization: "Bearer writer-0123456789" })).toEqual(good);
  expect(await hello(`/acme${HELLO}`, { ...token, authorization: "Bearer of a proxy" })).toEqual(good);
  expect((await hello(HELLO, { ...token, ...namespace("other") }))[0]).toBe(7);
});
