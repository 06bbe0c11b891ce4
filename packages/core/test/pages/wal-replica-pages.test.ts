import { readFileSync, statSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import type { FrameIndex } from "../../src/pages/frame-index.js";
import { WalLog } from "../../src/pages/wal-log.js";
import { localFirstPage } from "../../src/sqlite-format/database-header.js";
import { WalChecksum } from "../../src/sqlite-format/wal-checksum.js";
import { FRAME_SIZE, frameOffset, sealFrame } from "../../src/sqlite-format/wal-frame.js";
import { formatWalHeader, parseWalHeader } from "../../src/sqlite-format/wal-header.js";
import { PAGE_SIZE } from "../../src/values/page.js";
import { dump } from "./support/dump.js";
import { remoteDump, rows, SCHEMA } from "./support/item-table.js";
import { changedPages, pagesOf, RemoteDatabase, withoutCount } from "./support/remote-database.js";
import { TestReplica } from "./support/test-replica.js";

/** Changes the last letter: rows and index entries stay where they are. */
const ENDING_IN = "body = substr(body, 1, length(body) - 1) || ";

describe("publishing", () => {
  it("shows the new state to open connections and their prepared statements", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    const other = new Database(replica.path);
    const statement = other.prepare("SELECT * FROM item WHERE id = 7");
    const count = replica.app.prepare("SELECT count(*) FROM item").pluck();
    expect([statement.all().length, count.get()]).toEqual([1, 200]);

    replica.app.exec("DELETE FROM item WHERE id % 2 = 0; CREATE TABLE mine (x)");
    remote.exec(
      `DELETE FROM item WHERE id = 7; ALTER TABLE item ADD COLUMN extra DEFAULT 5; ${"DELETE FROM item WHERE id > 150"}`,
    );
    replica.pull(remote.bytes());

    expect(statement.all()).toEqual([]);
    expect(count.get()).toBe(150);
    expect(other.prepare("SELECT extra FROM item WHERE id = 8").pluck().get()).toBe(5);
    expect(dump(replica.app)).toBe(remoteDump(remote));
    replica.check();
    replica.app.exec("INSERT INTO item (id, body) VALUES (7, 'mine')");
    expect(statement.all()).toEqual([{ id: 7, body: "mine", extra: 5 }]);
    replica.check();
    other.close();
  });

  it.each(["published", "laid over"])(
    "is not hidden by what a connection has read before, when %s",
    (how) => {
      const { remote, replica } = atRest();
      const count = "SELECT count(*) FROM item WHERE body LIKE '%1'";
      const connections = ["writer", "guard"] as const;
      const before = connections.map((name) => replica.sql.querySql(name, count));
      remote.exec(`UPDATE item SET ${ENDING_IN}'1' WHERE id % 20 = 0`);
      const after = withoutCount(replica.base, remote.bytes());
      if (how === "published") replica.pull(after);
      else expect(replica.layOver(after)).toBe(true);
      replica.run(replica.pages.renewGuard());
      const now = connections.map((name) => replica.sql.querySql(name, count));
      expect(now).toEqual([[[10]], [[10]]]);
      expect(before).toEqual([[[0]], [[0]]]);
      replica.check();
    },
  );

  it("leaves a reader inside a transaction its snapshot", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    const reader = new Database(replica.path);
    replica.app.exec("UPDATE item SET body = 'local' WHERE id < 50");
    reader.exec("BEGIN");
    const before = dump(reader);
    remote.exec("DELETE FROM item WHERE id < 100");
    replica.pull(remote.bytes());
    remote.exec("UPDATE item SET body = 'again'");
    replica.pull(remote.bytes());
    expect(dump(reader)).toBe(before);
    reader.exec("COMMIT");
    expect(dump(reader)).toBe(remoteDump(remote));
    reader.close();
    replica.check();
  });

  it("rolls back local writes when the remote brings nothing of page 1", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    replica.app.exec("UPDATE item SET body = body || 'x' WHERE id = 3");
    const base = remote.bytes();
    replica.pull(base, pagesOf(base, [3]));
    expect(dump(replica.app)).toBe(remoteDump(remote));
    replica.check();
  });

  it("fills a replica that has no pages yet", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create();
    replica.app.exec("CREATE TABLE tape (id INTEGER PRIMARY KEY); INSERT INTO tape VALUES (1)");
    replica.settle();
    replica.pull(remote.bytes());
    expect(dump(replica.app)).toBe(remoteDump(remote));
    replica.check();
  });

  it("begins a log where there is none", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    expect(statSync(`${replica.path}-wal`).size).toBe(0);
    remote.exec("UPDATE item SET body = 'new' WHERE id = 1");
    replica.pull(remote.bytes());
    expect(dump(replica.app)).toBe(remoteDump(remote));
    replica.check();
  });

  it("follows a remote that shrinks and grows", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    const states = [
      "DELETE FROM item WHERE id > 10; VACUUM",
      rows(300),
      "DELETE FROM item; VACUUM",
      rows(50),
    ];
    for (const state of states) {
      remote.exec(state);
      replica.app.exec(rows(20, 1000));
      replica.pull(remote.bytes());
      replica.check();
      expect(dump(replica.app)).toBe(remoteDump(remote));
      replica.checkpoint();
      expect(statSync(replica.path).size).toBe(remote.bytes().length);
      replica.check();
    }
  });

  it("keeps the synced pages that a local shrink cuts off", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    replica.app.exec("DELETE FROM item WHERE id > 10");
    replica.app.exec("VACUUM");
    replica.check();
    replica.checkpoint();
    expect(statSync(replica.path).size).toBeLessThan(remote.bytes().length);
    replica.check();
    replica.app.exec(rows(400));
    replica.checkpoint();
    replica.check();
    remote.exec("UPDATE item SET body = 'r' WHERE id = 199");
    replica.pull(remote.bytes());
    expect(dump(replica.app)).toBe(remoteDump(remote));
    replica.check();
  });

  it("appends to a log with big-endian checksums", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const first = TestReplica.create(remote.bytes());
    first.app.exec("UPDATE item SET body = 'local' WHERE id = 3");
    const local = dump(first.app);
    const replica = first.crashed();
    otherWordOrder(`${replica.path}-wal`);
    replica.open();
    expect(dump(replica.app)).toBe(local);
    replica.check();
    remote.exec("UPDATE item SET body = 'remote' WHERE id = 4");
    replica.pull(remote.bytes());
    expect(dump(replica.app)).toBe(remoteDump(remote));
    const after = replica.crashed().open();
    expect(dump(after.app)).toBe(remoteDump(remote));
    after.check();
  });

  it("overwrites frames that were never committed", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    replica.app.exec("UPDATE item SET body = 'local' WHERE id = 3");
    const committed = replica.run(replica.pages.logFrames());
    replica.app.pragma("cache_size = 5");
    replica.app.exec(`BEGIN; ${rows(500, 5000)}`);
    expect(statSync(`${replica.path}-wal`).size).toBeGreaterThan(frameOffset(committed + 10));
    expect(replica.run(replica.pages.logFrames())).toBe(committed);
    replica.app.exec("ROLLBACK");
    replica.check();
    remote.exec("UPDATE item SET body = 'remote' WHERE id = 4");
    const plan = replica.publish(remote.bytes());
    expect(plan.start.frames).toBe(committed);
    replica.adopt(plan, remote.bytes());
    expect(dump(replica.app)).toBe(remoteDump(remote));
    replica.check();
  });

  it("takes the first page back to the remote's bytes", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    for (let round = 0; round < 5; round++) {
      replica.app.exec(`CREATE TABLE local_${round} (x)`);
      remote.exec(`CREATE TABLE remote_${round} (x)`);
      replica.pull(remote.bytes());
      const first = replica.run(replica.pages.readSynced(1));
      expect(Buffer.from(first).equals(remote.bytes().subarray(0, PAGE_SIZE))).toBe(true);
    }
    expect(Number(replica.app.pragma("schema_version", { simple: true }))).toBeGreaterThan(10);
  });

  it("refuses a database that grew by pages that were not sent", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    const before = remote.bytes();
    remote.exec(rows(300, 300));
    const after = remote.bytes();
    const changes = changedPages(before, after);
    const numbers = [...changes.pageNumbers].slice(0, -1);
    expect(() => replica.publish(after, pagesOf(after, numbers))).toThrow(
      expect.objectContaining({ code: "invalid-page-stream" }),
    );
    replica.check();
  });

  it("appends nothing when a write fails, and tells from the log", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    replica.app.exec("UPDATE item SET body = 'local'");
    const local = dump(replica.app);
    remote.exec("UPDATE item SET body = 'remote'");
    const plan = replica.locked(() =>
      replica.pages.planPublish(
        changedPages(replica.base, remote.bytes()),
        remote.bytes().length / PAGE_SIZE,
      ),
    );
    const { syncFile } = replica.ports;
    replica.ports.syncFile = () => {
      throw new Error("disk");
    };
    expect(() => replica.publish(remote.bytes())).toThrow(expect.objectContaining({ code: "io-failed" }));
    replica.ports.syncFile = syncFile;
    expect(replica.run(replica.pages.isPublished(plan))).toBe(false);
    expect(dump(replica.app)).toBe(local);
    const later = replica.crashed().open();
    expect(dump(later.app)).toBe(local);
    later.check();
    replica.app.exec("UPDATE item SET body = 'local again' WHERE id = 1");
    replica.check();
    replica.pull(remote.bytes());
    expect(dump(replica.app)).toBe(remoteDump(remote));
    replica.check();
  });
});

