import { copyFileSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openReplica } from "@tributary/replica";
import { expect, test } from "vitest";
import { contentsOf } from "../support/contents.js";
import { REMOTES, type Remote } from "../support/remotes.js";
import { type Replica, replicaOf, rows } from "../support/replicas.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const SUFFIXES = ["", "-wal", "-revisions"];

/** Copies a server's database while nobody writes to it. */
function backUp(file: string): string {
  const backup = join(temporaryDirectory(), "backup");
  for (const suffix of SUFFIXES) if (existsSync(file + suffix)) copyFileSync(file + suffix, backup + suffix);
  return backup;
}

function putBack(backup: string, file: string): void {
  for (const suffix of [...SUFFIXES, "-shm", "-tshm"]) rmSync(file + suffix, { force: true });
  for (const suffix of SUFFIXES)
    if (existsSync(backup + suffix)) copyFileSync(backup + suffix, file + suffix);
}

const allRows = "SELECT id, body FROM t ORDER BY id";

async function expectSame(replica: Replica, remote: Remote): Promise<void> {
  expect(rows(replica, allRows)).toEqual(
    (await remote.query(allRows)).map(([id, body]) => [Number(id), body]),
  );
  expect(replica.db.pragma("integrity_check", { simple: true })).toBe("ok");
}

for (const { name, start } of REMOTES) {
  test.each([
    ["pulls before anything else happens", 0, "pull"],
    ["pulls when the server has gone on", 60, "pull"],
    ["pushes before anything else happens", 0, "push"],
    ["pushes when the server has gone on", 60, "push"],
  ] as const)(
    `${name}, restored from a backup: a replica that had pushed %s`,
    async (_what, further, first) => {
      let remote = await start();
      await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)");
      const filler = "x".repeat(300);
      for (let id = 1; id <= 20; id++) await remote.query(`INSERT INTO t VALUES (${id}, 'kept ${filler}')`);
      const replica = await replicaOf(() => remote.url);
      const backup = backUp(remote.file);
      replica.db.exec("INSERT INTO t VALUES (100, 'pushed, then lost by the server')");
      for (let id = 21; id <= 60; id++) await remote.query(`INSERT INTO t VALUES (${id}, 'lost ${filler}')`);
      await replica.sync();
      replica.db.exec("INSERT INTO t VALUES (101, 'not pushed yet')");
      await remote.close();
      putBack(backup, remote.file);
      remote = await start(remote.file);
      for (let id = 200; id < 200 + further; id++) {
        await remote.query(`INSERT INTO t VALUES (${id}, 'later ${filler}')`);
      }
      await (first === "pull" ? replica.pull() : replica.push());
      await replica.sync();
      await expectSame(replica, remote);
      expect(rows(replica, "SELECT count(*) FROM t WHERE id = 101")).toEqual([[1]]);
      expect(rows(replica, "SELECT count(*) FROM t WHERE body LIKE 'lost%'")).toEqual([[0]]);
      expect((await replica.stats()).pendingChanges).toBe(0);
    },
  );

  test(`${name}, replaced by an empty one: what was not pushed is pushed, the rest follows the server`, async () => {
    let remote = await start();
    await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)");
    await remote.query("INSERT INTO t VALUES (1, 'theirs')");
    const replica = await replicaOf(() => remote.url);
    replica.db.exec("INSERT INTO t VALUES (2, 'mine')");
    await remote.close();
    remote = await start();
    await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)");
    await replica.sync();
    await expectSame(replica, remote);
    expect(rows(replica, allRows)).toEqual([[2, "mine"]]);
  });
}

for (const { name, start } of REMOTES) {
  test.each([0, 1, 40])(
    `${name}, restored from a backup, %s rows further: a replica that only reads`,
    async (further) => {
      let remote = await start();
      await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)");
      for (let id = 1; id <= 20; id++) await remote.query(`INSERT INTO t VALUES (${id}, 'kept')`);
      const backup = backUp(remote.file);
      for (let id = 21; id <= 40; id++) await remote.query(`INSERT INTO t VALUES (${id}, 'lost')`);
      const path = join(temporaryDirectory(), "replica.db");
      await (await openReplica({ path, url: remote.url })).close();
      await remote.close();
      putBack(backup, remote.file);
      remote = await start(remote.file);
      for (let id = 200; id < 200 + further; id++)
        await remote.query(`INSERT INTO t VALUES (${id}, 'later')`);
      const replica = await replicaOf(remote.url, { path });
      await replica.pull();
      await expectSame(replica, remote);
    },
  );
}

test("a server that is replaced by one of another's data is followed as it is", async () => {
  const [tributary] = REMOTES;
  let remote = await tributary.start();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)");
  const replica = await replicaOf(() => remote.url);
  await remote.close();
  remote = await tributary.start();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)");
  await remote.query("CREATE TABLE other (a)");
  await remote.query("INSERT INTO other VALUES (1)");
  await replica.sync();
  expect(contentsOf(replica.db)).toEqual({ other: ["integer:1"], t: [] });
});
