import { connect, DatabaseError, TimeoutError } from "@tursodatabase/serverless";
import { createClient, LibsqlError } from "@tursodatabase/serverless/compat";
import { describe, expect, onTestFinished, test } from "vitest";
import { serveForFile } from "./support/serve-for-file.js";

const shared = serveForFile({ lockTimeoutMs: 20_000, statementTimeoutMs: 5_000 });

describe("@tursodatabase/serverless", () => {
  const open = () => {
    const connection = connect({ url: shared.url() });
    onTestFinished(() => connection.close());
    return connection;
  };

  test("statements are prepared, run and read in each way", async () => {
    const db = open();
    await db.exec("CREATE TABLE s (id INTEGER PRIMARY KEY, name TEXT); CREATE INDEX s_name ON s (name);");
    const insert = await db.prepare("INSERT INTO s (name) VALUES (?)");
    expect(insert.reader).toBe(false);
    expect(await insert.run(["a"])).toMatchObject({ changes: 1, lastInsertRowid: 1 });
    expect(await db.run("INSERT INTO s (name) VALUES (:name)", { name: "b" })).toMatchObject({ changes: 1 });
    const select = await db.prepare("SELECT id, name FROM s WHERE id >= ? ORDER BY id");
    expect(select.reader).toBe(true);
    expect(select.columns().map(({ name, type }) => [name, type])).toEqual([
      ["id", "INTEGER"],
      ["name", "TEXT"],
    ]);
    expect(await select.get([2])).toMatchObject({ id: 2, name: "b" });
    expect(await select.get([3])).toBeUndefined();
    expect(await select.all([1])).toMatchObject([{ name: "a" }, { name: "b" }]);
    expect(await (await db.prepare("SELECT id, name FROM s")).raw().all()).toEqual([
      [1, "a"],
      [2, "b"],
    ]);
    expect(await (await db.prepare("SELECT name FROM s")).pluck().all()).toEqual(["a", "b"]);
    const seen: unknown[] = [];
    for await (const row of select.iterate([1])) seen.push(row.name);
    expect(seen).toEqual(["a", "b"]);
    // The one after it finds the stream free, although nobody read the rest of its rows.
    const many = await db.prepare(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n LIMIT 50000",
    );
    for await (const row of many.iterate()) if (row.i === 3) break;
    expect(await db.get("SELECT count(*) AS n FROM s")).toMatchObject({ n: 2 });
    expect(await db.pragma("user_version")).toMatchObject({ columns: ["user_version"], rows: [[0]] });
  });

  test("values of all types come back as they were sent", async () => {
    const db = open();
    db.defaultSafeIntegers(true);
    const select = await db.prepare("SELECT ? AS value, typeof(?1) AS type");
    const text = "Grüße 世界 👋🏽 \u0000 \"'\\";
    const values: [unknown, unknown, string][] = [
      [null, null, "null"],
      [7, 7n, "integer"],
      [9_223_372_036_854_775_807n, 9_223_372_036_854_775_807n, "integer"],
      [-9_223_372_036_854_775_808n, -9_223_372_036_854_775_808n, "integer"],
      [true, 1n, "integer"],
      [0.25, 0.25, "real"],
      [text, text, "text"],
      ["", "", "text"],
      [new Uint8Array([0, 255]), Buffer.from([0, 255]), "blob"],
      [new Uint8Array(), Buffer.alloc(0), "blob"],
    ];
    for (const [sent, value, type] of values) {
      const row = await select.get([sent]);
      expect([row.value, row.type]).toEqual([value, type]);
    }
  });

  test("an error has its code, and the connection knows whether it is in a transaction", async () => {
    const db = open();
    await db.exec("CREATE TABLE e (id INTEGER PRIMARY KEY)");
    await db.run("INSERT INTO e VALUES (1)");
    const failed = db.run("INSERT INTO e VALUES (1)");
    await expect(failed).rejects.toBeInstanceOf(DatabaseError);
    await expect(failed).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT" });
    await expect(db.all("SELECT * FROM missing")).rejects.toThrow("no such table: missing");
    await expect(db.prepare("SELEC 1")).rejects.toThrow("syntax error");
    await expect(db.exec("SELECT 1; INSERT INTO missing VALUES (1)")).rejects.toThrow("no such table");
    expect(db.inTransaction).toBe(false);
    await db.exec("BEGIN");
    expect(db.inTransaction).toBe(true);
    // The client leaves the rest of the cursor unread and asks `get_autocommit` with its baton.
    await expect(db.run("INSERT INTO e VALUES (1)")).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT" });
    expect(db.inTransaction).toBe(true);
    await db.run("INSERT INTO e VALUES (2)");
    await db.run("COMMIT");
    expect(db.inTransaction).toBe(false);
    expect(await db.all("SELECT id FROM e")).toHaveLength(2);
  });

  test("batches without a mode go on after nothing, with one they are all or nothing", async () => {
    const db = open();
    await db.exec("CREATE TABLE b (id INTEGER PRIMARY KEY, name TEXT)");
    const results = await db.batch([
      "INSERT INTO b VALUES (1, 'one')",
      { sql: "INSERT INTO b VALUES (?, ?)", args: [2, "two"] },
      { sql: "SELECT name FROM b WHERE id = :id", args: { id: 2 } },
    ]);
    expect(results).toMatchObject([{ rowsAffected: 1 }, { rowsAffected: 1 }, { rows: [{ name: "two" }] }]);
    for (const mode of ["write", "immediate", "deferred", "exclusive"]) {
      const failed = db.batch(["INSERT INTO b VALUES (3, 'x')", "INSERT INTO b VALUES (1, 'x')"], mode);
      await expect(failed).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT" });
      expect(db.inTransaction).toBe(false);
      expect(await db.get("SELECT count(*) AS n FROM b")).toMatchObject({ n: 2 });
    }
    await db.batch(["INSERT INTO b VALUES (3, 'three')", "DELETE FROM b WHERE id = 1"], "write");
    expect(await db.all("SELECT id FROM b ORDER BY id")).toMatchObject([{ id: 2 }, { id: 3 }]);
  });

  test("transactions have streams of their own, wait for each other, and none is lost", async () => {
    const db = open();
    await db.exec("CREATE TABLE c (n INTEGER); INSERT INTO c VALUES (0)");
    const add = db.transactionAsync(async (tx, by: number) => {
      const { n } = await tx.get("SELECT n FROM c");
      const update = await tx.prepare("UPDATE c SET n = ?");
      await update.run([n + by]);
      await tx.batch([{ sql: "SELECT ?", args: [1] }]);
      return n + by;
    });
    await Promise.all([1, 2, 3, 4, 5, 6].map((by) => add.immediate(by)));
    expect(await db.get("SELECT n FROM c")).toMatchObject({ n: 21 });
    const fail = db.transactionAsync(async (tx) => {
      await tx.run("UPDATE c SET n = 0");
      throw new Error("changed my mind");
    });
    await expect(fail()).rejects.toThrow("changed my mind");
    expect(await db.get("SELECT n FROM c")).toMatchObject({ n: 21 });
  });

  test("a query that takes too long is given up, and the connection goes on", async () => {
    const db = open();
    const endless =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT max(i) FROM n";
    await expect(db.all(endless, { queryTimeout: 100 })).rejects.toBeInstanceOf(TimeoutError);
    expect(await db.get("SELECT 1 AS one")).toMatchObject({ one: 1 });
  });
});

