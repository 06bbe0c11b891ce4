import { cpSync } from "node:fs";
import { join } from "node:path";
import { openReplica } from "@tributary/replica";
import { expect, test } from "vitest";
import { contentsOf } from "../support/contents.js";
import { startTributary } from "../support/remotes.js";
import { replicaOf, rows } from "../support/replicas.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

test.each([
  ["adds a column", "ALTER TABLE t ADD COLUMN c; UPDATE t SET c = ID"],
  ["renames a column", "ALTER TABLE t RENAME COLUMN a TO alpha; UPDATE t SET alpha = 'ID' WHERE id = ID"],
  ["drops a column", "ALTER TABLE t DROP COLUMN b"],
  ["renames the table", "ALTER TABLE t RENAME TO u; INSERT INTO u VALUES (ID * 10, 'new', 0)"],
  [
    "makes the same table",
    "CREATE TABLE IF NOT EXISTS made (id INTEGER PRIMARY KEY); INSERT INTO made VALUES (ID)",
  ],
  ["drops the table", "DROP TABLE t"],
])("both sides converge when each %s offline", async (_what, sql) => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)");
  await remote.query("INSERT INTO t VALUES (1, 'x', 0), (2, 'y', 0)");
  const [first, second] = [await replicaOf(remote.url), await replicaOf(remote.url)];
  first.db.exec(sql.replaceAll("ID", "1"));
  second.db.exec(sql.replaceAll("ID", "2"));
  await first.sync();
  await second.sync();
  await first.sync();
  await second.sync();
  expect(contentsOf(second.db)).toEqual(contentsOf(first.db));
  for (const replica of [first, second]) {
    expect(await replica.stats()).toMatchObject({ pendingChanges: 0, parkedChanges: 0 });
  }
});

test("a change whose key column the remote renamed is parked, and pulls go on", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
  await remote.query("INSERT INTO t VALUES (1, 'x')");
  const replica = await replicaOf(remote.url);
  replica.db.exec("UPDATE t SET a = 'mine'");
  await remote.query("ALTER TABLE t RENAME COLUMN id TO key");
  await replica.sync();
  expect(rows(replica, "SELECT key, a FROM t")).toEqual([[1, "x"]]);
  expect((await replica.stats()).parkedChanges).toBe(1);
});

test("names that differ in case only are the same", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE notes (id INTEGER PRIMARY KEY, name TEXT)");
  const replica = await replicaOf(remote.url, { ignoreTables: ["drafts"] });
  replica.db.exec("INSERT INTO notes VALUES (1, 'mine'); CREATE TABLE Drafts (id INTEGER PRIMARY KEY)");
  replica.db.exec("INSERT INTO Drafts VALUES (1)");
  await remote.query("ALTER TABLE notes RENAME COLUMN name TO Name");
  await remote.query("ALTER TABLE notes RENAME COLUMN id TO ID");
  await replica.pull();
  await replica.sync();
  expect(await remote.query("SELECT * FROM notes")).toEqual([[1n, "mine"]]);
  expect(await remote.query("SELECT name FROM sqlite_schema WHERE name LIKE 'drafts'")).toEqual([]);
});

test("a replica with ignored tables comes to rest", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  const replica = await replicaOf(remote.url, { ignoreTables: ["drafts"] });
  replica.db.exec(
    "CREATE TABLE drafts (id INTEGER PRIMARY KEY); INSERT INTO drafts VALUES (1); INSERT INTO t VALUES (1)",
  );
  expect(await replica.sync()).toEqual({ pushed: 1, pulled: true });
  for (let round = 0; round < 3; round++) {
    expect(await replica.sync()).toEqual({ pushed: 0, pulled: false });
    expect((await replica.stats()).pendingChanges).toBe(0);
  }
  expect(rows(replica, "SELECT * FROM drafts")).toEqual([[1]]);
});

test("keys that are equal under their collation take the spelling that was written last", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (k TEXT PRIMARY KEY COLLATE NOCASE, n)");
  await remote.query("INSERT INTO t VALUES ('a', 1)");
  const replica = await replicaOf(remote.url);
  replica.db.exec("INSERT OR REPLACE INTO t VALUES ('A', 2)");
  await replica.sync();
  expect(await remote.query("SELECT * FROM t")).toEqual([["A", 2n]]);
});

test("the file of a replica that is served as a database is refused, and nothing is lost", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  const replica = await replicaOf(remote.url);
  replica.db.exec("INSERT INTO t VALUES (1)");
  await replica.close();
  const served = join(temporaryDirectory(), "served.db");
  cpSync(replica.path, served);
  const wrong = await startTributary(served);
  const path = join(temporaryDirectory(), "replica.db");
  await expect(openReplica({ path, url: wrong.url })).rejects.toMatchObject({ code: "unexpected-response" });
  await expect(openReplica({ path, url: wrong.url })).rejects.toMatchObject({ code: "unexpected-response" });

  const deferred = await replicaOf(wrong.url, { bootstrapIfEmpty: false });
  deferred.db.exec("CREATE TABLE mine (id INTEGER PRIMARY KEY); INSERT INTO mine VALUES (7)");
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(deferred.pull()).rejects.toMatchObject({ code: "unexpected-response" });
    expect(contentsOf(deferred.db)).toEqual({ mine: ["integer:7"] });
    expect((await deferred.stats()).pendingChanges).toBe(2);
  }
});

test("a transform that throws, or gives nonsense, is the app's mistake", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  let transform: () => never[] = () => {
    throw new Error("boom");
  };
  const replica = await replicaOf(remote.url, { transform: () => transform() });
  replica.db.exec("INSERT INTO t VALUES (1)");
  await remote.query("INSERT INTO t VALUES (2)");
  for (const nonsense of [transform, () => []]) {
    transform = nonsense;
    await expect(replica.push()).rejects.toMatchObject({ code: "invalid-option", blame: "caller" });
    await expect(replica.pull()).rejects.toMatchObject({ code: "invalid-option", blame: "caller" });
    expect(rows(replica, "SELECT * FROM t")).toEqual([[1]]);
  }
});
