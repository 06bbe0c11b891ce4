import { BATCH_PATH, decodeLiveBatch } from "@tributary/wire";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { startTributary } from "../support/remotes.js";
import { replicaOf, rows } from "../support/replicas.js";

test("a pull waits for an open transaction of the app, and gives up after a time", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  const replica = await replicaOf(remote.url, { lockTimeoutMs: 60 });
  await remote.query("INSERT INTO t VALUES (1)");
  replica.db.exec("BEGIN; INSERT INTO t VALUES (100)");
  await expect(replica.pull()).rejects.toMatchObject({ code: "database-busy", blame: "host" });
  // The transaction is untouched, and still its own.
  expect(rows(replica, "SELECT * FROM t")).toEqual([[100]]);
  replica.db.exec("COMMIT");
  expect(await replica.pull()).toBe(true);
  expect(rows(replica, "SELECT * FROM t")).toEqual([[1], [100]]);
});

test("a pull that waits goes on when the app commits", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  const replica = await replicaOf(remote.url, { lockTimeoutMs: 20_000 });
  await remote.query("INSERT INTO t VALUES (1)");
  replica.db.exec("BEGIN IMMEDIATE; INSERT INTO t VALUES (100)");
  const pulling = replica.pull();
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(rows(replica, "SELECT * FROM t")).toEqual([[100]]);
  replica.db.exec("COMMIT");
  expect(await pulling).toBe(true);
  expect(rows(replica, "SELECT * FROM t")).toEqual([[1], [100]]);
});

test("no reader of this process ever sees a half-applied pull", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE pair (id INTEGER PRIMARY KEY, n INTEGER)");
  await remote.query("INSERT INTO pair VALUES (1, 0), (2, 0)");
  const replica = await replicaOf(remote.url);
  replica.db.exec("CREATE TABLE mine (id INTEGER PRIMARY KEY); INSERT INTO mine VALUES (1), (2), (3)");
  const second = new Database(replica.path, { readonly: true });
  const prepared = [replica.db, second].map((db) =>
    db.prepare("SELECT (SELECT group_concat(n) FROM pair), (SELECT count(*) FROM mine)").raw(),
  );
  const seen = new Set<string>();
  let watching = true;
  const look = (): void => {
    for (const statement of prepared) seen.add(JSON.stringify(statement.get()));
  };
  const byTurns = (async () => {
    while (watching) {
      look();
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const byMicrotasks = (async () => {
    for (let turn = 0; watching; turn++) {
      look();
      // Many turns of the microtask queue between two of the event loop: this is where an await would let readers in.
      if (turn % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
      else await undefined;
    }
  })();
  try {
    for (let n = 1; n <= 15; n++) {
      await remote.query("UPDATE pair SET n = ?", [n]);
      await replica.pull();
    }
    look();
  } finally {
    watching = false;
    await Promise.all([byTurns, byMicrotasks]);
    second.close();
  }
  const expected = Array.from({ length: 16 }, (_, n) => JSON.stringify([`${n},${n}`, 3]));
  for (const state of seen) expect(expected).toContain(state);
  expect(seen.has(JSON.stringify(["15,15", 3]))).toBe(true);
});

test("a reader inside a transaction keeps its snapshot over a pull", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  const replica = await replicaOf(remote.url);
  const reader = new Database(replica.path, { readonly: true });
  reader.exec("BEGIN");
  expect(reader.prepare("SELECT count(*) FROM t").pluck().get()).toBe(0);
  await remote.query("INSERT INTO t VALUES (1)");
  await replica.pull();
  expect(rows(replica, "SELECT * FROM t")).toEqual([[1]]);
  expect(reader.prepare("SELECT count(*) FROM t").pluck().get()).toBe(0);
  reader.exec("COMMIT");
  expect(reader.prepare("SELECT count(*) FROM t").pluck().get()).toBe(1);
  reader.close();
});

test("pushes and pulls that are asked for at once run in order", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  const replica = await replicaOf(remote.url);
  for (let id = 1; id <= 10; id++) {
    replica.db.prepare("INSERT INTO t VALUES (?)").run(id);
    await Promise.all([
      replica.push(),
      replica.pull(),
      replica.sync(),
      replica.checkpoint(),
      replica.stats(),
    ]);
  }
  await replica.sync();
  expect(await remote.query("SELECT count(*) FROM t")).toEqual([[10n]]);
  expect((await replica.stats()).pendingChanges).toBe(0);
});

test("a push is split between local transactions, never inside one", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  const sizes: number[] = [];
  const counting: typeof fetch = async (input, init) => {
    if (String(input).endsWith(BATCH_PATH)) {
      const steps = decodeLiveBatch(init?.body as Uint8Array, { maxStatements: 100 });
      const inserts = steps.filter(({ sql }) => sql.startsWith('INSERT INTO "t"')).length;
      if (inserts > 0) sizes.push(inserts);
    }
    return await fetch(input, init);
  };
  const replica = await replicaOf(remote.url, { pushOperationsThreshold: 3, fetch: counting });
  const insert = replica.db.prepare("INSERT INTO t VALUES (?)");
  const many = replica.db.transaction((from: number, count: number) => {
    for (let id = from; id < from + count; id++) insert.run(id);
  });
  many(1, 5);
  insert.run(100);
  insert.run(101);
  many(200, 2);
  replica.db.exec("BEGIN; INSERT INTO t VALUES (300); INSERT INTO t VALUES (301); COMMIT");
  await replica.push();
  expect(sizes).toEqual([5, 4, 2]);
});
