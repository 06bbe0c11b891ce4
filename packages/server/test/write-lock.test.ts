import { expect, test } from "vitest";
import type { SyncServerOptions } from "../src/index.js";
import { startForeignWriter } from "./support/foreign-writer.js";
import { HranaClient } from "./support/hrana-client.js";
import { openServer, post, settle } from "./support/open-server.js";

async function setUp(options: Partial<SyncServerOptions> = {}) {
  const opened = openServer(options);
  const [holder, ...others] = [0, 1, 2, 3].map(() => new HranaClient(opened.server));
  await (holder as HranaClient).execute("CREATE TABLE t(a)");
  return { ...opened, holder: holder as HranaClient, others };
}

test("writers wait for a transaction to end, first come, first served, and readers do not", async () => {
  const { holder, others, clock, server } = await setUp();
  await holder.execute("BEGIN IMMEDIATE");
  const order: number[] = [];
  const writes = others.map((client, index) =>
    client.execute(`INSERT INTO t VALUES (${index})`).then((result) => {
      order.push(index);
      return result;
    }),
  );
  await settle();
  expect(order).toEqual([]);
  expect(await new HranaClient(server).execute("SELECT count(*) FROM t")).toMatchObject({
    rows: [[{ value: "0" }]],
  });
  clock.advance(1000);
  await holder.execute("INSERT INTO t VALUES (9)");
  await settle();
  expect(order).toEqual([]);
  await holder.execute("COMMIT");
  expect(await Promise.all(writes)).toMatchObject(others.map(() => ({ affected_row_count: 1 })));
  expect(order).toEqual([0, 1, 2]);
  expect(await holder.execute("SELECT group_concat(a) FROM t")).toMatchObject({
    rows: [[{ value: "9,0,1,2" }]],
  });
});

test("a writer that waits too long gets SQLITE_BUSY and can go on", async () => {
  const { holder, others, clock } = await setUp({ lockTimeoutMs: 4_000 });
  const waiting = others[0] as HranaClient;
  await holder.execute("BEGIN IMMEDIATE");
  const write = waiting.execute("INSERT INTO t VALUES (1)");
  await settle();
  clock.advance(4000);
  expect(await write).toMatchObject({ code: "SQLITE_BUSY", message: "SQLite error: database is locked" });
  await holder.execute("COMMIT");
  expect(await waiting.execute("INSERT INTO t VALUES (1)")).toMatchObject({ affected_row_count: 1 });
});

test("a transaction whose snapshot is stale is told at once", async () => {
  const { holder, others } = await setUp();
  const stale = others[0] as HranaClient;
  await stale.execute("BEGIN");
  await stale.execute("SELECT * FROM t");
  await holder.execute("INSERT INTO t VALUES (1)");
  expect(await stale.execute("INSERT INTO t VALUES (2)")).toMatchObject({
    code: "SQLITE_BUSY",
    extended_code: "SQLITE_BUSY_SNAPSHOT",
  });
});

test("a transaction that is open for too long is taken from its owner once somebody waits", async () => {
  const { holder, others, clock } = await setUp();
  await holder.execute("BEGIN IMMEDIATE");
  await holder.execute("INSERT INTO t VALUES (9)");
  clock.advance(4000);
  await holder.execute("INSERT INTO t VALUES (9)");
  // Nobody waits: it may go on.
  clock.advance(4000);
  await holder.execute("INSERT INTO t VALUES (9)");
  const write = (others[0] as HranaClient).execute("INSERT INTO t VALUES (1)");
  expect(await write).toMatchObject({ affected_row_count: 1 });
  // Its owner is told, and must not believe that it has committed.
  for (const sql of ["INSERT INTO t VALUES (9)", "COMMIT", "SELECT 1"]) {
    expect(await holder.execute(sql)).toMatchObject({ code: "TRANSACTION_TIMEOUT" });
  }
  // Clients that ask whether there is something to roll back.
  expect(await holder.send({ type: "get_autocommit" })).toMatchObject([
    { response: { is_autocommit: false } },
  ]);
  expect(await holder.execute("ROLLBACK")).toMatchObject({ affected_row_count: 0 });
  expect(await holder.send({ type: "get_autocommit" })).toMatchObject([
    { response: { is_autocommit: true } },
  ]);
  expect(await holder.execute("SELECT group_concat(a) FROM t")).toMatchObject({ rows: [[{ value: "1" }]] });
});

