import { expect, test } from "vitest";
import { HranaClient } from "./support/hrana-client.js";
import { openServer } from "./support/open-server.js";

const MIB = 1024 * 1024;
const LIMITS = { walLimitBytes: MIB / 4, snapshotRetentionBytes: MIB, transactionTimeoutMs: 1_000 };

async function withTable() {
  const opened = openServer(LIMITS);
  const writer = new HranaClient(opened.server);
  await writer.execute("CREATE TABLE t (body)");
  const walBytes = (): number => opened.server.status().databases[0]?.walBytes ?? 0;
  const insert = (): Promise<unknown> => writer.execute("INSERT INTO t VALUES (zeroblob(100000))");
  return { ...opened, writer, walBytes, insert };
}

test("a transaction that only reads does not let the WAL grow without end, whatever its client does to keep it", async () => {
  const { server, clock, walBytes, insert } = await withTable();
  const reader = new HranaClient(server);
  await reader.execute("BEGIN");
  expect(await reader.execute("SELECT count(*) FROM t")).toMatchObject({ rows: [[{ value: "0" }]] });
  let longest = 0;
  let answer: unknown;
  for (let round = 0; round < 40; round++) {
    await insert();
    clock.advance(100);
    answer = await reader.execute("SELECT count(*) FROM t");
    longest = Math.max(longest, walBytes());
  }
  expect(answer).toMatchObject({ code: "TRANSACTION_TIMEOUT" });
  expect(longest).toBeLessThan(2 * MIB);
  expect(await reader.execute("ROLLBACK")).not.toHaveProperty("code");
  expect(await reader.execute("SELECT count(*) FROM t")).toMatchObject({ rows: [[{ value: "40" }]] });
});

test("one that is in nobody's way may be open for long, and one that was begun just now is not taken", async () => {
  const { server, clock, walBytes, insert } = await withTable();
  const reader = new HranaClient(server);
  await reader.execute("BEGIN");
  for (let round = 0; round < 10; round++) {
    clock.advance(900);
    expect(await reader.execute("SELECT count(*) FROM t")).toMatchObject({ rows: [[{ value: "0" }]] });
  }
  await reader.execute("COMMIT");
  await reader.execute("BEGIN");
  await reader.execute("SELECT count(*) FROM t");
  while (walBytes() < 2 * MIB) await insert();
  expect(await reader.execute("SELECT count(*) FROM t")).not.toHaveProperty("code");
  clock.advance(1_000);
  await insert();
  expect(await reader.execute("SELECT count(*) FROM t")).toMatchObject({ code: "TRANSACTION_TIMEOUT" });
});

test("one that may write is left to the line of writers", async () => {
  const { server, clock, walBytes, writer, insert } = await withTable();
  const reader = new HranaClient(server);
  await reader.execute("BEGIN");
  await reader.execute("SELECT count(*) FROM t");
  while (walBytes() < 2 * MIB) await insert();
  await writer.execute("BEGIN IMMEDIATE");
  clock.advance(5_000);
  const other = new HranaClient(server);
  await other.execute("SELECT 1");
  expect(await reader.execute("SELECT count(*) FROM t")).toMatchObject({ code: "TRANSACTION_TIMEOUT" });
  expect(await insert()).not.toHaveProperty("code");
  expect(await writer.execute("COMMIT")).not.toHaveProperty("code");
});
