import { join } from "node:path";
import { createLiveClient } from "@tributary/live";
import { openReplica } from "@tributary/replica";
import { createSyncServer, type SyncServer, staticTokens } from "@tributary/server";
import { createMemoryChannels } from "@tributary/transports";
import { expect, onTestFinished, test } from "vitest";
import { replicaOf } from "../support/replicas.js";
import { RestartableServer, TOKEN } from "../support/restartable-server.js";
import { untilLive, untilRows, untilStatus } from "../support/status.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

function serverOf(options: Partial<Parameters<typeof createSyncServer>[0]> = {}): SyncServer {
  const server = createSyncServer({
    dataDirectory: temporaryDirectory(),
    createOnUse: true,
    maxWorkers: 0,
    ...options,
  });
  onTestFinished(() => server.close());
  return server;
}

test("a replica is live over channels of the app's own, and syncs when told to over them", async () => {
  const server = serverOf();
  const transport = async () => {
    const [own, other] = createMemoryChannels();
    server.acceptChannel(other, { database: "notes" });
    return own;
  };
  const live = await replicaOf(null, { transport, live: true });
  expect(await untilLive(live)).toMatchObject({ transport: "custom" });
  const manual = await replicaOf(null, { transport });
  expect(manual.status).toMatchObject({ state: "manual", transport: undefined });
  manual.db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT); INSERT INTO t VALUES (1, 'from here')");
  expect(await manual.sync()).toEqual({ pushed: 2, pulled: true });
  await untilStatus(live, () => {
    const made = live.db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 't'").get();
    return made !== undefined;
  });
  await untilRows(live, "SELECT body FROM t", [["from here"]]);
  live.db.exec("UPDATE t SET body = 'from there'");
  await untilStatus(live, ({ committed, acknowledged }) => committed === acknowledged);
  expect(await manual.pull()).toBe(true);
  expect(manual.db.prepare("SELECT body FROM t").pluck().get()).toBe("from there");
  expect((await manual.stats()).bytesReceived).toBeGreaterThan(4096);
});

test("several replicas share one channel, and outlive each other", async () => {
  const server = serverOf();
  let channels = 0;
  const client = createLiveClient({
    endpoint: "The remote",
    connect: async () => {
      channels += 1;
      const [own, other] = createMemoryChannels();
      server.acceptChannel(other);
      return own;
    },
  });
  onTestFinished(() => client.close());
  const [one, other] = await Promise.all([
    replicaOf(null, { transport: client.replica("one"), live: true }),
    replicaOf(null, { transport: client.replica("other"), live: true }),
  ]);
  await Promise.all([untilLive(one), untilLive(other)]);
  one.db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  await untilStatus(one, ({ committed, acknowledged }) => committed === acknowledged);
  await one.close();
  other.db.exec("CREATE TABLE u (id INTEGER PRIMARY KEY)");
  await untilStatus(other, ({ committed, acknowledged }) => committed === acknowledged);
  expect(channels).toBe(1);
  const again = await replicaOf(null, { transport: client.replica("one") });
  expect(again.db.prepare("SELECT count(*) FROM t").pluck().get()).toBe(0);
});

test("a token that is refused makes it offline, and a good one live again", async () => {
  const server = await RestartableServer.start({
    authorize: staticTokens([{ token: TOKEN, access: "write" }]),
  });
  await server.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  let token = TOKEN;
  const replica = await replicaOf(server.url, { live: true, authToken: () => token });
  expect(await untilLive(replica)).toMatchObject({ transport: "websocket" });
  token = "stolen";
  server.cut();
  const refused = await untilStatus(replica, ({ state }) => state === "offline");
  await untilStatus(replica, ({ lastError }) => lastError?.code === "unauthorized");
  expect(refused.reason).toBeDefined();
  replica.db.exec("INSERT INTO t VALUES (1)");
  token = TOKEN;
  // It would try by itself, some seconds later.
  await replica.sync();
  await untilStatus(
    replica,
    ({ state, committed, acknowledged }) => state === "live" && committed === acknowledged,
  );
  expect(await server.query("SELECT count(*) FROM t")).toEqual([["1"]]);
});

test("who may only read goes on receiving, and is told why nothing is sent", async () => {
  let mayWrite = false;
  const server = await RestartableServer.start({
    authorize: ({ token }) => ({ access: token === TOKEN || mayWrite ? "write" : "read" }),
  });
  await server.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  const replica = await replicaOf(server.url, { live: true });
  await untilLive(replica);
  replica.db.exec("INSERT INTO t VALUES (1)");
  expect(await untilStatus(replica, ({ lastError }) => lastError !== undefined)).toMatchObject({
    state: "live",
    committed: 1,
    acknowledged: 0,
  });
  mayWrite = true;
  await server.query("INSERT INTO t VALUES (2)");
  await untilRows(replica, "SELECT id FROM t ORDER BY id", [[1], [2]]);
  expect(replica.status.state).toBe("live");
});

test("while url gives null it is paused, and goes live by itself afterwards", async () => {
  const server = await RestartableServer.start();
  await server.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  let url: string | null = server.url;
  const first = await replicaOf(server.url);
  await first.close();
  url = null;
  const replica = await replicaOf(() => url, { path: first.path, live: true });
  expect(await untilStatus(replica, ({ state }) => state !== "connecting")).toMatchObject({
    state: "paused",
    reason: expect.stringContaining("null"),
    lastError: undefined,
  });
  url = server.url;
  await untilLive(replica);
});

test("options that cannot be together are refused", async () => {
  const path = join(temporaryDirectory(), "replica.db");
  const transport = async () => createMemoryChannels()[0];
  for (const [options, message] of [
    [{ url: "http://127.0.0.1:1", transport }, /`url` must be null where there is a `transport`/],
    [{ url: null, transport, fetch }, /`fetch` is of no use/],
    [{ url: null, transport: 1 }, /`transport` must be a function/],
    [{ url: null, live: "yes" }, /`live` must be true or false/],
    [{ url: null, live: true, longPollTimeoutMs: 10 }, /`longPollTimeoutMs` must be at least 1000/],
  ] as const) {
    const given = { path, ...options } as unknown as Parameters<typeof openReplica>[0];
    await expect(openReplica(given)).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringMatching(message),
    });
  }
});
