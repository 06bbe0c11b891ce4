import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { GENERATIONS_PER_BLOCK } from "../../src/offline/branch-store.js";
import type { LibsqlReplica, Send } from "./support/libsql-replica.js";
import { openOffline } from "./support/open-offline.js";

const DAY_MS = 24 * 3_600_000;

test("nobody's generation is refused with what to do about it", async () => {
  const server = openOffline();
  for (const [method, path] of [
    ["GET", "/sync/2048/1/129"],
    ["POST", "/sync/2048/1/2"],
    ["GET", "/export/2049"],
    ["GET", "/sync/1/1/129"],
    ["GET", "/export/2"],
    // Without a device nobody has a generation of his own.
    ["GET", "/export/2048"],
  ] as const) {
    const body = method === "POST" ? new Uint8Array(4120) : null;
    const response = await server.send(new Request(`http://h${path}`, { method, body }));
    expect(response.status, path).toBe(404);
    expect(await response.text()).toContain("delete it together with its -info, -wal and -shm");
  }
});

test("a download that is asked for again is the same", async () => {
  const server = openOffline();
  server.exec("CREATE TABLE t(v)");
  const generation = 7 * GENERATIONS_PER_BLOCK;
  const read = async (): Promise<Buffer> => {
    const response = await server.send(new Request(`http://h/device/phone/export/${generation}`));
    return Buffer.from(await response.arrayBuffer());
  };
  const first = await read();
  server.exec("INSERT INTO t VALUES(1)");
  expect((await read()).equals(first)).toBe(true);
});

