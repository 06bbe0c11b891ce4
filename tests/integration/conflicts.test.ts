import { expect, test } from "vitest";
import { REMOTES, startTributary } from "../support/remotes.js";
import { replicaOf, rows } from "../support/replicas.js";

test.each(REMOTES)(
  "a pushed row that $name refuses keeps everything pending until it is mended",
  async ({ start }) => {
    const remote = await start();
    await remote.query("CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE)");
    const replica = await replicaOf(remote.url);
    await remote.query("INSERT INTO users VALUES (1, 'a@example.org')");
    replica.db.exec(
      "INSERT INTO users VALUES (5, 'fine@example.org'); INSERT INTO users VALUES (6, 'a@example.org')",
    );
    await expect(replica.push()).rejects.toMatchObject({
      code: "remote-sql-failed",
      blame: "remote",
      message: expect.stringMatching(/UNIQUE constraint failed/i),
      details: { table: "users", changeId: 2 },
    });
    expect((await replica.stats()).pendingChanges).toBe(2);
    expect(await remote.query("SELECT id FROM users")).toEqual([[1n]]);
    replica.db.exec("UPDATE users SET email = 'b@example.org' WHERE id = 6");
    await replica.push();
    expect(await remote.query("SELECT * FROM users ORDER BY id")).toEqual([
      [1n, "a@example.org"],
      [5n, "fine@example.org"],
      [6n, "b@example.org"],
    ]);
    await replica.pull();
    expect((await replica.stats()).pendingChanges).toBe(0);
  },
);

test("a pull that local changes do not fit fails, leaves everything as it was, and works once they are mended", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE)");
  const replica = await replicaOf(remote.url);
  replica.db.exec("INSERT INTO users VALUES (5, 'a@example.org')");
  await remote.query("INSERT INTO users VALUES (1, 'a@example.org')");
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(replica.pull()).rejects.toMatchObject({
      code: "replay-conflict",
      blame: "conflict",
      details: { table: "users", sqlCode: "SQLITE_CONSTRAINT_UNIQUE" },
    });
    expect(rows(replica, "SELECT * FROM users")).toEqual([[5, "a@example.org"]]);
    expect((await replica.stats()).pendingChanges).toBe(1);
  }
  replica.db.exec("UPDATE users SET email = 'b@example.org' WHERE id = 5");
  expect(await replica.pull()).toBe(true);
  expect(rows(replica, "SELECT * FROM users ORDER BY id")).toEqual([
    [1, "a@example.org"],
    [5, "b@example.org"],
  ]);
  await replica.sync();
  expect(await remote.query("SELECT count(*) FROM users")).toEqual([[2n]]);
  expect(replica.db.pragma("integrity_check", { simple: true })).toBe("ok");
});

test("a local row whose parent the remote deleted is a conflict that names the table", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE p (id INTEGER PRIMARY KEY)");
  await remote.query("CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id))");
  await remote.query("INSERT INTO p VALUES (1)");
  const replica = await replicaOf(remote.url);
  replica.db.exec("INSERT INTO c VALUES (1, 1)");
  await remote.query("DELETE FROM p");
  await expect(replica.pull()).rejects.toMatchObject({ code: "replay-conflict", details: { table: "c" } });
  expect(rows(replica, "SELECT * FROM c")).toEqual([[1, 1]]);
  replica.db.exec("DELETE FROM c");
  expect(await replica.pull()).toBe(true);
});

test("changes of a table that the remote dropped are kept aside, and come back with the table", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
  const replica = await replicaOf(remote.url);
  replica.db.exec("INSERT INTO t VALUES (1, 'mine')");
  await remote.query("DROP TABLE t");
  await replica.pull();
  expect((await replica.stats()).parkedChanges).toBe(1);
  await replica.sync();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
  await replica.sync();
  expect(rows(replica, "SELECT * FROM t")).toEqual([[1, "mine"]]);
  await replica.sync();
  expect(await remote.query("SELECT * FROM t")).toEqual([[1n, "mine"]]);
  expect((await replica.stats()).parkedChanges).toBe(0);
});

test("per changed column, the last push wins", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)");
  await remote.query("INSERT INTO t VALUES (1, 'a0', 'b0')");
  const [first, second] = [await replicaOf(remote.url), await replicaOf(remote.url)];
  first.db.exec("UPDATE t SET a = 'a1', b = 'b1'");
  second.db.exec("UPDATE t SET b = 'b2'");
  await first.sync();
  await second.sync();
  await first.sync();
  expect(rows(first, "SELECT a, b FROM t")).toEqual([["a1", "b2"]]);
  expect(rows(second, "SELECT a, b FROM t")).toEqual([["a1", "b2"]]);
});

test.each(REMOTES)(
  "rows without a key that two replicas add offline are all kept by $name",
  async ({ start }) => {
    const remote = await start();
    await remote.query("CREATE TABLE log (who TEXT, n INTEGER)");
    const [a, b] = [await replicaOf(remote.url), await replicaOf(remote.url)];
    a.db.exec("INSERT INTO log VALUES ('a', 1), ('a', 2)");
    b.db.exec(
      "INSERT INTO log VALUES ('b', 1), ('b', 2); UPDATE log SET n = 20 WHERE n = 2; DELETE FROM log WHERE n = 1",
    );
    await a.sync();
    await b.sync();
    await a.sync();
    const expected = [
      ["a", 1],
      ["a", 2],
      ["b", 20],
    ];
    expect(rows(a, "SELECT * FROM log ORDER BY who, n")).toEqual(expected);
    expect(rows(b, "SELECT * FROM log ORDER BY who, n")).toEqual(expected);
    // Rowids have moved under b since: its next change finds the row all the same.
    b.db.exec("UPDATE log SET n = 21 WHERE who = 'b'");
    await b.sync();
    expect(await remote.query("SELECT * FROM log ORDER BY who, n")).toEqual([
      ["a", 1n],
      ["a", 2n],
      ["b", 21n],
    ]);
  },
);

test("changes of ignored tables stay in the replica, over pulls too", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  const replica = await replicaOf(remote.url, { ignoreTables: ["drafts"] });
  replica.db.exec(
    "CREATE TABLE drafts (id INTEGER PRIMARY KEY, body); INSERT INTO drafts VALUES (1, 'x'); INSERT INTO t VALUES (1)",
  );
  await replica.sync();
  await remote.query("INSERT INTO t VALUES (2)");
  await replica.sync();
  expect(rows(replica, "SELECT * FROM drafts")).toEqual([[1, "x"]]);
  expect(await remote.query("SELECT name FROM sqlite_schema WHERE name = 'drafts'")).toEqual([]);
  expect(await remote.query("SELECT count(*) FROM t")).toEqual([[2n]]);
});
