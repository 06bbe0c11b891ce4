import { PAGE_SIZE } from "@tributary/core";
import { expect, onTestFinished, test, vi } from "vitest";
import { type DatabaseJobs, inlineJobs } from "../src/database/database-jobs.js";
import type { ServerDatabase } from "../src/database/server-database.js";
import type { Snapshot } from "../src/pages/snapshot.js";
import { RevisionFile } from "../src/revisions/revision-file.js";
import type { SyncServerOptions } from "../src/sync-server-options.js";
import type { Writer } from "../src/workers/write-lock.js";
import { copyDatabase } from "./support/copy-database.js";
import { Mirror } from "./support/mirror.js";
import { openDatabase } from "./support/open-database.js";
import { createRandom } from "./support/random.js";
import { changePage, connectTo, createPages, runSql } from "./support/run-sql.js";
import { settle } from "./support/settle.js";

/** More pages than are moved without the jobs. */
const PAGES = 300;
const FRAME_BYTES = 4120;

/** A checkpoint that was asked for: the test moves the frames and ends it, when it likes. */
class HeldCheckpoint {
  readonly move: () => void;
  end: () => void = () => {};
  fail: (error: Error) => void = () => {};
  readonly ended: Promise<void>;

  constructor(path: string) {
    this.move = () => void inlineJobs.checkpoint(path);
    this.ended = new Promise((resolve, reject) => {
      this.end = resolve;
      this.fail = reject;
    });
  }
}

function setUp(options: Partial<SyncServerOptions> = {}) {
  const held: HeldCheckpoint[] = [];
  const jobs: DatabaseJobs = {
    ...inlineJobs,
    checkpoint(path) {
      const checkpoint = new HeldCheckpoint(path);
      held.push(checkpoint);
      return checkpoint.ended;
    },
  };
  return { ...openDatabase(options, jobs), held, jobs };
}

function changeAll(database: ServerDatabase): void {
  runSql(database, "UPDATE t SET body = randomblob(3000)");
}

/** The pages of a snapshot, read now. */
function pagesOf(database: ServerDatabase, snapshot: Snapshot): Buffer {
  const pageIds = Uint32Array.from({ length: snapshot.databaseSize }, (_, index) => index);
  const pages = Buffer.alloc(pageIds.length * PAGE_SIZE);
  database.readPages(snapshot, pageIds, pages);
  return pages;
}

/** Files' times count as settled, so that the tick of the file system's clock plays no part. */
function lookAhead(): void {
  const now = vi
    .spyOn(Date, "now")
    .mockImplementation(() => performance.timeOrigin + performance.now() + 3.6e6);
  onTestFinished(() => now.mockRestore());
}

test("commits and pulls go on while frames are moved elsewhere, and the history after it", async () => {
  const { database, path, held } = setUp({ snapshotRetentionMs: 0 });
  createPages(database, PAGES);
  const { epoch } = database.log.current;
  const [often, seldom] = [new Mirror(), new Mirror()];
  for (const mirror of [often, seldom]) mirror.pull(database);
  const result = database.snapshots.checkpoint();
  expect(result).toBeInstanceOf(Promise);
  const reading = database.snapshots.acquireCurrent(false);
  const pages = pagesOf(database, reading);
  for (const step of ["commit", "move", "commit", "end", "commit"]) {
    if (step === "commit") changePage(database, 3);
    if (step === "move") held[0]?.move();
    if (step === "end") {
      held[0]?.end();
      // Somebody reads an older state.
      expect(await result).toBe(false);
    }
    often.pull(database);
    often.expectSameAs(path);
    expect(often.received).toBe(step === "commit" ? 1 : 0);
    expect(pagesOf(database, reading).equals(pages)).toBe(true);
  }
  database.snapshots.release(reading);
  database.snapshots.forgetUnread();
  const again = database.snapshots.checkpoint();
  held[1]?.move();
  held[1]?.end();
  expect(await again).toBe(true);
  changePage(database, 4);
  expect(database.status().walBytes).toBeLessThan(10 * FRAME_BYTES);
  seldom.pull(database);
  expect(seldom.received).toBe(2);
  seldom.expectSameAs(path);
  expect(database.log.current.epoch).toBe(epoch);
});

test("there is one at a time, whoever asks", async () => {
  const { database, held } = setUp({ snapshotRetentionMs: 0, walLimitBytes: 100 * FRAME_BYTES });
  createPages(database, PAGES);
  // The limit has begun it.
  expect(held).toHaveLength(1);
  changeAll(database);
  const asked = [database.snapshots.checkpoint(), database.snapshots.checkpoint(), database.checkpoint()];
  expect(held).toHaveLength(1);
  held[0]?.move();
  held[0]?.end();
  expect(await Promise.all(asked)).toEqual([false, false, undefined]);
  changePage(database, 1);
  expect(held).toHaveLength(1);
  // Tried again when the WAL is longer.
  changeAll(database);
  expect(held).toHaveLength(2);
  held[1]?.move();
  held[1]?.end();
  await settle();
  changePage(database, 1);
  expect(database.status().walBytes).toBeLessThan(10 * FRAME_BYTES);
});