test("there may be only so many replicas", async () => {
  const server = openOffline({ maxOfflineReplicas: 2 });
  const both = await Promise.allSettled(["a", "b", "c"].map((device) => server.replica(device)));
  expect(both.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
  await expect(server.replica("d")).rejects.toThrow("PullFrame(429");
  // Those in strict mode do not count.
  await server.replica();
});

test("what is kept for a replica goes when its device has begun another one, and it was long unused", async () => {
  const server = openOffline({ maxOfflineReplicas: 3, offlineReplicaRetentionMs: 30 * DAY_MS });
  const old = await server.replica("phone");
  const other = await server.replica("laptop");
  server.time.now += 1_000;
  await old.sync();
  await other.sync();
  const young = await server.replica("phone");
  server.time.now += 1_000;
  await young.sync();
  server.time.now += 29 * DAY_MS;
  await expect(server.replica("tablet")).rejects.toThrow("429");
  server.time.now += 2 * DAY_MS;
  await server.replica("tablet");
  await expect(old.sync()).rejects.toThrow("PullFrame(404");
  await other.sync();
  await young.sync();
});

test("what was made for a download that is broken off goes at once, and comes again if it is asked for", async () => {
  const server = openOffline({ maxOfflineReplicas: 1 });
  server.exec("CREATE TABLE t(v)");
  server.exec("INSERT INTO t VALUES(zeroblob(1000000))");
  const generation = await server.replicas.info("phone");
  const download = async (pieces: number): Promise<void> => {
    const { body } = await server.replicas.openImage("phone", generation, () => {});
    for (let piece = 0; piece < pieces; piece++) await body.next();
    body.end();
  };
  await download(1);
  await (await server.replica("tablet")).sync();
  expect(readdirSync(`${server.path}-offline`)).toHaveLength(1);
  await expect(download(1)).rejects.toThrow("maxOfflineReplicas");
});

test("a download whose connection ends with the last byte was not broken off", async () => {
  const server = openOffline();
  const generation = await server.replicas.info("phone");
  const { body } = await server.replicas.openImage("phone", generation, () => {});
  await body.next();
  body.end();
  server.time.now += 20 * DAY_MS;
  await server.replica("tablet");
  const pulled = await server.replicas.pull({ generation, start: 1, end: 129 });
  expect(pulled).toEqual({ type: "end", generation });
});

test("a download of which nothing is known goes after a day", async () => {
  const server = openOffline({ maxOfflineReplicas: 1 });
  const generation = await server.replicas.info("phone");
  await server.replicas.openImage("phone", generation, () => {});
  await expect(server.replica("tablet")).rejects.toThrow("429");
  server.time.now += DAY_MS + 1;
  await server.replica("tablet");
  await expect(server.replicas.openImage("phone", generation + 1, () => {})).rejects.toThrow(
    "no offline replica",
  );
});

test("what was downloaded waits for a replica that writes for days before its first sync", async () => {
  const server = openOffline({ maxOfflineReplicas: 2 });
  server.exec("CREATE TABLE t(v)");
  const replica = await server.replica("phone");
  replica.exec("INSERT INTO t VALUES('without a network')");
  server.time.now += 20 * DAY_MS;
  await server.replica("tablet");
  await replica.sync();
  expect(server.all("SELECT * FROM t")).toEqual([["without a network"]]);
});

test("what is used again while room is made stays", async () => {
  const server = openOffline({ maxOfflineReplicas: 2, offlineReplicaRetentionMs: 30 * DAY_MS });
  const old = await server.replica("phone");
  server.time.now += 1_000;
  await server.replica("phone");
  const now = server.time.now + 31 * DAY_MS;
  const generation = await server.replicas.info("tablet");
  let late: Promise<void> | undefined;
  Object.defineProperty(server.time, "now", {
    get() {
      // Asked for first where it is found out who is not there any more.
      late ??= old.sync();
      return now;
    },
  });
  await expect(server.replicas.openImage("tablet", generation, () => {})).rejects.toThrow(
    "maxOfflineReplicas",
  );
  await late;
  await old.sync();
});

test("nothing is served when it is closed", async () => {
  const server = openOffline();
  const replica = await server.replica("phone");
  server.replicas.close();
  await expect(replica.sync()).rejects.toThrow("PullFrame(503");
});

test("branches that are not used for long are closed, and opened when they are", async () => {
  const server = openOffline();
  server.exec("CREATE TABLE t(v)");
  const first = await server.replica("first");
  first.exec("INSERT INTO t VALUES(1)");
  await first.sync();
  const openBefore = readdirSync("/proc/self/fd").length;
  for (let count = 0; count < 40; count++) await server.replica(`device-${count}`);
  const opened = readdirSync("/proc/self/fd").length - openBefore;
  for (let count = 40; count < 50; count++) await server.replica(`device-${count}`);
  expect(readdirSync("/proc/self/fd").length - openBefore).toBe(opened);
  first.exec("INSERT INTO t VALUES(2)");
  await first.sync();
  await first.sync();
  expect(server.all("SELECT * FROM t")).toEqual([[1], [2]]);
});

test("branches whose push broke off long ago are closed too, and take it when it begins again", async () => {
  const server = openOffline();
  server.exec("CREATE TABLE t(v)");
  const breakOff = async (device: string): Promise<LibsqlReplica> => {
    let count = 0;
    const broken: Send = (request) => {
      if (request.method === "POST" && ++count === 2) throw new Error("broken off");
      return server.send(request);
    };
    const replica = await server.replica(device, broken, 1);
    replica.exec("INSERT INTO t VALUES(randomblob(10000))");
    await expect(replica.sync()).rejects.toThrow("broken off");
    return replica;
  };
  const first = await breakOff("first");
  for (let count = 0; count < 40; count++) await breakOff(`device-${count}`);
  const opened = readdirSync("/proc/self/fd").length;
  server.clock.advance(300_000);
  await server.replica("last");
  expect(readdirSync("/proc/self/fd").length).toBeLessThan(opened);
  await first.sync();
  expect(server.all("SELECT length(v) FROM t")).toEqual([[10_000]]);
});

test("a download that cannot be kept lets go of the database, and of what it has read", async () => {
  const server = openOffline();
  server.exec("CREATE TABLE t(v)");
  writeFileSync(`${server.path}-offline`, "in the way");
  const { snapshots } = server.database;
  let held = 0;
  const acquire = snapshots.acquireCurrent.bind(snapshots);
  const release = snapshots.release.bind(snapshots);
  snapshots.acquireCurrent = (wanted) => {
    held += 1;
    return acquire(wanted);
  };
  snapshots.release = (snapshot) => {
    held -= 1;
    release(snapshot);
  };
  await expect(server.replica("phone")).rejects.toThrow("PullFrame(500");
  expect(held).toBe(0);
  rmSync(`${server.path}-offline`);
  await (await server.replica("phone")).sync();
  expect(held).toBe(0);
});