describe("a commit that nobody counts", () => {
  /** Appends the synced images of the first pages as a commit of `frames` frames, without telling any connection. */
  const appendUnseen = (
    replica: TestReplica,
    frames: number,
    databaseSize: number,
    cookie?: number,
  ): void => {
    const log = new WalLog(`${replica.path}-wal`);
    replica.run(log.refresh());
    const { header, frames: end } = log.index as FrameIndex;
    const numbers = Array.from({ length: frames }, (_, index) => index + 1);
    replica.run(
      log.append(
        { salt1: header.salt1, salt2: header.salt2, frames: end },
        {
          images: [pagesOf(replica.base, numbers)],
          databaseSize,
          patchFirstPage: (image) => localFirstPage(image, cookie),
        },
      ),
    );
    replica.run(log.close());
  };

  it("is forgotten when SQLite overwrites it", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    replica.app.exec("UPDATE item SET body = 'local' WHERE id = 1");
    const frames = replica.run(replica.pages.logFrames());
    appendUnseen(replica, 2, replica.base.length / PAGE_SIZE);
    expect(replica.run(replica.pages.logFrames())).toBe(frames + 2);
    replica.app.exec("UPDATE item SET body = 'local' WHERE id > 100");
    replica.check();
    replica.settle();
    replica.check();
    remote.exec("DELETE FROM item WHERE id = 9");
    replica.pull(remote.bytes());
    expect(dump(replica.app)).toBe(remoteDump(remote));
    replica.check();
  });

  it("is not taken for a publish of the same size", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    replica.app.exec("UPDATE item SET body = 'local' WHERE id = 1");
    remote.exec("DELETE FROM item WHERE id = 9");
    const databaseSize = remote.bytes().length / PAGE_SIZE;
    const changes = changedPages(replica.base, remote.bytes());
    const plan = replica.locked(() => replica.pages.planPublish(changes, databaseSize));
    appendUnseen(replica, plan.end.frames - plan.start.frames, databaseSize);
    expect(replica.run(replica.pages.isPublished(plan))).toBe(false);
  });
});

