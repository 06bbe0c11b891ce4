import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { copyOffline } from "./support/copy-offline.js";
import type { LibsqlReplica, Send } from "./support/libsql-replica.js";
import { type OfflineHarness, openOffline } from "./support/open-offline.js";

const LOG = "SELECT entry FROM log ORDER BY entry";

const entriesOf = (from: OfflineHarness | LibsqlReplica): unknown[] => from.all(LOG).flat();

/** A replica, and copies of all that the server has: as it was when the replica began, and as it is two pushes later. */
async function openTimes(): Promise<{
  replica: LibsqlReplica;
  before: string;
  after: string;
  lead: (path: string) => OfflineHarness;
}> {
  const server = openOffline();
  server.exec("CREATE TABLE log(entry)");
  const way: { send: Send } = { send: server.send };
  const replica = await server.replica("phone", (request) => way.send(request));
  replica.exec("INSERT INTO log VALUES('first')");
  await replica.sync();
  await replica.sync();
  const before = copyOffline(server.path);
  for (const entry of ["second", "third"]) {
    replica.exec(`INSERT INTO log VALUES('${entry}')`);
    await replica.sync();
    await replica.sync();
  }
  const after = copyOffline(server.path);
  const lead = (path: string): OfflineHarness => {
    const restarted = openOffline({ path });
    way.send = restarted.send;
    return restarted;
  };
  return { replica, before, after, lead };
}

async function expectSame(server: OfflineHarness, replica: LibsqlReplica, entries: string[]): Promise<void> {
  for (let round = 0; round < 3; round++) await replica.sync();
  expect(entriesOf(server)).toEqual(entries);
  expect(entriesOf(replica)).toEqual(entries);
  expect(replica.all("PRAGMA integrity_check")).toEqual([["ok"]]);
}

/** Puts what belongs to a database in the place of what is there, as a restore does. */
function putBranches(from: string, to: string): void {
  rmSync(`${to}-offline`, { recursive: true });
  execFileSync("cp", ["-rp", `${from}-offline`, `${to}-offline`]);
}

test("a server that is restored with all it had: a replica that is ahead is told so, and sends what is missing", async () => {
  const { replica, before, lead } = await openTimes();
  const server = lead(before);
  await expect(replica.sync()).rejects.toThrow(/PullFrame\(410, .*write something/);
  expect(entriesOf(server)).toEqual(["first"]);
  replica.exec("INSERT INTO log VALUES('fourth')");
  await expectSame(server, replica, ["first", "fourth", "second", "third"]);
});

test("a database that is restored without what is kept for its replicas", async () => {
  const { replica, before, after, lead } = await openTimes();
  putBranches(after, before);
  const server = lead(before);
  await expectSame(server, replica, ["first"]);
  replica.exec("INSERT INTO log VALUES('fourth')");
  await expectSame(server, replica, ["first", "fourth"]);
});

test("another database in the place of the one that there was", async () => {
  const { replica, after, lead } = await openTimes();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(after + suffix, { force: true });
  const other = new Database(after);
  other.exec("CREATE TABLE other(v); CREATE TABLE log(entry); INSERT INTO log VALUES('of another one')");
  other.close();
  const server = lead(after);
  replica.exec("INSERT INTO log VALUES('fourth')");
  await expectSame(server, replica, ["fourth", "of another one"]);
});

test("what is kept for replicas is restored without the database: what was merged is not merged again", async () => {
  const { replica, before, after, lead } = await openTimes();
  putBranches(before, after);
  const server = lead(after);
  replica.exec("INSERT INTO log VALUES('fourth')");
  await expect(replica.sync()).rejects.toThrow(/PushFrame\(503, .*damaged.*keep a copy/);
  expect(entriesOf(server)).toEqual(["first", "second", "third"]);
  const anew = await server.replica("phone");
  anew.exec("INSERT INTO log VALUES('fourth')");
  await expectSame(server, anew, ["first", "fourth", "second", "third"]);
});

test("what is kept for replicas is gone", async () => {
  const { replica, after, lead } = await openTimes();
  rmSync(`${after}-offline`, { recursive: true });
  const server = lead(after);
  replica.exec("INSERT INTO log VALUES('fourth')");
  await expect(replica.sync()).rejects.toThrow(/PushFrame\(404, .*Keep a copy/);
  expect(entriesOf(server)).toEqual(["first", "second", "third"]);
});

test.each(["killed", "closed"])(
  "in strict mode, a server that was %s takes what is pushed after that",
  async (end) => {
    const server = openOffline();
    server.exec("CREATE TABLE log(entry)");
    const way: { send: Send } = { send: server.send };
    const replica = await server.replica(undefined, (request) => way.send(request));
    replica.exec("INSERT INTO log VALUES('first')");
    await replica.sync();
    if (end === "closed") server.database.close();
    const restarted = openOffline({ path: end === "closed" ? server.path : copyOffline(server.path) });
    way.send = restarted.send;
    replica.exec("INSERT INTO log VALUES('second')");
    await replica.sync();
    expect(entriesOf(restarted)).toEqual(["first", "second"]);
  },
);
