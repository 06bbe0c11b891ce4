import { rmSync } from "node:fs";
import { expect, test } from "vitest";
import { copyOffline } from "./support/copy-offline.js";
import { openOffline } from "./support/open-offline.js";

test("a replica downloads the database and is brought what others write since", async () => {
  const server = openOffline();
  server.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
  server.exec("INSERT INTO t VALUES(1, 'one')");
  const replica = await server.replica("phone");
  expect(replica.all("SELECT * FROM t")).toEqual([[1, "one"]]);
  await replica.sync();
  expect(replica.frames).toBe(0);
  server.exec("INSERT INTO t VALUES(2, 'two')");
  await replica.sync();
  expect(replica.all("SELECT * FROM t")).toEqual([
    [1, "one"],
    [2, "two"],
  ]);
  expect(replica.all("PRAGMA integrity_check")).toEqual([["ok"]]);
});

test("an empty database", async () => {
  const server = openOffline();
  const replica = await server.replica("phone");
  await replica.sync();
  server.exec("CREATE TABLE t(v)");
  await replica.sync();
  expect(replica.all("SELECT * FROM t")).toEqual([]);
});

const FILL =
  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT i, randomblob(3000) FROM n";

test("only pages that differ are sent, and only those that may are compared", async () => {
  const server = openOffline();
  server.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
  server.exec(FILL);
  const replica = await server.replica("phone");
  server.exec("UPDATE t SET v = randomblob(3000) WHERE id = 150");
  let read = 0;
  const { database } = server;
  const readPages = database.readPages.bind(database);
  database.readPages = (snapshot, pageIds, target) => {
    read += pageIds.length;
    readPages(snapshot, pageIds, target);
  };
  await replica.sync();
  expect([replica.frames, read]).toEqual([1, 1]);
});

test("a database that has become shorter", async () => {
  const server = openOffline();
  server.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
  server.exec(FILL);
  const replica = await server.replica("phone");
  server.exec("DELETE FROM t WHERE id > 10");
  server.exec("VACUUM");
  await replica.sync();
  expect(replica.all("PRAGMA page_count")).toEqual(server.all("PRAGMA page_count"));
  expect(replica.all("PRAGMA integrity_check")).toEqual([["ok"]]);
  expect(replica.all("SELECT id, quote(v) FROM t")).toEqual(server.all("SELECT id, quote(v) FROM t"));
});

test("what is offered stays the same while it is downloaded, whatever is committed meanwhile", async () => {
  const server = openOffline();
  server.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
  const replica = await server.replica(
    "phone",
    async (request) => {
      const response = await server.send(request);
      if (request.url.endsWith("/1/17")) server.exec("INSERT INTO t VALUES(1000, 'meanwhile')");
      return response;
    },
    16,
  );
  server.exec(FILL);
  await replica.sync();
  expect(replica.all("SELECT count(*) FROM t")).toEqual([[301]]);
  expect(replica.all("PRAGMA integrity_check")).toEqual([["ok"]]);
});

test("where the server does not know what has changed, all is compared", async () => {
  const server = openOffline();
  server.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
  server.exec(FILL);
  const replica = await server.replica("phone");
  server.exec("UPDATE t SET v = randomblob(3000) WHERE id = 150");
  const copy = copyOffline(server.path);
  rmSync(`${copy}-revisions`);
  const restarted = openOffline({ path: copy });
  const range = { generation: replica.generation, start: 1, end: 129 };
  const pulled = await restarted.replicas.pull(range);
  expect(pulled).toMatchObject({ type: "frames", body: { length: 4120 } });
});
