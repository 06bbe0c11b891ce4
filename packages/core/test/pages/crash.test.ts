import { describe, expect, it } from "vitest";
import { answer } from "../../src/coroutine/answer.js";
import type { Coroutine } from "../../src/coroutine/coroutine.js";
import type { FileHandle } from "../../src/ports/io-operations.js";
import type { PublishPlan } from "../../src/ports/replica-pages.js";
import { PAGE_SIZE } from "../../src/values/page.js";
import { dump } from "./support/dump.js";
import { remoteDump } from "./support/item-table.js";
import { changedPages, RemoteDatabase, withoutCount } from "./support/remote-database.js";
import { TestReplica } from "./support/test-replica.js";

const SCHEMA = `CREATE TABLE item (id INTEGER PRIMARY KEY, body TEXT);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
  INSERT INTO item SELECT i, hex(zeroblob(150)) FROM n;`;
const LOCAL_WRITES = `DELETE FROM item WHERE id < 60; CREATE TABLE mine (x, y); INSERT INTO mine VALUES (1, 2);
  UPDATE item SET body = 'local' WHERE id % 50 = 0`;

/**
 * Runs a procedure and stops it, as a crash does, before each of its requests, and in the middle of each write: hands
 * what is on the disk then to `inspect`.
 */
function crashEverywhere<T>(
  replica: TestReplica,
  procedure: Coroutine<T>,
  inspect: (crashed: TestReplica) => void,
): T {
  let step = procedure.next();
  while (!step.done) {
    inspect(replica.crashed());
    if (step.value.method === "writeAt") {
      const [file, offset, bytes] = step.value.args as [FileHandle, number, Uint8Array];
      if (bytes.length > 1) {
        replica.ports.writeAt(file, offset, bytes.subarray(0, bytes.length >>> 1));
        inspect(replica.crashed());
      }
    }
    const { failed, value } = answer(replica.ports, step.value);
    step = failed ? procedure.throw(value) : procedure.next(value);
  }
  inspect(replica.crashed());
  return step.value;
}

/** A replica with saved and unsaved touched pages, in a log of several commits. */
function prepare(): { replica: TestReplica; remote: RemoteDatabase; local: string } {
  const remote = new RemoteDatabase(SCHEMA);
  const replica = TestReplica.create(remote.bytes());
  replica.app.exec("UPDATE item SET body = 'settled' WHERE id = 200");
  replica.settle();
  replica.app.exec(LOCAL_WRITES);
  return { replica, remote, local: dump(replica.app) };
}