test("a transaction is not taken before its time, nor while a request of it runs", async () => {
  const { holder, others, clock } = await setUp({ transactionTimeoutMs: 3_000 });
  await holder.execute("BEGIN IMMEDIATE");
  let isDone = false;
  const write = (others[0] as HranaClient).execute("INSERT INTO t VALUES (1)").then((result) => {
    isDone = true;
    return result;
  });
  await settle();
  clock.advance(2_999);
  // A request that ends before the time is up does not make it start anew.
  await holder.execute("INSERT INTO t VALUES (9)");
  await settle();
  expect(isDone).toBe(false);
  clock.advance(1);
  expect(await write).toMatchObject({ affected_row_count: 1 });
  expect(await holder.execute("COMMIT")).toMatchObject({ code: "TRANSACTION_TIMEOUT" });
  expect(await holder.execute("BEGIN")).toMatchObject({ affected_row_count: 0 });
  expect(await holder.execute("COMMIT")).toMatchObject({ affected_row_count: 0 });
});

test("a request that works on its transaction for too long loses it once somebody waits", async () => {
  const { holder, others, clock } = await setUp({ maxTransactionMs: 30_000, lockTimeoutMs: 60_000 });
  const insert = { type: "execute" as const, stmt: { sql: "INSERT INTO t VALUES (9)", want_rows: false } };
  const push = holder.send(
    { type: "execute", stmt: { sql: "BEGIN IMMEDIATE" } },
    ...Array.from({ length: 100_000 }, () => insert),
    { type: "execute", stmt: { sql: "COMMIT" } },
  );
  await settle();
  const write = (others[0] as HranaClient).execute("INSERT INTO t VALUES (1)");
  await settle();
  clock.advance(29_999);
  await settle();
  clock.advance(1);
  expect(await write).toMatchObject({ affected_row_count: 1 });
  const results = await push;
  expect(results[1]).toMatchObject({ type: "ok" });
  expect(results.at(-1)).toMatchObject({ type: "error", error: { code: "TRANSACTION_TIMEOUT" } });
  await holder.execute("ROLLBACK");
  expect(await holder.execute("SELECT group_concat(a) FROM t")).toMatchObject({ rows: [[{ value: "1" }]] });
});

test("a stream that is idle for too long is rolled back and lets the next writer on", async () => {
  const { holder, others, clock } = await setUp({ streamIdleTimeoutMs: 2_000 });
  await holder.execute("BEGIN IMMEDIATE");
  const write = (others[0] as HranaClient).execute("INSERT INTO t VALUES (1)");
  await settle();
  clock.advance(2_000);
  expect(await write).toMatchObject({ affected_row_count: 1 });
});

test("what a client that has gone leaves open is rolled back as soon as its request is over", async () => {
  const { holder, others, server } = await setUp();
  await holder.execute("BEGIN IMMEDIATE");
  const client = new AbortController();
  const requests = ["BEGIN IMMEDIATE", "INSERT INTO t VALUES (1)"].map((sql) => ({
    type: "execute",
    stmt: { sql },
  }));
  const abandoned = post(server, "/v2/pipeline", JSON.stringify({ requests }), client.signal);
  await settle();
  client.abort();
  const write = (others[0] as HranaClient).execute("INSERT INTO t VALUES (2)");
  await settle();
  await holder.execute("COMMIT");
  expect(await (await abandoned).json()).toMatchObject({ baton: null });
  expect(await write).toMatchObject({ affected_row_count: 1 });
  expect(await holder.execute("SELECT group_concat(a) FROM t")).toMatchObject({ rows: [[{ value: "2" }]] });
});

test("the lock of another program is waited for too", async () => {
  const { holder, clock, path } = await setUp();
  const foreign = await startForeignWriter(path);
  await foreign.run("BEGIN IMMEDIATE");
  const write = holder.execute("INSERT INTO t VALUES (1)");
  await settle();
  await foreign.run("COMMIT");
  clock.advance(20);
  expect(await write).toMatchObject({ affected_row_count: 1 });
});
