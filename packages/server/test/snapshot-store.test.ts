import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PAGE_SIZE } from "@tributary/core";
import Database from "better-sqlite3";
import { expect, onTestFinished, test, vi } from "vitest";
import { ReadPin } from "../src/pages/read-pin.js";
import { NO_CHECK } from "../src/pages/revision.js";
import type { Snapshot } from "../src/pages/snapshot.js";
import { openDatabase } from "./support/open-database.js";
import { changePage, connectTo } from "./support/run-sql.js";
import { tempDirectory } from "./support/temp-directory.js";

function setUp(options: Parameters<typeof openDatabase>[0] = {}) {
  const opened = openDatabase(options);
  const { run, close } = connectTo(opened.database);
  onTestFinished(close);
  const acquire = (wanted: boolean): Snapshot => {
    opened.database.sync();
    return opened.database.snapshots.acquireCurrent(wanted);
  };
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, body)");
  run(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO t SELECT i, '0' FROM n",
  );
  return { ...opened, run, acquire };
}

/** What SQLite finds in the pages of a snapshot. */
function bodiesOf({ database }: ReturnType<typeof setUp>, snapshot: Snapshot): string[] {
  const pageIds = Uint32Array.from({ length: snapshot.databaseSize }, (_, index) => index);
  const pages = new Uint8Array(pageIds.length * PAGE_SIZE);
  database.readPages(snapshot, pageIds, pages);
  // A copy without a WAL beside it has to be in rollback mode to be read.
  pages[18] = 1;
  pages[19] = 1;
  const path = join(tempDirectory(), "copy.db");
  writeFileSync(path, pages);
  const copy = new Database(path);
  expect(copy.pragma("integrity_check", { simple: true })).toBe("ok");
  const bodies = copy.prepare("SELECT DISTINCT body FROM t").pluck().all() as string[];
  copy.close();
  return bodies;
}

test("a snapshot shows its own state, whatever is written and checkpointed meanwhile", () => {
  const context = setUp({ walLimitBytes: 8 * 4120 });
  const { database, run, acquire } = context;
  const snapshots: [Snapshot, string][] = [];
  for (let round = 1; round <= 40; round++) {
    run(`UPDATE t SET body = '${round}'`);
    database.sync();
    if (round % 10 === 0) snapshots.push([acquire(true), String(round)]);
    for (const [snapshot, body] of snapshots) expect(bodiesOf(context, snapshot)).toEqual([body]);
    // The first ones are let go half-way, so that a checkpoint gets through in between.
    if (round === 25) for (const [snapshot] of snapshots.splice(0)) database.snapshots.release(snapshot);
  }
  for (const [snapshot] of snapshots) database.snapshots.release(snapshot);
});

test("a snapshot taken right after a checkpoint survives that the WAL starts over", () => {
  const context = setUp();
  const { database, run, acquire } = context;
  expect(database.snapshots.checkpoint()).toBe(true);
  const snapshot = acquire(true);
  const generation = snapshot.generation;
  for (let round = 0; round < 50; round++) run(`UPDATE t SET body = '${round + 1}'`);
  database.sync();
  expect(snapshot.generation).toBe(generation);
  expect(acquire(true).generation).not.toBe(generation);
  expect(bodiesOf(context, snapshot)).toEqual(["0"]);
});

test("a revision can be asked for by name until the retention is over", () => {
  const context = setUp({ snapshotRetentionMs: 1000 });
  const { database, clock, run, acquire } = context;
  const first = acquire(true);
  database.snapshots.release(first);
  run("UPDATE t SET body = '1'");
  database.sync();
  clock.advance(900);
  const again = database.snapshots.acquire(first.revision);
  expect(bodiesOf(context, again)).toEqual(["0"]);
  database.snapshots.release(again);
  clock.advance(900);
  database.snapshots.release(database.snapshots.acquire(first.revision));
  clock.advance(1001);
  expect(() => database.snapshots.acquire(first.revision)).toThrow(
    expect.objectContaining({ code: "revision-expired" }),
  );
  expect(() => database.snapshots.acquire({ epoch: "0".repeat(16), sequence: 1, check: NO_CHECK })).toThrow(
    /no longer available/,
  );
});

