import Database from "better-sqlite3";
import { expect, onTestFinished, test, vi } from "vitest";
import { inlineJobs } from "../src/database/database-jobs.js";
import type { ServerDatabase } from "../src/database/server-database.js";
import { catchUp } from "../src/pages/open-pull.js";
import { WalTracker } from "../src/wal/wal-tracker.js";
import { Mirror } from "./support/mirror.js";
import { openDatabase } from "./support/open-database.js";
import { createRandom } from "./support/random.js";
import { changePage, connectTo, createPages } from "./support/run-sql.js";

const PAGES = 1200;

function setUp() {
  const { database, path } = openDatabase({ walLimitBytes: 1e9, snapshotRetentionMs: 0 });
  createPages(database, PAGES);
  const { run, close } = connectTo(database);
  onTestFinished(close);
  const scan = vi.spyOn(WalTracker.prototype, "readAhead");
  onTestFinished(() => scan.mockRestore());
  return {
    database,
    path,
    run,
    pieces: () => scan.mock.results.filter(({ value }) => value === true).length,
  };
}

/** Reads ahead to the end. */
async function readAll(database: ServerDatabase): Promise<void> {
  await database.readAhead();
}

test("a large transaction is read in pieces, and told when it is whole", async () => {
  const { database, path, run, pieces } = setUp();
  const mirror = new Mirror();
  mirror.pull(database);
  const told: string[] = [];
  database.subscribe((revision) => void told.push(revision));
  expect(database.readAhead()).toBeUndefined();
  run("UPDATE t SET body = randomblob(3000)");
  const { current } = database.log;
  database.trySync();
  expect(database.log.current).toBe(current);
  expect(database.readAhead()).toBe(database.readAhead());
  await database.readAhead();
  await Promise.resolve();
  expect(pieces()).toBeGreaterThanOrEqual(2);
  expect(database.log.current.sequence).toBe(current.sequence + 1);
  expect(told).toHaveLength(1);
  mirror.pull(database);
  mirror.expectSameAs(path);
});

test("where nothing is new, nothing is scanned; commits of others, and a log that starts over, are new", async () => {
  const { database, run } = setUp();
  await database.snapshots.checkpoint();
  const scan = vi.spyOn(WalTracker.prototype, "scan");
  onTestFinished(() => scan.mockRestore());
  const scans = async (): Promise<number> => {
    scan.mockClear();
    await catchUp(database);
    return scan.mock.calls.length;
  };
  expect(await scans()).toBe(0);
  // This one starts the log over, the next one follows on it.
  for (const id of [1, 2]) {
    const { sequence } = database.log.current;
    run(`UPDATE t SET body = randomblob(3000) WHERE id = ${id}`);
    expect(await scans()).toBe(1);
    expect(database.log.current.sequence).toBe(sequence + 1);
    expect(await scans()).toBe(0);
  }
});

test("a small one is told at once", () => {
  const { database, run, pieces } = setUp();
  run("UPDATE t SET body = randomblob(3000) WHERE id < 50");
  database.trySync();
  expect(database.log.current.sequence).toBe(4);
  expect(pieces()).toBe(0);
});

test("a database that is closed meanwhile is not read any more", async () => {
  const { database, run } = setUp();
  run("UPDATE t SET body = randomblob(3000)");
  const reading = database.readAhead();
  expect(reading).toBeDefined();
  database.close();
  await reading;
  expect(database.readAhead()).toBeUndefined();
});

test("what is not committed is not read ahead", async () => {
  const { database, path, run } = setUp();
  const mirror = new Mirror();
  mirror.pull(database);
  // Spilled to the WAL, given up, and overwritten by others.
  run("PRAGMA cache_size = 10; PRAGMA cache_spill = 10; BEGIN; UPDATE t SET body = randomblob(3000)");
  expect(database.readAhead()).toBeUndefined();
  run("ROLLBACK");
  for (let id = 1; id < 4; id++) changePage(database, id);
  run("UPDATE t SET body = randomblob(3000) WHERE id > 20");
  await readAll(database);
  mirror.pull(database);
  mirror.expectSameAs(path);
});

test("nor is a WAL mistaken for the one that has taken its place", async () => {
  const { database, path, run } = setUp();
  const mirror = new Mirror();
  mirror.pull(database);
  await database.snapshots.checkpoint();
  // Starts the WAL over, unseen so far.
  run("UPDATE t SET body = randomblob(3000)");
  await readAll(database);
  run("UPDATE t SET body = randomblob(3000) WHERE id = 7");
  mirror.pull(database);
  expect(mirror.received).toBeLessThanOrEqual(database.log.databaseSize);
  mirror.expectSameAs(path);
});

test("frames that an older log has left behind are not asked about", async () => {
  const { database, run } = setUp();
  run("UPDATE t SET body = randomblob(3000)");
  await readAll(database);
  database.sync();
  await database.snapshots.checkpoint();
  run("UPDATE t SET body = '' WHERE id = 7");
  database.sync();
  const pragma = vi.spyOn(Database.prototype, "pragma");
  onTestFinished(() => pragma.mockRestore());
  expect(database.readAhead()).toBeUndefined();
  expect(pragma).not.toHaveBeenCalled();
});

test.each([1, 2, 3, 4])(
  "reading ahead changes nothing but the time that it takes (seed %i)",
  async (seed) => {
    const { database, path, run } = setUp();
    const random = createRandom(seed);
    const mirrors = [new Mirror(), new Mirror()];
    const { epoch } = database.log.current;
    for (let step = 0; step < 40; step++) {
      const pick = Math.floor(random() * 7);
      if (pick === 0) run("UPDATE t SET body = randomblob(3000)");
      else if (pick === 1)
        run(`UPDATE t SET body = randomblob(3000) WHERE id > ${Math.floor(random() * PAGES)}`);
      else if (pick === 2) for (let id = 1; id < 9; id++) run(`UPDATE t SET body = '' WHERE id = ${id}`);
      else if (pick === 3) void database.readAhead();
      else if (pick === 4) await new Promise(setImmediate);
      else if (pick === 5 && random() < 0.5) await database.snapshots.checkpoint();
      else if (pick === 5) inlineJobs.checkpoint(path);
      else {
        const mirror = mirrors[step % 2] as Mirror;
        mirror.pull(database);
        mirror.expectSameAs(path);
      }
    }
    for (const mirror of mirrors) mirror.pull(database);
    for (const mirror of mirrors) mirror.expectSameAs(path);
    expect(database.log.current.epoch).toBe(epoch);
  },
);
