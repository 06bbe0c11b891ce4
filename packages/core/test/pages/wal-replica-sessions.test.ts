import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { parseWalHeader } from "../../src/sqlite-format/wal-header.js";
import { dump } from "./support/dump.js";
import { remoteDump, rows, SCHEMA } from "./support/item-table.js";
import { RemoteDatabase } from "./support/remote-database.js";
import { TestReplica } from "./support/test-replica.js";

describe("undoing a publish", () => {
  it("restores both states", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    replica.app.exec(`DELETE FROM item WHERE id < 20; CREATE TABLE mine (x); ${rows(100, 900)}`);
    replica.settle();
    replica.app.exec("UPDATE item SET body = 'later' WHERE id > 950");
    const local = dump(replica.app);
    for (const change of ["DELETE FROM item WHERE id > 5; VACUUM", rows(900)]) {
      const reader = new Database(replica.path);
      expect(dump(reader)).toBe(local);
      remote.exec(change);
      const plan = replica.publish(remote.bytes());
      expect(dump(reader)).toBe(remoteDump(remote));
      replica.undo(plan);
      expect(dump(reader)).toBe(local);
      expect(dump(replica.app)).toBe(local);
      reader.close();
      replica.check();
    }
    replica.checkpoint();
    expect(dump(replica.app)).toBe(local);
    replica.check();
    replica.pull(remote.bytes());
    expect(dump(replica.app)).toBe(remoteDump(remote));
    replica.check();
  });

  it("works from an empty log", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    const local = dump(replica.app);
    remote.exec(`CREATE TABLE more (x); ${rows(500)}`);
    replica.undo(replica.publish(remote.bytes()));
    expect(dump(replica.app)).toBe(local);
    replica.check();
  });
});

describe("the log between sessions", () => {
  it("is closed and opened again", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    for (let round = 0; round < 4; round++) {
      replica.app.exec(`UPDATE item SET body = 'local ${round}' WHERE id % 7 = ${round}`);
      const local = dump(replica.app);
      replica.close();
      expect(existsSync(`${replica.path}-wal`)).toBe(false);
      replica.open();
      expect(dump(replica.app)).toBe(local);
      replica.check();
    }
    remote.exec("DELETE FROM item WHERE id = 3");
    replica.pull(remote.bytes());
    expect(existsSync(`${replica.path}-revert`)).toBe(false);
    expect(dump(replica.app)).toBe(remoteDump(remote));
    replica.check();
  });

  it("may be restarted by SQLite once it is checkpointed", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    replica.app.exec("UPDATE item SET body = 'one' WHERE id = 1");
    replica.settle();
    replica.run(replica.pages.renewGuard());
    replica.app.pragma("wal_checkpoint(PASSIVE)");
    // The guard reads the database file alone now, so the next writer may begin the log anew.
    replica.run(replica.pages.renewGuard());
    replica.app.exec("UPDATE item SET body = 'two' WHERE id = 190");
    const header = parseWalHeader(readFileSync(`${replica.path}-wal`));
    expect(header?.salt1).toBe(((replica.saved.watermark?.salt1 ?? 0) + 1) >>> 0);
    const after = replica.crashed();
    replica.check();
    after.open();
    after.check();
    for (const each of [replica, after]) {
      each.settle();
      each.check();
      remote.exec("UPDATE item SET body = 'r' WHERE id = 2");
      each.pull(remote.bytes());
      expect(dump(each.app)).toBe(remoteDump(remote));
      each.check();
    }
  });

  it("may be restarted, and be published to before anybody writes", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    replica.app.exec("UPDATE item SET body = 'one' WHERE id = 1");
    replica.settle();
    replica.sql.executeSql("guard", "COMMIT");
    expect(replica.app.pragma("wal_checkpoint(RESTART)", { simple: true })).toBe(0);
    replica.sql.executeSql("guard", "BEGIN");
    remote.exec("DELETE FROM item WHERE id = 5");
    replica.pull(remote.bytes());
    expect(dump(replica.app)).toBe(remoteDump(remote));
    replica.check();
  });

  // What a process leaves that dies in the middle of a checkpoint, while some reader keeps the log's index: the index says
  // that the log begins anew, the file still has the old one. SQLite counts generations per connection, and one that has
  // seen none takes salts at random.
  it("may be begun anew with any salts while the guard stands", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    replica.app.exec("UPDATE item SET body = 'one' WHERE id = 1");
    replica.settle();
    replica.sql.executeSql("guard", "COMMIT");
    const log = readFileSync(`${replica.path}-wal`);
    replica.sql.executeSql("writer", "PRAGMA wal_checkpoint(TRUNCATE)");
    writeFileSync(`${replica.path}-wal`, log);
    replica.sql.executeSql("guard", "BEGIN");
    replica.run(replica.pages.renewGuard());
    replica.app.exec("UPDATE item SET body = 'two' WHERE id = 190");
    const header = parseWalHeader(readFileSync(`${replica.path}-wal`));
    expect(header?.salt1).not.toBe(((replica.saved.watermark?.salt1 ?? 0) + 1) >>> 0);
    replica.check();
    remote.exec("DELETE FROM item WHERE id = 5");
    replica.pull(remote.bytes());
    expect(dump(replica.app)).toBe(remoteDump(remote));
    replica.check();
  });

  it("is not checkpointed past the guard", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    remote.exec("DELETE FROM item WHERE id = 5");
    replica.pull(remote.bytes());
    replica.app.exec("UPDATE item SET body = 'local'");
    const other = new Database(replica.path, { timeout: 0 });
    for (const mode of ["PASSIVE", "FULL", "RESTART", "TRUNCATE"]) other.pragma(`wal_checkpoint(${mode})`);
    other.close();
    replica.check();
  });

  it("stays when something was written after it was settled", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    replica.app.exec("UPDATE item SET body = 'local' WHERE id = 1");
    replica.settle();
    replica.app.exec("UPDATE item SET body = 'local' WHERE id = 150");
    expect(replica.run(replica.pages.checkpoint())).toEqual(replica.saved);
    replica.check();
  });

  it("stays when a reader is busy on it", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    replica.app.exec("UPDATE item SET body = 'local' WHERE id = 1");
    const reader = new Database(replica.path);
    reader.exec("BEGIN; SELECT * FROM item");
    reader.prepare("SELECT count(*) FROM item").get();
    replica.app.exec("UPDATE item SET body = 'local' WHERE id = 2");
    replica.checkpoint();
    expect(replica.saved.watermark).toBeDefined();
    replica.check();
    reader.close();
    replica.checkpoint();
    expect(replica.saved.watermark).toBeUndefined();
    replica.check();
  });
});