/** A replica that a pull can be laid over. */
function atRest(): { remote: RemoteDatabase; replica: TestReplica } {
  const remote = new RemoteDatabase(SCHEMA);
  const replica = TestReplica.create(remote.bytes());
  remote.exec("CREATE TABLE more (x)");
  replica.pull(remote.bytes());
  replica.app.exec("CREATE TABLE own (x)");
  replica.run(replica.pages.markRest());
  return { remote, replica };
}

function writeAndSettle(replica: TestReplica): void {
  replica.app.exec(`UPDATE item SET ${ENDING_IN}'l' WHERE id = 100`);
  replica.settle();
}

/** Rewrites a log as a machine of the other word order would have written it. */
function otherWordOrder(path: string): void {
  const bytes = new Uint8Array(readFileSync(path));
  const header = parseWalHeader(bytes);
  if (header === undefined) throw new Error("no log");
  const fields = { ...header, bigEndianChecksums: !header.bigEndianChecksums };
  bytes.set(formatWalHeader(fields), 0);
  const { checksum1, checksum2 } = parseWalHeader(bytes) ?? header;
  const checksum = new WalChecksum(fields.bigEndianChecksums, checksum1, checksum2);
  const view = new DataView(bytes.buffer);
  for (let frame = 1; frameOffset(frame) + FRAME_SIZE <= bytes.length; frame++) {
    const at = frameOffset(frame);
    const frameFields = { pageNumber: view.getUint32(at), databaseSize: view.getUint32(at + 4) };
    sealFrame(bytes, at, frameFields, fields, checksum);
  }
  writeFileSync(path, bytes);
}