describe("a crash at every request", () => {
  it("of settle keeps both states", () => {
    const { replica, local } = prepare();
    const inspect = (crashed: TestReplica): void => {
      crashed.open().check();
      expect(dump(crashed.app)).toBe(local);
      crashed.settle();
      crashed.check();
      crashed.close();
      crashed.open().check();
      expect(dump(crashed.app)).toBe(local);
      crashed.close();
    };
    replica.sql.tryBeginWrite();
    replica.saved = crashEverywhere(replica, replica.pages.settle(), inspect);
    replica.sql.executeSql("writer", "ROLLBACK");
    inspect(replica.crashed());
  });

  it("of checkpoint keeps both states", () => {
    const { replica, local } = prepare();
    replica.settle();
    const inspect = (crashed: TestReplica): void => {
      crashed.open().check();
      expect(dump(crashed.app)).toBe(local);
      crashed.close();
    };
    replica.saved = crashEverywhere(replica, replica.pages.checkpoint(), inspect);
    expect(replica.saved.watermark).toBeUndefined();
    inspect(replica.crashed());
  });

  it("of publish leaves either state whole, and a way to tell", () => {
    const { replica, remote, local } = prepare();
    remote.exec("DELETE FROM item WHERE id > 100; CREATE TABLE theirs (x); VACUUM");
    const after = remote.bytes();
    const databaseSize = after.length / PAGE_SIZE;
    const changes = changedPages(replica.base, after);
    replica.sql.tryBeginWrite();
    const plan = replica.run(replica.pages.planPublish(changes, databaseSize));
    const seen = new Set<boolean>();
    const inspect = (crashed: TestReplica): void => {
      crashed.open();
      const published = crashed.run(crashed.pages.isPublished(plan));
      seen.add(published);
      if (published) {
        expect(dump(crashed.app)).not.toBe(local);
        crashed.adopt(plan, after);
      } else expect(dump(crashed.app)).toBe(local);
      crashed.check();
      crashed.close();
    };
    crashEverywhere(replica, replica.pages.publish(plan, changes, databaseSize), inspect);
    replica.sql.executeSql("writer", "ROLLBACK");
    expect([...seen]).toEqual([false, true]);
  });

  it("of laying over leaves either state whole, and both with the metadata of before", () => {
    const { replica, remote } = prepare();
    remote.exec("DELETE FROM item WHERE id > 100; CREATE TABLE theirs (x); VACUUM");
    replica.pull(remote.bytes());
    replica.app.exec("CREATE TABLE own (x); INSERT INTO own VALUES (1)");
    replica.run(replica.pages.markRest());
    const before = dump(replica.app);
    remote.exec("UPDATE item SET body = substr(body, 1, length(body) - 1) || 'x' WHERE id = 50");
    const after = withoutCount(replica.base, remote.bytes());
    const changes = changedPages(replica.base, after);
    const seen = new Set<string>();
    const inspect = (crashed: TestReplica): void => {
      crashed.open().check();
      seen.add(dump(crashed.app));
      crashed.app.exec("UPDATE item SET body = 'local' WHERE id IN (1, 50)");
      crashed.settle();
      crashed.check();
      crashed.pull(after);
      expect(dump(crashed.app)).toBe(remoteDump(remote));
      crashed.check();
      crashed.close();
    };
    replica.sql.tryBeginWrite();
    const laying = replica.pages.layOver(changes, after.length / PAGE_SIZE);
    const synced = crashEverywhere(replica, laying, inspect);
    replica.sql.executeSql("writer", "ROLLBACK");
    if (synced === undefined) throw new Error("It was not laid over.");
    crashEverywhere(replica, replica.pages.follow(synced), inspect);
    replica.base = after;
    replica.check();
    expect([...seen]).toEqual([before, dump(replica.app)]);
  });

  it("of an undo leaves either state whole", () => {
    const { replica, remote, local } = prepare();
    remote.exec("DELETE FROM item WHERE id > 100; CREATE TABLE theirs (x); VACUUM");
    const plan = replica.publish(remote.bytes());
    const published = dump(replica.app);
    const inspect = (crashed: TestReplica): void => {
      crashed.open();
      expect([local, published]).toContain(dump(crashed.app));
      crashed.check();
      crashed.close();
    };
    replica.sql.tryBeginWrite();
    replica.saved = crashEverywhere(replica, replica.pages.undoPublish(plan), inspect);
    replica.sql.executeSql("writer", "ROLLBACK");
    expect(dump(replica.app)).toBe(local);
    inspect(replica.crashed());
  });
});

describe("a checkpoint by the last reader after a crash", () => {
  const publishThenCheckpoint = (
    replay: boolean,
  ): { crashed: TestReplica; plan: PublishPlan; after: Uint8Array } => {
    const { replica, remote } = prepare();
    remote.exec("DELETE FROM item WHERE id > 100");
    const after = remote.bytes();
    const plan = replica.publish(after);
    if (replay) replica.app.exec("CREATE TABLE tape (x)");
    const { saved } = replica;
    replica.sql.closeConnections();
    return { crashed: replica.crashed(saved), plan, after };
  };

  it("does not hide a publish that has to be replayed", () => {
    const { crashed, plan, after } = publishThenCheckpoint(false);
    crashed.saved = { ...crashed.saved };
    crashed.open();
    expect(crashed.run(crashed.pages.isPublished(plan))).toBe(true);
    crashed.app.exec("UPDATE item SET body = 'replayed' WHERE id = 1");
    crashed.adopt(plan, after);
    crashed.check();
    crashed.settle();
    crashed.check();
  });

  it("is told when the replay was in the log too", () => {
    const { crashed, plan } = publishThenCheckpoint(true);
    crashed.open();
    expect(crashed.run(crashed.pages.isPublished(plan))).toBe(true);
    expect(() => crashed.run(crashed.pages.adopt(plan))).toThrow(
      expect.objectContaining({ code: "foreign-writer" }),
    );
  });
});
