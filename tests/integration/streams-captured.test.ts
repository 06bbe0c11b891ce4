import { statSync } from "node:fs";
import { join } from "node:path";
import { decodeChangePackage } from "@tributary/core";
import { openReplica } from "@tributary/replica";
import {
  type CapturedDatabase,
  type CapturedDatabaseOptions,
  openCapturedDatabase,
} from "@tributary/streams";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { contentsOf } from "../support/contents.js";
import { startTributary } from "../support/remotes.js";
import { replicaOf } from "../support/replicas.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

function open(name: string, options: Partial<CapturedDatabaseOptions> = {}): CapturedDatabase {
  const path = join(temporaryDirectory(), `${name}.db`);
  const database = openCapturedDatabase({ path, name, database: { synchronous: "OFF" }, ...options });
  onTestFinished(() => database.close());
  return database;
}

/** Sends all there is from one to the other. Gives the number of packages. */
function send(from: CapturedDatabase, to: CapturedDatabase): number {
  const outbound = from.createOutboundStream({ to: to.site });
  const inbound = to.createInboundStream({ from: from.site });
  let count = 0;
  for (let made = outbound.next(); made !== undefined; made = outbound.next()) {
    inbound.apply(made.payload);
    made.ack();
    count++;
  }
  outbound.close();
  return count;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a first pair, and again after both were closed", () => {
  let here = open("here");
  let there = open("there");
  here.db.exec("CREATE TABLE note (id TEXT PRIMARY KEY, body TEXT); INSERT INTO note VALUES ('a', 'first')");
  expect(send(here, there)).toBeGreaterThan(0);
  expect(contentsOf(there.db)).toEqual(contentsOf(here.db));
  expect(here.site).toMatch(/^here-[0-9a-f]{32}$/);
  const sites = [here.site, there.site];
  here.close();
  there.close();

  here = open("here", { path: here.path });
  there = open("there", { path: there.path });
  expect([here.site, there.site]).toEqual(sites);
  expect(send(here, there)).toBe(0);
  here.db.exec("UPDATE note SET body = 'second'");
  expect(send(here, there)).toBe(1);
  expect(contentsOf(there.db)).toEqual(contentsOf(here.db));
  expect(here.peers()).toMatchObject([{ name: there.site, isBehind: false }]);
  here.forgetPeer(there.site);
  expect(here.peers()).toEqual([]);
});

test("one process has it, and a replica's file is another thing", async () => {
  const database = open("here");
  expect(() => openCapturedDatabase({ path: database.path })).toThrow(
    expect.objectContaining({ code: "replica-in-use" }),
  );
  database.db.exec("CREATE TABLE t (a)");
  database.close();
  database.close();
  expect(() => database.createOutboundStream()).toThrow(expect.objectContaining({ code: "invalid-state" }));
  openCapturedDatabase({ path: database.path }).close();
  await expect(openReplica({ path: database.path, url: null })).rejects.toMatchObject({
    code: "not-a-replica",
  });

  const replica = await replicaOf((await startTributary()).url);
  await replica.close();
  expect(() => openCapturedDatabase({ path: replica.path })).toThrow(
    expect.objectContaining({ code: "invalid-state" }),
  );
  // Nothing of it was kept open or changed.
  await (await openReplica({ path: replica.path, url: null })).close();
});

test("a database that was there before, of another page size, is captured from now on", () => {
  const path = join(temporaryDirectory(), "old.db");
  const plain = new Database(path);
  plain.exec("PRAGMA page_size = 8192; CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
  plain.close();
  const database = open("old", { path });
  database.db.exec("INSERT INTO t VALUES (2)");
  const copy = open("copy");
  send(database, copy);
  expect(copy.db.prepare("SELECT a FROM t").pluck().all()).toEqual([1, 2]);
});

test("tells of each commit once, after its statement, whoever made it", async () => {
  const here = open("here");
  const there = open("there");
  let [ofHere, ofThere] = [0, 0];
  here.onCommit(() => void ofHere++);
  const end = there.onCommit(() => void ofThere++);
  here.db.exec("CREATE TABLE note (id TEXT PRIMARY KEY)");
  here.db.transaction(() => {
    here.db.exec("INSERT INTO note VALUES ('a')");
    here.db.exec("INSERT INTO note VALUES ('b')");
  })();
  expect(ofHere).toBe(0);
  await turn();
  expect(ofHere).toBe(2);
  expect(send(here, there)).toBe(1);
  await turn();
  expect(ofThere).toBe(1);
  end();
  there.db.exec("INSERT INTO note VALUES ('c')");
  await turn();
  expect(ofThere).toBe(1);
});

test("transactions still end where they did after it was closed", () => {
  const first = open("here");
  first.db.exec("CREATE TABLE note (id INTEGER PRIMARY KEY, body TEXT)");
  for (let id = 0; id < 3; id++) {
    first.db.prepare("INSERT INTO note VALUES (?, ?), (?, ?)").run(2 * id, "x", 2 * id + 1, "y");
  }
  first.close();
  const again = open("here", { path: first.path });
  again.db.exec("INSERT INTO note VALUES (100, 'z')");
  const stream = again.createOutboundStream({ since: "start", maxBytes: 1 });
  const packages = [];
  for (let made = stream.next(); made !== undefined; made = stream.next()) {
    packages.push([made.endsTransaction, decodeChangePackage(made.payload as Uint8Array).to]);
  }
  expect(packages.filter(([ends]) => ends).length).toBe(5);
});

test("a query that is iterated over keeps it from being closed, and it stays usable", () => {
  const here = open("here");
  here.db.exec("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)");
  const rows = here.db.prepare("SELECT a FROM t").iterate();
  rows.next();
  expect(() => here.close()).toThrow(expect.objectContaining({ code: "database-busy" }));
  rows.return?.();
  here.db.exec("INSERT INTO t VALUES (3)");
  expect(here.createOutboundStream().next()).toBeDefined();
  here.db.exec("BEGIN; INSERT INTO t VALUES (4)");
  here.close();
  const again = open("here", { path: here.path });
  expect(again.db.prepare("SELECT count(*) FROM t").pluck().get()).toBe(3);
});

test("its log stays short, however much is written", () => {
  const here = open("here");
  here.createOutboundStream({ to: "somebody", since: "now" });
  here.db.exec("CREATE TABLE t (a INTEGER PRIMARY KEY, b)");
  const insert = here.db.prepare("INSERT INTO t VALUES (?, zeroblob(4000))");
  for (let index = 0; index < 2_500; index++) insert.run(index);
  expect(statSync(`${here.path}-wal`).size).toBeLessThan(6 * 1024 * 1024);
});

test("a tape that no stream reads does not grow without bound", () => {
  const here = open("here", { retention: { maxChanges: 100 } });
  here.db.exec("CREATE TABLE t (a INTEGER PRIMARY KEY)");
  const insert = here.db.prepare("INSERT INTO t VALUES (?)");
  for (let index = 0; index < 600; index++) insert.run(index);
  const length = here.db.prepare("SELECT count(*) FROM tributary_tape").pluck();
  expect(length.get()).toBeLessThan(400);
  expect(length.get()).toBeGreaterThanOrEqual(100);
  const outbound = here.createOutboundStream({ since: 1 });
  expect(() => outbound.next()).toThrow(expect.objectContaining({ code: "stream-behind" }));
});