describe("laying over", () => {
  const laysOver = (replica: TestReplica, remote: RemoteDatabase): boolean =>
    replica.layOver(withoutCount(replica.base, remote.bytes()));

  it("takes one pull after another, over checkpoints too, and saves revert pages once", () => {
    const { remote, replica } = atRest();
    const revertIds = new Set<unknown>();
    for (let round = 0; round < 6; round++) {
      remote.exec(`UPDATE item SET ${ENDING_IN}'${round}' WHERE id = ${30 * round}`);
      expect(laysOver(replica, remote)).toBe(true);
      const body = replica.app.prepare("SELECT body FROM item WHERE id = ?").pluck();
      expect(body.get(30 * round)).toMatch(new RegExp(`${round}$`));
      replica.check();
      if (round % 2 === 1) replica.checkpoint();
      revertIds.add(replica.saved.revertId);
    }
    expect(revertIds.size).toBe(1);
  });

  it("rolls back what was written since, save for the replica's own tables", () => {
    const { remote, replica } = atRest();
    for (let round = 0; round < 3; round++) {
      remote.exec(`UPDATE item SET ${ENDING_IN}'r' WHERE id = ${30 * round}`);
      replica.app.exec(`UPDATE item SET ${ENDING_IN}'l' WHERE id IN (${30 * round}, ${30 * round + 100})`);
      replica.app.exec(`INSERT INTO own VALUES (${round})`);
      expect(laysOver(replica, remote)).toBe(true);
      replica.check();
      const changed = replica.app.prepare("SELECT id FROM item WHERE body LIKE '%l' ORDER BY id").all();
      expect(changed).toEqual([]);
      expect(replica.app.prepare("SELECT count(*) FROM own").pluck().get()).toBe(round + 1);
      // The metadata may be from before.
      const again = replica.crashed().open();
      again.settle();
      again.check();
    }
  });

  it("forgets its rest in a checkpoint that takes what was written since out of the log", () => {
    const { remote, replica } = atRest();
    replica.checkpoint();
    replica.app.exec(`UPDATE item SET ${ENDING_IN}'l' WHERE id = 100`);
    replica.checkpoint();
    remote.exec(`UPDATE item SET ${ENDING_IN}'r' WHERE id = 1`);
    expect(laysOver(replica, remote)).toBe(false);
    replica.check();
  });

  it.each([
    ["somebody has written to new pages", (replica: TestReplica) => replica.app.exec(rows(300, 1000)), ""],
    ["what was written has revert pages", writeAndSettle, ""],
    ["the database has grown", undefined, rows(300, 1000)],
    ["the schema is another one", undefined, "CREATE TABLE theirs (x)"],
  ])("is refused when %s", (_what, locally, remotely) => {
    const { remote, replica } = atRest();
    remote.exec(`UPDATE item SET ${ENDING_IN}'1' WHERE id = 1; ${remotely}`);
    locally?.(replica);
    const size = statSync(`${replica.path}-wal`).size;
    expect(laysOver(replica, remote)).toBe(false);
    expect(statSync(`${replica.path}-wal`).size).toBe(size);
    replica.check();
  });
});
