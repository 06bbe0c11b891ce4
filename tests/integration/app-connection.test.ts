import { expect, test } from "vitest";
import { type Remote, startTributary } from "../support/remotes.js";
import { type Replica, replicaOf, rows } from "../support/replicas.js";

async function remoteWithRows(): Promise<Remote> {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  await remote.query("INSERT INTO t VALUES (1), (2), (3)");
  return remote;
}

function iterating(replica: Replica): IterableIterator<unknown> {
  const iterator = replica.db.prepare("SELECT id FROM t ORDER BY id").pluck().iterate();
  expect(iterator.next().value).toBe(1);
  return iterator;
}

test("a replica whose connection the app has closed still syncs, and closes", async () => {
  const remote = await remoteWithRows();
  const replica = await replicaOf(remote.url);
  replica.db.exec("INSERT INTO t VALUES (10)");
  replica.db.close();
  await remote.query("INSERT INTO t VALUES (4)");
  expect(await replica.pull()).toBe(true);
  expect(await replica.push()).toMatchObject({ changes: 1 });
  await replica.sync();
  await replica.checkpoint();
  expect((await replica.stats()).pendingChanges).toBe(0);
  await replica.close();
  expect(await remote.query("SELECT count(*) FROM t")).toEqual([[5n]]);
  const again = await replicaOf(remote.url, { path: replica.path });
  expect(rows(again, "SELECT count(*) FROM t")).toEqual([[5]]);
});

test("closing works when the app has closed its connection inside a transaction", async () => {
  const remote = await remoteWithRows();
  const replica = await replicaOf(remote.url);
  replica.db.exec("BEGIN; INSERT INTO t VALUES (10)");
  replica.db.close();
  await replica.close();
  const again = await replicaOf(remote.url, { path: replica.path });
  expect(rows(again, "SELECT count(*) FROM t")).toEqual([[3]]);
});

test("a query that is iterated over counts as an open transaction", async () => {
  const remote = await remoteWithRows();
  const replica = await replicaOf(remote.url, { lockTimeoutMs: 30 });
  replica.db.exec("INSERT INTO t VALUES (10)");
  await remote.query("INSERT INTO t VALUES (4)");
  const iterator = iterating(replica);
  for (const operation of [() => replica.pull(), () => replica.checkpoint(), () => replica.close()]) {
    await expect(operation()).rejects.toMatchObject({ code: "database-busy" });
  }
  expect([...iterator]).toEqual([2, 3, 10]);
  expect(await replica.pull()).toBe(true);
  await replica.checkpoint();
  expect(rows(replica, "SELECT count(*) FROM t")).toEqual([[5]]);
  await replica.close();
});

test("an operation that waits for an iteration goes on at its end", async () => {
  const remote = await remoteWithRows();
  const replica = await replicaOf(remote.url, { lockTimeoutMs: 20_000 });
  await remote.query("INSERT INTO t VALUES (4)");
  const iterator = iterating(replica);
  const waiting = replica.pull();
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect([...iterator]).toEqual([2, 3]);
  expect(await waiting).toBe(true);
  expect(rows(replica, "SELECT count(*) FROM t")).toEqual([[4]]);
});