test("the WAL stays bounded though somebody commits during every checkpoint", async () => {
  const { database, held } = setUp({ snapshotRetentionMs: 0, walLimitBytes: 300 * FRAME_BYTES });
  createPages(database, PAGES);
  const mirror = new Mirror();
  let longest = 0;
  for (let round = 0; round < 40; round++) {
    runSql(database, "UPDATE t SET body = randomblob(3000) WHERE id % 3 = 0");
    const checkpoint = held.pop();
    if (checkpoint === undefined) continue;
    checkpoint.move();
    changePage(database, 1 + round);
    checkpoint.end();
    await settle();
    mirror.pull(database);
    longest = Math.max(longest, database.status().walBytes);
  }
  expect(longest).toBeLessThan(700 * FRAME_BYTES);
  mirror.expectSameAs(database.options.path);
});

/** Another process that commits whenever it can, such as where the server writes its own index. */
function commitAlways(database: ServerDatabase): { count: number } {
  const connection = connectTo(database);
  const commits = { count: 0 };
  const sync = RevisionFile.prototype.sync;
  const spy = vi.spyOn(RevisionFile.prototype, "sync").mockImplementation(function (this: RevisionFile) {
    sync.call(this);
    try {
      connection.run("UPDATE t SET body = randomblob(3000) WHERE id = 5");
      commits.count += 1;
    } catch (error) {
      expect(error).toMatchObject({ code: "SQLITE_BUSY" });
    }
  });
  onTestFinished(() => {
    spy.mockRestore();
    connection.close();
  });
  return commits;
}

test("it comes to an end though another process commits at every moment it can", async () => {
  const { database, path, held } = setUp({ snapshotRetentionMs: 0 });
  createPages(database, PAGES);
  const mirror = new Mirror();
  mirror.pull(database);
  database.snapshots.forgetUnread();
  const commits = commitAlways(database);
  const result = database.snapshots.checkpoint();
  held[0]?.move();
  held[0]?.end();
  expect(await result).toBe(true);
  expect(commits.count).toBeGreaterThan(1);
  changePage(database, 6);
  mirror.pull(database);
  expect(mirror.received).toBe(2);
  mirror.expectSameAs(path);
  expect(database.status().walBytes).toBeLessThan(10 * FRAME_BYTES);
});

test.each([true, false])("its end waits for its turn to write, which comes in time: %s", async (comes) => {
  const { database, held, clock } = setUp({ snapshotRetentionMs: 0, lockTimeoutMs: 1000 });
  createPages(database, PAGES);
  commitAlways(database);
  const result = Promise.resolve(database.snapshots.checkpoint());
  const grant = vi.fn();
  const writer: Writer = { grant, refuse() {}, takeTransaction() {}, isIdle: false };
  database.writeLock.acquire(writer);
  held[0]?.move();
  held[0]?.end();
  await settle();
  expect(database.writeLock.waiting).toBe(1);
  const next: Writer = { ...writer, grant: vi.fn() };
  database.writeLock.acquire(next);
  if (comes) database.writeLock.release(writer);
  else clock.advance(1000);
  expect(await result).toBe(comes);
  expect(next.grant).toHaveBeenCalledTimes(comes ? 1 : 0);
  expect(database.maintenanceError).toBeUndefined();
});

test("one that fails is told, and tried again later", async () => {
  const { database, held, clock } = setUp({ snapshotRetentionMs: 0, walLimitBytes: 100 * FRAME_BYTES });
  createPages(database, PAGES);
  held[0]?.fail(new Error("database or disk is full"));
  await settle();
  expect(database.maintenanceError).toMatchObject({ message: "database or disk is full" });
  expect(database.status().maintenanceError).toBe("database or disk is full");
  changeAll(database);
  expect(held).toHaveLength(1);
  clock.advance(1000);
  changeAll(database);
  expect(held).toHaveLength(2);
  held[1]?.move();
  held[1]?.end();
  await settle();
  expect(database.maintenanceError).toBeUndefined();
});

test.each(["before it moves", "when it has moved"])(
  "a database that is closed during it, %s, goes on with its history",
  async (when) => {
    lookAhead();
    const { database, held, path } = setUp();
    createPages(database, PAGES);
    const mirror = new Mirror();
    mirror.pull(database);
    changePage(database, 9);
    const result = database.checkpoint();
    if (when === "when it has moved") held[0]?.move();
    database.close();
    if (when !== "when it has moved") held[0]?.move();
    held[0]?.end();
    await result;
    const next = openDatabase({ path }).database;
    mirror.pull(next);
    expect(mirror.received).toBe(1);
    mirror.expectSameAs(path);
  },
);