describe("@tursodatabase/serverless/compat", () => {
  const open = () => {
    const client = createClient({ url: shared.url() });
    onTestFinished(() => client.close());
    return client;
  };

  test("it stands in for @libsql/client", async () => {
    const client = open();
    await client.executeMultiple("CREATE TABLE k (id INTEGER PRIMARY KEY, name TEXT UNIQUE); SELECT 1;");
    const inserted = await client.execute({ sql: "INSERT INTO k (name) VALUES (?)", args: ["a"] });
    expect(inserted).toMatchObject({ rowsAffected: 1, lastInsertRowid: 1n });
    const [, selected] = await client.batch(
      [{ sql: "INSERT INTO k (name) VALUES (:name)", args: { name: "b" } }, "SELECT name FROM k ORDER BY id"],
      "write",
    );
    expect(selected?.rows).toMatchObject([{ name: "a" }, { name: "b" }]);
    const failed = client.batch(
      ["INSERT INTO k (name) VALUES ('c')", "INSERT INTO k (name) VALUES ('a')"],
      "write",
    );
    await expect(failed).rejects.toBeInstanceOf(LibsqlError);
    await expect(failed).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT" });
    await client.migrate(["CREATE TABLE m (a)", "INSERT INTO m VALUES (1)"]);
    expect((await client.execute("SELECT (SELECT count(*) FROM k) AS k, a FROM m")).rows).toMatchObject([
      { k: 2, a: 1 },
    ]);
  });

  test("its transactions commit, roll back, and go on after an error", async () => {
    const client = open();
    await client.execute("CREATE TABLE x (id INTEGER PRIMARY KEY)");
    const first = await client.transaction("write");
    await first.execute("INSERT INTO x VALUES (1)");
    await expect(first.execute("INSERT INTO x VALUES (1)")).rejects.toMatchObject({
      code: "SQLITE_CONSTRAINT",
    });
    await first.batch(["INSERT INTO x VALUES (2)", { sql: "INSERT INTO x VALUES (?)", args: [3] }]);
    await first.commit();
    const second = await client.transaction("deferred");
    await second.execute("DELETE FROM x");
    await second.rollback();
    expect((await client.execute("SELECT count(*) AS n FROM x")).rows[0]?.n).toBe(3);
  });
});
