import { once } from "node:events";
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

for (const { name, start } of REMOTES) {
  test(`${name}, restored from a backup while a replica stays open and only reads`, async () => {
    let remote = await start();
    await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)");
    for (let id = 1; id <= 30; id++) await remote.query(`INSERT INTO t VALUES (${id}, 'kept')`);
    const backup = backUp(remote.file);
    for (let id = 31; id <= 40; id++) await remote.query(`INSERT INTO t VALUES (${id}, 'lost')`);
    await remote.query("UPDATE t SET body = 'lost' WHERE id = 5");
    const replica = await replicaOf(() => remote.url);
    await replica.pull();
    await remote.close();
    putBack(backup, remote.file);
    remote = await start(remote.file);
    for (let id = 200; id < 240; id++) await remote.query(`INSERT INTO t VALUES (${id}, 'later')`);
    await replica.pull();
    await expectSame(replica, remote);
  });
}

test("a push that begins while a pull asks its questions is not sent twice", async () => {
  const remote = await REMOTES[1].start();
  await remote.query("CREATE TABLE log (line TEXT)");
  await remote.query("CREATE TABLE t (a)");
  const path = join(temporaryDirectory(), "replica.db");
  await (await openReplica({ path, url: remote.url })).close();
  await remote.query("INSERT INTO t VALUES (1)");
  const network = new EventTarget();
  const asked = once(network, "asked");
  const held = once(network, "batch");
  const pulled = once(network, "pulled");
  const slow: typeof fetch = async (input, init) => {
    const isPull = String(input instanceof Request ? input.url : input).includes("pull-updates");
    if (isPull) {
      network.dispatchEvent(new Event("asked"));
      await held;
      const answer = await fetch(input, init);
      const bytes = await answer.arrayBuffer();
      network.dispatchEvent(new Event("pulled"));
      return new Response(bytes, { status: answer.status, headers: answer.headers });
    }
    const body = init?.body instanceof Uint8Array ? Buffer.from(init.body).toString() : String(init?.body);
    if (body.includes("BEGIN IMMEDIATE")) {
      network.dispatchEvent(new Event("batch"));
      await pulled;
    }
    return await fetch(input, init);
  };
  const replica = await replicaOf(remote.url, { path, fetch: slow });
  replica.db.exec("INSERT INTO log VALUES ('once')");
  const pull = replica.pull();
  await asked;
  await Promise.all([pull, replica.push()]);
  await replica.sync();
  expect(await remote.query("SELECT line FROM log")).toEqual([["once"]]);
});

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