describe("damage", () => {
  it("tells a foreign writer", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    replica.app.exec("UPDATE item SET body = 'local' WHERE id = 1");
    replica.settle();
    const after = replica.crashed();
    const foreign = new Database(after.path);
    foreign.exec("UPDATE item SET body = 'foreign' WHERE id = 100");
    foreign.close();
    const second = new Database(after.path);
    second.exec("UPDATE item SET body = 'foreign' WHERE id = 101");
    expect(() => after.open()).toThrow(expect.objectContaining({ code: "foreign-writer" }));
    second.close();
  });

  it("tells a checkpoint that took the touched frames away", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    replica.app.exec("UPDATE item SET body = 'local' WHERE id = 1");
    replica.check();
    replica.sql.executeSql("guard", "COMMIT");
    replica.app.pragma("wal_checkpoint(TRUNCATE)");
    replica.sql.executeSql("guard", "BEGIN");
    expect(() => replica.settle()).toThrow(expect.objectContaining({ code: "foreign-writer" }));
  });

  it("tells a log that lost its durable end", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    replica.app.exec("UPDATE item SET body = 'local'");
    replica.settle();
    const after = replica.crashed();
    truncateSync(`${after.path}-wal`, statSync(`${after.path}-wal`).size - 10);
    expect(() => after.open()).toThrow(expect.objectContaining({ code: "damaged-file" }));
  });

  it("drops what is torn behind the saved records, not the records", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    replica.app.exec("UPDATE item SET body = 'local' WHERE id < 20");
    replica.settle();
    const { saved } = replica;
    const size = statSync(`${replica.path}-revert`).size;
    replica.app.exec("UPDATE item SET body = 'local' WHERE id > 150");
    replica.settle(false);
    expect(statSync(`${replica.path}-revert`).size).toBeGreaterThan(size + 5000);

    const torn = replica.crashed(saved);
    truncateSync(`${torn.path}-revert`, size + 5000);
    torn.open();
    torn.check();
    torn.settle();
    torn.check();
    torn.close();
    torn.open().check();

    const damaged = replica.crashed(saved);
    const bytes = readFileSync(`${damaged.path}-revert`);
    bytes[size - 10] = (bytes[size - 10] as number) ^ 1;
    writeFileSync(`${damaged.path}-revert`, bytes);
    expect(() => damaged.open()).toThrow(expect.objectContaining({ code: "damaged-file" }));
    expect(() => damaged.crashed({ ...saved, revertId: "00-1" }).open()).toThrow(
      expect.objectContaining({ code: "damaged-file" }),
    );
  });

  it("ignores a revert file that the metadata does not name", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    replica.app.exec("UPDATE item SET body = 'local' WHERE id < 20");
    const { saved } = replica;
    replica.settle(false);
    const after = replica.crashed(saved).open();
    expect(after.run(after.pages.revertBytes())).toBe(0);
    after.check();
    after.settle();
    after.check();
  });
});
