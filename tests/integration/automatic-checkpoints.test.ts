import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { combinePorts, type HostPorts, openReplica, runAsync } from "@tributary/core";
import { createHttpProtocol } from "@tributary/protocol-http";
import { createBetterSqlite3 } from "@tributary/sqlite-better-sqlite3";
import { createNodeStorage } from "@tributary/storage-node-fs";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { nodeClock } from "../../packages/replica/src/node-clock.js";
import { Replica } from "../../packages/replica/src/replica.js";
import { configOf } from "../support/engine.js";
import { startTributary } from "../support/remotes.js";
import { replicaOf } from "../support/replicas.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

test("while a reader keeps the log from being shortened, not every commit tries", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)");
  const replica = await replicaOf(remote.url, { checkpointThresholdBytes: 256 * 1024 });
  const reader = new Database(replica.path, { readonly: true });
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM t").get();
  const insert = replica.db.prepare("INSERT INTO t VALUES (?, randomblob(100))");
  // Each attempt saves the metadata, by putting another file in its place.
  const saves = new Set<string>();
  for (let id = 0; id < 200; id++) {
    insert.run(id);
    const { ino, mtimeNs } = statSync(`${replica.path}-info`, { bigint: true });
    saves.add(`${ino} ${mtimeNs}`);
  }
  const grown = statSync(`${replica.path}-wal`).size;
  expect(grown).toBeGreaterThan(1024 * 1024);
  expect(saves.size).toBeGreaterThan(2);
  expect(saves.size).toBeLessThan(12);
  reader.close();
  // Without the reader it becomes short again, by itself.
  let shortest = grown;
  for (let id = 200; id < 400; id++) {
    insert.run(id);
    shortest = Math.min(shortest, statSync(`${replica.path}-wal`).size);
  }
  expect(shortest).toBeLessThan(256 * 1024);
  expect((await replica.stats()).lastCheckpointError).toBeUndefined();
});

test("a checkpoint that fails late keeps the metadata that it has saved", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)");
  const path = join(temporaryDirectory(), "replica.db");
  let replica: Replica | undefined;
  let fails = false;
  const sqlite = createBetterSqlite3({ onLocalCommit: () => replica?.afterLocalCommit() });
  const sql: typeof sqlite = Object.create(sqlite, {
    querySql: {
      value: (...args: Parameters<typeof sqlite.querySql>) => {
        if (fails && args[1].includes("wal_checkpoint")) throw new Error("no checkpoint today");
        return sqlite.querySql(...args);
      },
    },
  });
  const protocol = createHttpProtocol({ url: remote.url });
  const ports: HostPorts = { files: createNodeStorage(), sql, remote: protocol, clock: nodeClock };
  const session = await runAsync(openReplica(configOf(path, { lockTimeoutMs: 100 })), combinePorts(ports));
  const parts = { session, db: sqlite.db, ports, protocol };
  replica = new Replica({ ...parts, checkpointThresholdBytes: 128 * 1024 });
  fails = true;
  const before = readFileSync(`${path}-info`, "utf8");
  const insert = replica.db.prepare("INSERT INTO t VALUES (?, randomblob(4000))");
  for (let id = 0; id < 40; id++) insert.run(id);
  expect((await replica.stats()).lastCheckpointError).toMatchObject({ message: /no checkpoint today/ });
  const saved = readFileSync(`${path}-info`, "utf8");
  expect(saved).not.toBe(before);
  expect(saved).toContain(JSON.stringify(session.metadata.pages));
  fails = false;
  for (let id = 40; id < 120; id++) insert.run(id);
  expect((await replica.stats()).lastCheckpointError).toBeUndefined();
  await remote.query("INSERT INTO t VALUES (1000, NULL)");
  await replica.sync();
  expect(await remote.query("SELECT count(*) FROM t")).toEqual([[121n]]);
  expect(replica.db.prepare("SELECT count(*) FROM t").pluck().get()).toBe(121);
  await replica.close();
});

test("a replica's commits seldom make its log longer", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)");
  const replica = await replicaOf(remote.url);
  const insert = replica.db.prepare("INSERT INTO t VALUES (?, randomblob(100))");
  const lengths = new Set<number>();
  for (let id = 0; id < 100; id++) {
    insert.run(id);
    lengths.add(statSync(`${replica.path}-wal`).size);
  }
  expect(lengths.size).toBeLessThan(8);
  // The room is none of the log's frames.
  const { logFrames } = await replica.stats();
  expect(logFrames).toBeGreaterThan(100);
  expect(logFrames).toBeLessThan(400);
  expect(await replica.sync()).toEqual({ pushed: 100, pulled: true });
  expect(await remote.query("SELECT count(*) FROM t")).toEqual([[100n]]);
});