test("revisions are forgotten in the order of their last use, past those that are still read", () => {
  const { database, clock, run, acquire } = setUp({ snapshotRetentionMs: 1000 });
  const { snapshots } = database;
  const taken = [1, 2, 3, 4].map((round) => {
    run(`UPDATE t SET body = '${round}'`);
    const snapshot = acquire(true);
    if (round !== 1) snapshots.release(snapshot);
    clock.advance(100);
    return snapshot;
  });
  const isThere = ({ revision }: Snapshot): boolean => {
    try {
      snapshots.release(snapshots.acquire(revision));
      return true;
    } catch {
      return false;
    }
  };
  const [read, used, forgotten, newest] = taken as [Snapshot, Snapshot, Snapshot, Snapshot];
  expect(isThere(used)).toBe(true);
  run("UPDATE t SET body = '5'");
  snapshots.release(acquire(true));
  clock.advance(850);
  expect([forgotten, newest, used, read].map(isThere)).toEqual([false, true, true, true]);
  snapshots.release(read);
});

test("retained revisions are given up rather than letting the WAL grow without end", () => {
  const { database, run, acquire } = setUp({ walLimitBytes: 8 * 4120, snapshotRetentionMs: 1e9 });
  const wanted = acquire(true);
  database.snapshots.release(wanted);
  for (let round = 0; round < 200; round++) {
    run(`UPDATE t SET body = '${round}'`);
    database.sync();
  }
  expect(() => database.snapshots.acquire(wanted.revision)).toThrow(/no longer available/);
});

test.each([
  [0, false],
  [1e9, true],
])("how long the WAL may become for them can be set: %i bytes", (snapshotRetentionBytes, isKept) => {
  const context = setUp({ walLimitBytes: 8 * 4120, snapshotRetentionMs: 1e9, snapshotRetentionBytes });
  const { database, run, acquire } = context;
  const wanted = acquire(true);
  database.snapshots.release(wanted);
  for (let round = 0; round < 100; round++) {
    run(`UPDATE t SET body = '${round}'`);
    database.sync();
  }
  if (isKept) expect(bodiesOf(context, database.snapshots.acquire(wanted.revision))).toEqual(["0"]);
  else
    expect(() => database.snapshots.acquire(wanted.revision)).toThrow(
      expect.objectContaining({ code: "revision-expired" }),
    );
});

test("pins are few, however many revisions are retained", () => {
  const { database, clock, run, acquire } = setUp({ snapshotRetentionMs: 8000 });
  const pins = new Set();
  for (let round = 0; round < 100; round++) {
    run(`UPDATE t SET body = '${round}' WHERE id = 1`);
    const snapshot = acquire(true);
    pins.add(snapshot.pin);
    database.snapshots.release(snapshot);
    clock.advance(100);
  }
  expect(pins.size).toBeLessThan(12);
});

test("readers that keep the WAL from starting over cost no checkpoint with every commit", () => {
  const { database } = openDatabase({ walLimitBytes: 640 * 4120, snapshotRetentionMs: 0 });
  const readers = [connectTo(database), connectTo(database)];
  const writer = connectTo(database);
  onTestFinished(() => {
    for (const connection of [...readers, writer]) connection.close();
  });
  writer.run("CREATE TABLE t(id INTEGER PRIMARY KEY, body)");
  writer.run(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700) INSERT INTO t SELECT i, zeroblob(3000) FROM n",
  );
  const released = vi.spyOn(ReadPin.prototype, "release");
  onTestFinished(() => released.mockRestore());
  for (let round = 0; round < 40; round++) {
    // There is always one that stands on the WAL.
    readers[round % 2]?.run("BEGIN; SELECT count(*) FROM t");
    if (round > 0) readers[(round + 1) % 2]?.run("COMMIT");
    database.sync();
    writer.run(`UPDATE t SET body = zeroblob(2999) WHERE id = ${round + 1}`);
  }
  expect(released.mock.calls.length).toBeGreaterThan(4);
  expect(released.mock.calls.length).toBeLessThan(20);
  readers[1]?.run("COMMIT");
  for (let round = 0; round < 12; round++) changePage(database, 1 + round);
  expect(database.status().walBytes).toBeLessThan(20 * 4120);
});
