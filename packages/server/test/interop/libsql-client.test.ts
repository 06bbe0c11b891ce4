import { createClient } from "@libsql/client";
import { expect, onTestFinished, test } from "vitest";
import { listen } from "../support/listen.js";

async function open(options: Parameters<typeof listen>[0] = {}) {
  const { url } = await listen(options);
  const client = createClient({ url });
  onTestFinished(() => client.close());
  await client.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB)");
  return client;
}

test("queries and batches", async () => {
  const client = await open();
  const inserted = await client.execute({
    sql: "INSERT INTO t(name, data) VALUES (:name, $data)",
    args: { name: "a", data: new Uint8Array([1, 2]) },
  });
  expect(inserted.rowsAffected).toBe(1);
  expect(inserted.lastInsertRowid).toBe(1n);
  const results = await client.batch(
    [
      { sql: "INSERT INTO t(name) VALUES (?)", args: ["b"] },
      "SELECT id, name, data, 1.5 AS half FROM t ORDER BY id",
    ],
    "write",
  );
  expect(results[1]?.columns).toEqual(["id", "name", "data", "half"]);
  expect(results[1]?.rows[0]).toMatchObject({ id: 1, name: "a", half: 1.5 });
  expect(new Uint8Array(results[1]?.rows[0]?.data as ArrayBuffer)).toEqual(new Uint8Array([1, 2]));
  await client.executeMultiple("INSERT INTO t(name) VALUES ('c'); INSERT INTO t(name) VALUES ('d;')");
  expect((await client.execute("SELECT count(*) AS n FROM t")).rows[0]?.n).toBe(4);
  await client.migrate(["CREATE TABLE m(a)", "INSERT INTO m VALUES (1)"]);
});

test("errors carry SQLite's code, and a failed batch leaves nothing behind", async () => {
  const client = await open();
  await client.execute("INSERT INTO t(name) VALUES ('a')");
  await expect(client.execute("INSERT INTO t(name) VALUES ('a')")).rejects.toMatchObject({
    code: "SQLITE_CONSTRAINT",
  });
  await expect(
    client.batch(["INSERT INTO t(name) VALUES ('b')", "INSERT INTO t(name) VALUES ('a')"], "write"),
  ).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT" });
  await expect(client.execute("SELECT * FROM missing")).rejects.toThrow("no such table: missing");
  expect((await client.execute("SELECT count(*) AS n FROM t")).rows[0]?.n).toBe(1);
});

test("interactive transactions commit, and roll back when they are closed", async () => {
  const client = await open();
  const first = await client.transaction("write");
  await first.execute("INSERT INTO t(name) VALUES ('a')");
  // Waits for the transaction above, in JavaScript.
  const waiting = client.execute("INSERT INTO t(name) VALUES ('b')");
  await expect(first.execute("INSERT INTO t(name) VALUES ('a')")).rejects.toMatchObject({
    code: "SQLITE_CONSTRAINT",
  });
  await first.commit();
  await waiting;
  const second = await client.transaction("write");
  await second.execute("INSERT INTO t(name) VALUES ('c')");
  second.close();
  const read = await client.transaction("read");
  expect((await read.execute("SELECT group_concat(name) AS names FROM t")).rows[0]?.names).toBe("a,b");
  await read.rollback();
});

test("a transaction left idle expires", async () => {
  const client = await open({ streamIdleTimeoutMs: 0 });
  const transaction = await client.transaction("write");
  await transaction.execute("INSERT INTO t(name) VALUES ('a')").catch(() => {});
  await expect(transaction.execute("INSERT INTO t(name) VALUES ('b')")).rejects.toThrow();
  expect((await client.execute("SELECT count(*) AS n FROM t")).rows[0]?.n).toBe(0);
});
