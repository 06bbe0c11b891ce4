import { expect, test } from "vitest";
import { REMOTES } from "../support/remotes.js";
import { replicaOf, rows } from "../support/replicas.js";

test.each(REMOTES)(
  "$name takes nothing of a push whose refused change comes before a new column",
  async ({ start }) => {
    const remote = await start();
    await remote.query("CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE)");
    const replica = await replicaOf(remote.url);
    await remote.query("INSERT INTO users VALUES (1, 'taken')");
    replica.db.exec("INSERT INTO users VALUES (2, 'taken')");
    replica.db.exec("ALTER TABLE users ADD COLUMN name");
    await expect(replica.push()).rejects.toMatchObject({
      code: "remote-sql-failed",
      details: { table: "users", changeId: 1 },
    });
    expect(await remote.query("SELECT * FROM users")).toEqual([[1n, "taken"]]);
    expect((await replica.stats()).pendingChanges).toBe(2);
  },
);

test.each(REMOTES)("$name takes nothing of a push whose new column it refuses", async ({ start }) => {
  const remote = await start();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  const replica = await replicaOf(remote.url);
  replica.db.exec("CREATE TABLE other (id INTEGER PRIMARY KEY); ALTER TABLE t ADD COLUMN a");
  replica.db.exec("INSERT INTO other VALUES (1)");
  await remote.query("DROP TABLE t");
  await expect(replica.push()).rejects.toMatchObject({ code: "remote-sql-failed" });
  expect(await remote.query("SELECT name FROM sqlite_schema WHERE name = 'other'")).toEqual([]);
  expect((await replica.stats()).pendingChanges).toBe(3);
  await replica.sync();
  expect(await remote.query("SELECT id FROM other")).toEqual([[1n]]);
  expect((await replica.stats()).pendingChanges).toBe(0);
});

test.each(REMOTES)("a push to $name goes on where a new column is there already", async ({ start }) => {
  const remote = await start();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  const replica = await replicaOf(remote.url);
  replica.db.exec(
    "ALTER TABLE t ADD COLUMN a; ALTER TABLE t ADD COLUMN b; INSERT INTO t VALUES (1, 'a', 'b')",
  );
  replica.db.exec("ALTER TABLE t ADD COLUMN c; UPDATE t SET c = 'c'");
  await remote.query("ALTER TABLE t ADD COLUMN c");
  await remote.query("ALTER TABLE t ADD COLUMN a");
  expect(await replica.push()).toEqual({ changes: 5 });
  expect(await remote.query("SELECT id, a, b, c FROM t")).toEqual([[1n, "a", "b", "c"]]);
  await replica.pull();
  expect(rows(replica, "SELECT id, a, b, c FROM t")).toEqual([[1, "a", "b", "c"]]);
});

test.each(REMOTES)("$name refuses a batch that comes after one it has lost", async ({ start }) => {
  const remote = await start();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  let send: typeof fetch = fetch;
  const replica = await replicaOf(remote.url, { fetch: (input, init) => send(input, init) });
  replica.db.exec("INSERT INTO t VALUES (1)");
  await replica.push();
  replica.db.exec("INSERT INTO t VALUES (2)");
  // The remote is put back to an earlier state just before the batch arrives, and the position is gone.
  send = async (input, init) => {
    if (String(init?.body).includes("BEGIN IMMEDIATE")) {
      send = fetch;
      await remote.query("DELETE FROM t");
      await remote.query("DELETE FROM turso_sync_last_change_id");
    }
    return await fetch(input, init);
  };
  await replica.push();
  expect(await remote.query("SELECT id FROM t ORDER BY id")).toEqual([[1n], [2n]]);
});
