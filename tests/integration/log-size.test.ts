import { statSync } from "node:fs";
import { expect, test } from "vitest";
import { startTributary } from "../support/remotes.js";
import { replicaOf, rows } from "../support/replicas.js";

test("the log of a replica stays bounded under local writes, and pulls stay exact", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)");
  const checkpointThresholdBytes = 512 * 1024;
  const replica = await replicaOf(remote.url, { checkpointThresholdBytes });
  replica.db.pragma("synchronous = OFF");
  const write = replica.db.prepare(
    "INSERT INTO t VALUES (?, randomblob(4000)) ON CONFLICT DO UPDATE SET body = excluded.body",
  );
  let largest = 0;
  for (let round = 0; round < 2_000; round++) {
    write.run(round % 500);
    if (round % 100 === 0) largest = Math.max(largest, statSync(`${replica.path}-wal`).size);
  }
  expect(largest).toBeLessThan(2 * checkpointThresholdBytes);
  expect((await replica.stats()).lastCheckpointError).toBeUndefined();
  await remote.query("INSERT INTO t VALUES (10000, x'01')");
  await replica.sync();
  expect(rows(replica, "SELECT count(*) FROM t")).toEqual([[501]]);
  expect(await remote.query("SELECT count(*) FROM t")).toEqual([[501n]]);
  expect(replica.db.pragma("integrity_check", { simple: true })).toBe("ok");
});

test("the log stays bounded under pulls", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)");
  const checkpointThresholdBytes = 256 * 1024;
  const replica = await replicaOf(remote.url, { checkpointThresholdBytes });
  let largest = 0;
  for (let n = 0; n < 60; n++) {
    await remote.query("INSERT INTO t VALUES (?, 1)", [n]);
    await replica.pull();
    largest = Math.max(largest, statSync(`${replica.path}-wal`).size);
  }
  expect(largest).toBeLessThan(2 * checkpointThresholdBytes);
  expect(rows(replica, "SELECT count(*) FROM t")).toEqual([[60]]);
});
