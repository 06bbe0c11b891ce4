import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { toChannel } from "@tributary/protocol-websocket";
import {
  createSyncServer,
  type SyncServer,
  type SyncServerOptions,
  toUpgradeListener,
} from "@tributary/server";
import { encodeLiveMessage, LIVE_SUBPROTOCOL, LIVE_VERSION } from "@tributary/wire";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { ServerDatabase } from "../../packages/server/src/database/server-database.js";
import { ScriptedLiveClient } from "../support/live-server-client.js";
import { pushSteps, runSql, step } from "../support/live-server-databases.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const CREATE = "CREATE TABLE t(a INTEGER PRIMARY KEY, b)";

async function listen(
  options: Partial<SyncServerOptions> = {},
): Promise<{ server: SyncServer; url: string }> {
  const server = createSyncServer({
    dataDirectory: temporaryDirectory(),
    createOnUse: true,
    maxWorkers: 0,
    ...options,
  });
  const http = createServer();
  http.on("upgrade", toUpgradeListener(server));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    await server.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  return { server, url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}` };
}

async function openSocket(url: string, protocols: string[] = [LIVE_SUBPROTOCOL]): Promise<WebSocket> {
  const socket = new WebSocket(url, protocols);
  onTestFinished(() => socket.terminate());
  await once(socket, "open");
  return socket;
}

async function connect(url: string): Promise<{ client: ScriptedLiveClient; socket: WebSocket }> {
  const socket = await openSocket(url);
  const client = new ScriptedLiveClient(toChannel(socket));
  client.hello();
  await client.next("welcome");
  return { client, socket };
}

describe("the subprotocol", () => {
  test.each([
    [["tributary1"], "tributary1"],
    [["tributary1", "hrana3"], "tributary1"],
    [["hrana3", "tributary1"], "hrana3"],
    [["unknown", "Tributary1"], "Tributary1"],
    [["hrana2", "hrana3", "tributary1"], "hrana3"],
  ])("of an offer of %j is %s", async (offered, agreed) => {
    const { url } = await listen();
    expect((await openSocket(`${url}/main`, offered)).protocol).toBe(agreed);
  });
});

test("a commit of one client, in a process that runs SQL, is with another one that waits for it", async () => {
  const { url } = await listen({ maxWorkers: 1 });
  const [writer, reader] = [await connect(`${url}/main`), await connect(url)];
  writer.client.open(1);
  await writer.client.next("opened");
  await pushSteps(writer.client, 1, [step(CREATE)]);
  reader.client.open(1, "main");
  await reader.client.next("opened");
  reader.client.pull(1, 1);
  let { revision } = await reader.client.next("header");
  await reader.client.pages();
  for (let round = 2; round < 12; round++) {
    reader.client.pull(1, round, revision);
    await pushSteps(writer.client, round, [step("INSERT INTO t VALUES (?, 'b')", [BigInt(round)])]);
    const header = await reader.client.next("header");
    expect(header.revision).not.toBe(revision);
    expect(await reader.client.pages()).toHaveLength(1);
    revision = header.revision;
  }
});

test("a client that does not read holds little in memory, and is cut off", async () => {
  const { server, url } = await listen({ downloadStallTimeoutMs: 400 });
  const rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)";
  await runSql(server, "main", CREATE, `INSERT INTO t ${rows} SELECT i, zeroblob(3000) FROM n`);
  const { client, socket } = await connect(`${url}/main`);
  client.open(1);
  await client.next("opened");
  let pagesRead = 0;
  const readPages = ServerDatabase.prototype.readPages;
  const spy = vi.spyOn(ServerDatabase.prototype, "readPages").mockImplementation(function (
    this: ServerDatabase,
    snapshot,
    pageIds,
    target,
  ) {
    pagesRead += pageIds.length;
    readPages.call(this, snapshot, pageIds, target);
  });
  onTestFinished(() => spy.mockRestore());
  socket.pause();
  client.pull(1, 1);
  await vi.waitFor(() => expect(server.status().sockets).toBe(0), { timeout: 10_000, interval: 20 });
  // What the network takes, and what the socket holds: of 48 MB.
  expect(pagesRead).toBeGreaterThan(0);
  expect(pagesRead * 4096).toBeLessThan(24 * 1024 * 1024);
  expect(server.status().requests).toBe(0);
});

test("who has not said hello sends little", async () => {
  const { server, url } = await listen();
  const socket = await openSocket(url);
  const token = "x".repeat(100_000);
  const closed = once(socket, "close");
  socket.send(encodeLiveMessage({ type: "hello", version: LIVE_VERSION, token, client: "" }));
  await closed;
  expect(server.status().sockets).toBe(0);
});

test("a text message ends the socket", async () => {
  const { url } = await listen();
  const socket = await openSocket(url);
  socket.send("hello");
  expect((await once(socket, "close"))[0]).toBe(1003);
});

test("a socket that is lost lets go of what was open on it", async () => {
  const { server, url } = await listen();
  const { client, socket } = await connect(`${url}/main`);
  client.open(1);
  await client.next("opened");
  await pushSteps(client, 1, [step(CREATE), step("BEGIN IMMEDIATE")], true);
  expect(server.status().databases[0]).toMatchObject({ streams: 1 });
  (socket as unknown as { _socket: Socket })._socket.destroy();
  await vi.waitFor(() => expect(server.status().sockets).toBe(0), { timeout: 10_000, interval: 10 });
  expect(server.status().databases[0]).toMatchObject({ streams: 0 });
  await runSql(server, "main", "INSERT INTO t VALUES (1, 1)");
});
