import { readFileSync, statSync, truncateSync } from "node:fs";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { Connection } from "../src/database/open-connection.js";
import { RevisionFile } from "../src/revisions/revision-file.js";
import { copyDatabase } from "./support/copy-database.js";
import { Mirror } from "./support/mirror.js";
import { openDatabase } from "./support/open-database.js";
import { changePage, connectTo, createPages, runSql } from "./support/run-sql.js";

/** Called around a checkpoint that moves frames. */
const hooks = vi.hoisted(() => ({ onMove: (_when: "before" | "after"): void => {} }));

vi.mock(import("../src/database/open-connection.js"), async (importOriginal) => {
  const original = await importOriginal();
  return {
    openConnection(path: string, walLimitBytes: number): Connection {
      const connection = original.openConnection(path, walLimitBytes);
      const pragma = connection.pragma.bind(connection);
      connection.pragma = (source, options) => {
        const moves = source.startsWith("wal_checkpoint(PASSIVE");
        if (moves) hooks.onMove("before");
        const result = pragma(source, options);
        if (moves) hooks.onMove("after");
        return result;
      };
      return connection;
    },
  };
});

/** By how much the clock is ahead, ms: an hour, so that the tick of the file system's clock plays no part, or nothing. */
let ahead = 0;

beforeEach(() => {
  ahead = 3.6e6;
  const now = vi
    .spyOn(Date, "now")
    .mockImplementation(() => performance.timeOrigin + performance.now() + ahead);
  onTestFinished(() => now.mockRestore());
});

afterEach(() => {
  hooks.onMove = () => {};
});

interface Images {
  /** What a kill at each step leaves. */
  readonly byStep: ReadonlyMap<string, string>;
  /** Clients that last pulled at different times. */
  readonly mirrors: readonly Mirror[];
}

/** A server that makes commits, checkpoints, and makes the commit that starts the WAL over. */
function takeImages(): Images {
  const { database, path, clock } = openDatabase({ snapshotRetentionMs: 1000 });
  createPages(database, 40);
  const byStep = new Map<string, string>();
  const take = (step: string): void => void byStep.set(step, copyDatabase(path));
  database.snapshots.checkpoint();
  const mirrors = [new Mirror(), new Mirror(), new Mirror()];
  const pull = (from: number): void => {
    for (const mirror of mirrors.slice(from)) mirror.pull(database);
    clock.advance(1001);
  };
  pull(0);
  changePage(database, 10);
  pull(1);
  changePage(database, 11);
  pull(2);
  changePage(database, 12);

  let count = 0;
  const append = RevisionFile.prototype.append;
  const spy = vi.spyOn(RevisionFile.prototype, "append").mockImplementation(function (
    this: RevisionFile,
    ...args
  ) {
    count += 1;
    take(`before save ${count}`);
    const length = statSync(`${path}-revisions`).size;
    append.apply(this, args);
    take(`after save ${count}`);
    const half = copyDatabase(path);
    truncateSync(`${half}-revisions`, Math.ceil((length + statSync(`${half}-revisions`).size) / 2));
    byStep.set(`half-way through save ${count}`, half);
  });
  onTestFinished(() => spy.mockRestore());
  hooks.onMove = (when) => take(`${when} the frames were moved`);
  database.snapshots.checkpoint();
  hooks.onMove = () => {};
  take("after the checkpoint");
  const salts = () => readFileSync(`${path}-wal`).subarray(16, 24).toString("hex");
  const before = salts();
  const connection = connectTo(database);
  connection.run("UPDATE t SET body = 'x' WHERE id = 13");
  expect(salts()).not.toBe(before);
  take("after the commit that started the WAL over");
  database.sync();
  connection.close();
  take("after it was seen");
  changePage(database, 14);
  take("after another commit");
  spy.mockRestore();
  database.close();
  take("after the close");
  return { byStep, mirrors };
}

/** Whether the clients are brought up to date by what changed; that they are, is checked. */
function goesOn(path: string, mirrors: readonly Mirror[]): boolean {
  const { database } = openDatabase({ path });
  const deltas = mirrors.map((original) => {
    const mirror = original.copy();
    mirror.pull(database);
    mirror.expectSameAs(path);
    const isDelta = mirror.received < database.log.databaseSize;
    changePage(database, 20);
    mirror.pull(database);
    mirror.expectSameAs(path);
    expect(mirror.received).toBe(1);
    return isDelta;
  });
  database.close();
  expect(new Set(deltas).size).toBe(1);
  return deltas[0] === true;
}

test("a server that is killed at any step goes on or begins anew, and never serves a wrong delta", () => {
  const { byStep, mirrors } = takeImages();
  const result = Object.fromEntries([...byStep].map(([step, path]) => [step, goesOn(path, mirrors)]));
  expect(result).toEqual({
    "before save 1": true,
    "half-way through save 1": true,
    "after save 1": true,
    "before the frames were moved": true,
    // The file is another one, and nothing says so yet.
    "after the frames were moved": false,
    "before save 2": false,
    "half-way through save 2": false,
    "after save 2": true,
    "after the checkpoint": true,
    "after the commit that started the WAL over": true,
    "before save 3": true,
    "half-way through save 3": true,
    "after save 3": true,
    "after it was seen": true,
    "after another commit": true,
    "after the close": true,
  });
});

test("nor does it where the file system's clock ticks too slowly to tell", () => {
  ahead = 0;
  const { byStep, mirrors } = takeImages();
  const result = new Map([...byStep].map(([step, path]) => [step, goesOn(path, mirrors)]));
  for (const step of ["before the frames were moved", "after another commit", "after the close"]) {
    expect([step, result.get(step)]).toEqual([step, true]);
  }
});

test("a commit costs no write to the index, and a checkpoint few", () => {
  const { database, path } = openDatabase({ walLimitBytes: 64 * 4120, snapshotRetentionMs: 0 });
  createPages(database, 40);
  const [append, sync] = [
    vi.spyOn(RevisionFile.prototype, "append"),
    vi.spyOn(RevisionFile.prototype, "sync"),
  ];
  onTestFinished(() => void [append, sync].map((spy) => spy.mockRestore()));
  let checkpoints = 0;
  hooks.onMove = () => {
    checkpoints += 0.5;
  };
  for (let round = 0; round < 400; round++) changePage(database, 1 + (round % 40));
  expect(checkpoints).toBeGreaterThan(2);
  expect(append.mock.calls.length).toBeLessThanOrEqual(3 * checkpoints + 1);
  expect(sync.mock.calls.length).toBeLessThanOrEqual(3 * checkpoints + 1);
  expect(statSync(`${path}-revisions`).size).toBeLessThan(100_000);
});

test("an index that cannot be written fails no request, and is caught up with later", () => {
  const { database, path, clock } = openDatabase({ foreignCommitCheckMs: 1000 });
  createPages(database, 40);
  const mirror = new Mirror();
  mirror.pull(database);
  const append = vi.spyOn(RevisionFile.prototype, "append").mockImplementation(() => {
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  });
  onTestFinished(() => append.mockRestore());
  changePage(database, 5);
  clock.advance(62_000);
  database.snapshots.checkpoint();
  changePage(database, 6);
  expect(database.maintenanceError).toMatchObject({ code: "ENOSPC" });
  expect(goesOn(copyDatabase(path), [mirror])).toBe(false);
  append.mockRestore();
  clock.advance(120_000);
  expect(database.maintenanceError).toBeUndefined();
  runSql(database, "DELETE FROM t WHERE id = 7");
  expect(goesOn(copyDatabase(path), [mirror])).toBe(true);
});
