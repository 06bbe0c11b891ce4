import Database from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import type { EngineIo } from "../../src/ports/engine-io.js";
import { PAGE_SIZE } from "../../src/values/page.js";
import { rows, SCHEMA } from "./support/item-table.js";
import { RemoteDatabase } from "./support/remote-database.js";
import { TestReplica } from "./support/test-replica.js";

/** A connection of another program, which never checkpoints by itself. */
function connect(path: string): Database.Database {
  const db = new Database(path, { timeout: 0 });
  db.pragma("wal_autocheckpoint = 0");
  onTestFinished(() => {
    db.close();
  });
  return db;
}

/** Begins a reading transaction that stands on the present end of the log. */
function standingReader(path: string): Database.Database {
  const reader = connect(path);
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM sqlite_schema").get();
  return reader;
}

/**
 * What a checkpoint by another program leaves that died right after it: a reader of it keeps the log from starting anew.
 * `before` and `after`: what the other program writes before its checkpoint, behind the reader's back, and after it.
 */
function checkpointedElsewhere(crashed: TestReplica, { before = "", after = "" } = {}): TestReplica {
  standingReader(crashed.path);
  const other = connect(crashed.path);
  other.exec(before);
  other.pragma("wal_checkpoint(PASSIVE)");
  other.exec(after);
  return crashed.crashed();
}

function ask(replica: TestReplica): boolean {
  replica.open();
  return replica.locked(() => replica.pages.touchedPagesInFile());
}

/** A replica with touched pages in the revert file and behind the watermark. */
function touched(): TestReplica {
  const replica = TestReplica.create(new RemoteDatabase(SCHEMA).bytes());
  replica.app.exec("UPDATE item SET body = 'settled' WHERE id = 20");
  replica.settle();
  replica.app.exec("UPDATE item SET body = 'local' WHERE id % 50 = 0; CREATE TABLE mine (x)");
  return replica;
}

describe("a crash with touched pages behind the watermark", () => {
  it("is told from one after which somebody else has checkpointed", () => {
    const replica = touched();
    expect(ask(replica.crashed())).toBe(false);
    expect(ask(checkpointedElsewhere(replica.crashed()))).toBe(true);
  });

  it("is told where a reader let only a part of the log into the file", () => {
    const before = "PRAGMA user_version = 2";
    expect(ask(checkpointedElsewhere(touched().crashed(), { before }))).toBe(true);
  });

  it("is told where the other program has written to the same page again", () => {
    const replica = TestReplica.create(new RemoteDatabase(SCHEMA).bytes());
    replica.app.exec("PRAGMA user_version = 1");
    const after = "PRAGMA user_version = 2";
    expect(ask(checkpointedElsewhere(replica.crashed(), { after }))).toBe(true);
  });

  it("is told where the checkpoint has cut off pages, and all pages in frames are saved", () => {
    const remote = new RemoteDatabase(
      "PRAGMA auto_vacuum = 1; CREATE TABLE blobs (id INTEGER PRIMARY KEY, body BLOB); INSERT INTO blobs VALUES (1, zeroblob(40000))",
    );
    const replica = TestReplica.create(remote.bytes());
    replica.app.exec("INSERT INTO blobs VALUES (2, zeroblob(20000)); DELETE FROM blobs WHERE id = 2");
    replica.settle();
    replica.app.exec("DELETE FROM blobs WHERE id = 1");
    const kept = replica.crashed();
    expect(ask(kept)).toBe(false);
    kept.check();
    expect(ask(checkpointedElsewhere(replica.crashed()))).toBe(true);
  });

  it("does no harm where the log up to the watermark has the synced images", () => {
    const remote = new RemoteDatabase(SCHEMA);
    const replica = TestReplica.create(remote.bytes());
    remote.exec("UPDATE item SET body = upper(body) || '+'");
    replica.pull(remote.bytes());
    replica.settle();
    replica.app.exec("UPDATE item SET body = 'local' WHERE id = 20");
    const crashed = checkpointedElsewhere(replica.crashed());
    expect(ask(crashed)).toBe(false);
    crashed.check();
  });

  it("does no harm when everything was settled", () => {
    const replica = touched();
    replica.settle();
    const crashed = checkpointedElsewhere(replica.crashed());
    expect(ask(crashed)).toBe(false);
    crashed.check();
  });

  it("costs a few large reads", () => {
    const replica = TestReplica.create(new RemoteDatabase(`${SCHEMA} ${rows(9000)}`).bytes());
    replica.app.exec("UPDATE item SET body = 'x' || substr(body, 2)");
    const crashed = replica.crashed().open();
    const touchedPages = crashed.pages.synced.databaseSize;
    expect(touchedPages).toBeGreaterThan(600);
    const lengths: number[] = [];
    const ports = crashed.ports as { readAt: EngineIo["readAt"] };
    const { readAt } = ports;
    ports.readAt = (file, offset, length) => {
      lengths.push(length);
      return readAt(file, offset, length);
    };
    expect(crashed.locked(() => crashed.pages.touchedPagesInFile())).toBe(false);
    expect(lengths.length).toBeLessThan(40);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(300 * PAGE_SIZE);
  });
});
