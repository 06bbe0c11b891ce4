import { expect, test } from "vitest";
import { startTributary } from "../support/remotes.js";
import { replicaOf, rows } from "../support/replicas.js";

test("rows without a key are still found when the remote has dropped or renamed a column", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (a, b, c, d)");
  await remote.query(
    "INSERT INTO t VALUES (1, 'gone', 'x', 'same'), (2, 'gone', 'y', 'same'), (3, 'gone', 'z', 'same')",
  );
  const replica = await replicaOf(remote.url);
  replica.db.exec("UPDATE t SET d = 'mine' WHERE a = 2; DELETE FROM t WHERE a = 3");
  await remote.query("ALTER TABLE t DROP COLUMN b");
  await remote.query("ALTER TABLE t RENAME COLUMN c TO e");
  await replica.sync();
  expect(await remote.query("SELECT a, e, d FROM t ORDER BY a")).toEqual([
    [1n, "x", "same"],
    [2n, "y", "mine"],
  ]);
  expect((await replica.stats()).pendingChanges).toBe(0);
});

test("a delete of a row without a key does nothing when no column of it is left", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (a)");
  await remote.query("INSERT INTO t VALUES (1)");
  const replica = await replicaOf(remote.url);
  replica.db.exec("DELETE FROM t");
  await remote.query("ALTER TABLE t RENAME COLUMN a TO b");
  await replica.sync();
  expect(rows(replica, "SELECT b FROM t")).toEqual([[1]]);
  expect((await replica.stats()).pendingChanges).toBe(0);
});

test("a row with NULL in its key is still found when the remote has dropped a column", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (k TEXT PRIMARY KEY, a, b)");
  await remote.query("INSERT INTO t VALUES (NULL, 1, 'gone'), (NULL, 2, 'gone')");
  const replica = await replicaOf(remote.url);
  replica.db.exec("UPDATE t SET a = 20 WHERE a = 2");
  await remote.query("ALTER TABLE t DROP COLUMN b");
  await replica.sync();
  expect(await remote.query("SELECT a FROM t ORDER BY a")).toEqual([[1n], [20n]]);
});
