import { describe, expect, test } from "vitest";
import { integrityOfFile } from "../support/contents.js";
import { REMOTES } from "../support/remotes.js";
import { replicaOf, rows } from "../support/replicas.js";

describe.each(REMOTES)("a replica of $name", ({ start }) => {
  test("bootstraps what the server has", async () => {
    const remote = await start();
    await remote.query("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)");
    await remote.query("INSERT INTO notes VALUES (1, 'one'), (2, 'two')");
    const replica = await replicaOf(remote.url);
    expect(rows(replica, "SELECT * FROM notes ORDER BY id")).toEqual([
      [1, "one"],
      [2, "two"],
    ]);
  });

  test("bootstraps from a server that has nothing yet, and makes the first table itself", async () => {
    const remote = await start();
    const replica = await replicaOf(remote.url);
    replica.db.exec(
      "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT); INSERT INTO notes VALUES (7, 'mine')",
    );
    await replica.push();
    expect(await remote.query("SELECT * FROM notes")).toEqual([[7n, "mine"]]);
    await replica.pull();
    expect(rows(replica, "SELECT * FROM notes")).toEqual([[7, "mine"]]);
  });

  test("pulls what others wrote, and says whether anything came", async () => {
    const remote = await start();
    await remote.query("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)");
    const replica = await replicaOf(remote.url);
    expect(await replica.pull()).toBe(false);
    await remote.query("INSERT INTO notes VALUES (1, 'one')");
    expect(await replica.pull()).toBe(true);
    expect(rows(replica, "SELECT * FROM notes")).toEqual([[1, "one"]]);
    expect(await replica.pull()).toBe(false);
  });

  test("two replicas that write offline converge", async () => {
    const remote = await start();
    await remote.query("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, stars INTEGER)");
    await remote.query("INSERT INTO notes VALUES (1, 'one', 0), (2, 'two', 0)");
    const [a, b] = [await replicaOf(remote.url), await replicaOf(remote.url)];
    a.db.exec("UPDATE notes SET body = 'from a' WHERE id = 1; INSERT INTO notes VALUES (10, 'a', 1)");
    b.db.exec(
      "UPDATE notes SET stars = 5 WHERE id = 1; DELETE FROM notes WHERE id = 2; INSERT INTO notes VALUES (20, 'b', 2)",
    );
    await a.sync();
    await b.sync();
    await a.sync();
    const expected = [
      [1, "from a", 5],
      [10, "a", 1],
      [20, "b", 2],
    ];
    expect(rows(a, "SELECT * FROM notes ORDER BY id")).toEqual(expected);
    expect(rows(b, "SELECT * FROM notes ORDER BY id")).toEqual(expected);
    expect(await remote.query("SELECT * FROM notes ORDER BY id")).toEqual(
      expected.map((row) => row.map((value) => (typeof value === "number" ? BigInt(value) : value))),
    );
  });

  test("keeps unpushed changes over pulls and over closing", async () => {
    const remote = await start();
    await remote.query("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)");
    const first = await replicaOf(remote.url);
    const { path } = first;
    first.db.exec("INSERT INTO notes VALUES (1, 'unpushed')");
    await remote.query("INSERT INTO notes VALUES (2, 'remote')");
    await first.pull();
    await first.close();
    const again = await replicaOf(remote.url, { path });
    expect(rows(again, "SELECT * FROM notes ORDER BY id")).toEqual([
      [1, "unpushed"],
      [2, "remote"],
    ]);
    expect((await again.stats()).pendingChanges).toBe(1);
    await again.sync();
    expect((await again.stats()).pendingChanges).toBe(0);
    expect(await remote.query("SELECT id FROM notes ORDER BY id")).toEqual([[1n], [2n]]);
    await again.close();
    expect(integrityOfFile(path)).toBe("ok");
  });

  test("checkpoints between writes and pulls", async () => {
    const remote = await start();
    await remote.query("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)");
    const replica = await replicaOf(remote.url);
    for (let round = 1; round <= 5; round++) {
      replica.db.exec(`INSERT INTO notes VALUES (${round}, 'local')`);
      await replica.checkpoint();
      await remote.query(`INSERT INTO notes VALUES (${round + 100}, 'remote')`);
      await replica.pull();
      await replica.checkpoint();
    }
    await replica.sync();
    expect(rows(replica, "SELECT count(*) FROM notes")).toEqual([[10]]);
    expect(await remote.query("SELECT count(*) FROM notes")).toEqual([[10n]]);
    expect(replica.db.pragma("integrity_check", { simple: true })).toBe("ok");
  });

  test("pushes schema changes, and pulls those of others under unpushed rows", async () => {
    const remote = await start();
    const [a, b] = [await replicaOf(remote.url), await replicaOf(remote.url)];
    a.db.exec("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT); CREATE INDEX by_body ON notes (body)");
    a.db.exec("INSERT INTO notes VALUES (1, 'one')");
    await a.push();
    await b.pull();
    b.db.exec("ALTER TABLE notes ADD COLUMN stars INTEGER; UPDATE notes SET stars = 3");
    a.db.exec("INSERT INTO notes VALUES (2, 'two')");
    await b.push();
    await a.sync();
    await b.sync();
    const expected = [
      [1, "one", 3],
      [2, "two", null],
    ];
    expect(rows(a, "SELECT * FROM notes ORDER BY id")).toEqual(expected);
    expect(rows(b, "SELECT * FROM notes ORDER BY id")).toEqual(expected);
  });

  test("lets a transform rewrite and skip changes", async () => {
    const remote = await start();
    await remote.query("CREATE TABLE counter (name TEXT PRIMARY KEY, n INTEGER)");
    await remote.query("INSERT INTO counter VALUES ('visits', 0)");
    const transform: NonNullable<Parameters<typeof replicaOf>[1]>["transform"] = (mutations) =>
      mutations.map(({ type, before, after }) =>
        type !== "update"
          ? { operation: "skip" }
          : {
              operation: "rewrite",
              sql: "UPDATE counter SET n = n + ? WHERE name = ?",
              params: [(after?.n as bigint) - (before?.n as bigint), after?.name as string],
            },
      );
    const [a, b] = [await replicaOf(remote.url, { transform }), await replicaOf(remote.url, { transform })];
    a.db.exec("UPDATE counter SET n = n + 2; INSERT INTO counter VALUES ('local', 1)");
    b.db.exec("UPDATE counter SET n = n + 3");
    await a.sync();
    await b.sync();
    await a.sync();
    expect(rows(a, "SELECT * FROM counter")).toEqual([["visits", 5]]);
    expect(rows(b, "SELECT * FROM counter")).toEqual([["visits", 5]]);
  });

  test("bootstraps in chunks of one revision", async () => {
    const remote = await start();
    await remote.query("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)");
    const values = Array.from(
      { length: 500 },
      (_, index) => `(${index}, 'a body that fills pages, number ${index}')`,
    );
    await remote.query(`INSERT INTO notes VALUES ${values.join(", ")}`);
    const replica = await replicaOf(remote.url, { pullBytesThreshold: 8192 });
    expect(rows(replica, "SELECT count(*) FROM notes")).toEqual([[500]]);
    expect(replica.db.pragma("integrity_check", { simple: true })).toBe("ok");
  });

  test("pushes 200 000 rows at once", { timeout: 120_000 }, async () => {
    const remote = await start();
    const replica = await replicaOf(remote.url);
    replica.db.exec("CREATE TABLE numbers (id INTEGER PRIMARY KEY, square INTEGER, name TEXT)");
    const insert = replica.db.prepare("INSERT INTO numbers VALUES (?, ?, ?)");
    replica.db.transaction(() => {
      for (let i = 1; i <= 200_000; i++) insert.run(i, i * i, `number ${i}`);
    })();
    await replica.push();
    expect(await remote.query("SELECT count(*), sum(square) FROM numbers")).toEqual([
      [200_000n, 2666686666700000n],
    ]);
    await replica.pull();
    expect(rows(replica, "SELECT count(*) FROM numbers")).toEqual([[200_000]]);
    expect((await replica.stats()).pendingChanges).toBe(0);
  });
});