test("closing has nothing to wait for once it was prepared, and the database is of use meanwhile", async () => {
  const { database, held, clock, path } = setUp();
  createPages(database, PAGES);
  const mirror = new Mirror();
  mirror.pull(database);
  const wait = vi.spyOn(Atomics, "wait");
  onTestFinished(() => wait.mockRestore());
  const preparing = database.prepareClose();
  held[0]?.move();
  changePage(database, 1);
  held[0]?.end();
  await settle();
  // The time of the last write to the file has to pass.
  expect(clock.timerCount).toBe(1);
  mirror.pull(database);
  lookAhead();
  clock.advance(100);
  await preparing;
  database.close();
  expect(held).toHaveLength(1);
  expect(wait).not.toHaveBeenCalled();
  const next = openDatabase({ path }).database;
  changePage(next, 2);
  mirror.pull(next);
  expect(mirror.received).toBe(1);
  mirror.expectSameAs(path);
});

/** Clients, readers and checkpoints in any order, killed at any time. */
class World {
  readonly #random: () => number;
  readonly #opened: ReturnType<typeof setUp>;
  readonly #mirrors = [new Mirror(), new Mirror(), new Mirror()];
  readonly #readers: { snapshot: Snapshot; pages: Buffer }[] = [];
  /** Images of the files as kills leave them, with what clients had then. */
  readonly images: { path: string; mirrors: Mirror[] }[] = [];
  readonly counts = { deltas: 0, checkpoints: 0 };

  constructor(seed: number) {
    this.#random = createRandom(seed);
    this.#opened = setUp({ snapshotRetentionMs: 1000, walLimitBytes: 200 * FRAME_BYTES });
    createPages(this.#opened.database, PAGES);
  }

  async step(): Promise<void> {
    const { database, held, clock, path } = this.#opened;
    const checkpoint = held.at(-1);
    const pick = Math.floor(this.#random() * 14);
    if (pick < 4) changePage(database, 1 + Math.floor(this.#random() * PAGES));
    else if (pick === 4) runSql(database, "UPDATE t SET body = randomblob(3000) WHERE id % 2 = 0");
    else if (pick < 7) this.#pull(Math.floor(this.#random() * 3));
    else if (pick === 7 && this.#readers.length < 3) this.#startReading();
    else if (pick === 8) this.#stopReading();
    else if (pick === 9) checkpoint?.move();
    else if (pick === 10) checkpoint?.end();
    else if (pick === 11 && this.#random() < 0.2) checkpoint?.fail(new Error("failed"));
    else if (pick === 12) clock.advance(this.#random() * 3000);
    else if (pick === 13) {
      if (this.#random() < 0.5) void database.checkpoint();
      else if (this.images.length < 8)
        this.images.push({ path: copyDatabase(path), mirrors: this.#mirrors.map((mirror) => mirror.copy()) });
    }
    this.counts.checkpoints = held.length;
    await new Promise(setImmediate);
  }

  async end(): Promise<void> {
    for (let index = 0; index < 3; index++) this.#pull(index);
    while (this.#readers.length > 0) this.#stopReading();
    this.#opened.held.at(-1)?.end();
    await settle();
    this.#pull(0);
  }

  #pull(index: number): void {
    const { database, path } = this.#opened;
    const mirror = this.#mirrors[index] as Mirror;
    const isFirst = mirror.revision === "";
    mirror.pull(database);
    mirror.expectSameAs(path);
    if (!isFirst && mirror.received < database.log.databaseSize) this.counts.deltas += 1;
  }

  #startReading(): void {
    const { database } = this.#opened;
    database.sync();
    const snapshot = database.snapshots.acquireCurrent(true);
    this.#readers.push({ snapshot, pages: pagesOf(database, snapshot) });
  }

  #stopReading(): void {
    const { database } = this.#opened;
    const reader = this.#readers.shift();
    if (reader === undefined) return;
    expect(pagesOf(database, reader.snapshot).equals(reader.pages)).toBe(true);
    database.snapshots.release(reader.snapshot);
  }
}

test.each([1, 2])(
  "no revision is ever wrong, whatever happens during checkpoints, and whenever it ends (seed %i)",
  async (seed) => {
    if (seed % 2 === 0) lookAhead();
    const world = new World(seed);
    for (let step = 0; step < 120; step++) await world.step();
    await world.end();
    expect(world.counts.checkpoints).toBeGreaterThan(2);
    expect(world.counts.deltas).toBeGreaterThan(5);
    expect(world.images.length).toBeGreaterThan(2);
    for (const { path, mirrors } of world.images) {
      const { database } = openDatabase({ path });
      for (const mirror of mirrors) {
        mirror.pull(database);
        mirror.expectSameAs(path);
      }
      changePage(database, 20);
      mirrors[0]?.pull(database);
      expect(mirrors[0]?.received).toBe(1);
      mirrors[0]?.expectSameAs(path);
      database.close();
    }
  },
);
