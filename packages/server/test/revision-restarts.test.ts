import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { ServerDatabase } from "../src/database/server-database.js";
import { parseRevision } from "../src/pages/revision.js";
import { copyDatabase } from "./support/copy-database.js";
import { startForeignWriter } from "./support/foreign-writer.js";
import { Mirror } from "./support/mirror.js";
import { openDatabase } from "./support/open-database.js";
import { changePage, createPages } from "./support/run-sql.js";

const PAGES = 60;
const realNow = Date.now;

// Long after every write, so that the tick of the file system's clock plays no part.
beforeEach(() => {
  const now = vi
    .spyOn(Date, "now")
    .mockImplementation(() => performance.timeOrigin + performance.now() + 3.6e6);
  onTestFinished(() => now.mockRestore());
});

function setUp(options: Parameters<typeof openDatabase>[0] = {}) {
  const opened = openDatabase(options);
  createPages(opened.database, PAGES);
  // Whoever loses the WAL still has the table.
  opened.database.snapshots.checkpoint();
  const mirror = new Mirror();
  mirror.pull(opened.database);
  return { ...opened, mirror };
}

/** Pulls, checks the result byte for byte, and gives how many pages it took. */
function pagesToCatchUp(mirror: Mirror, database: ServerDatabase, path: string): number {
  mirror.pull(database);
  mirror.expectSameAs(path);
  return mirror.received;
}

/** Whether a client with an old state is brought up to date by what changed, and not by everything. */
function goesOn(path: string, mirrors: readonly Mirror[]): boolean {
  const { database } = openDatabase({ path });
  const copies = mirrors.map((mirror) => mirror.copy());
  const isWhole = copies.map(
    (mirror) => pagesToCatchUp(mirror, database, path) === database.log.databaseSize,
  );
  changePage(database, 30);
  for (const mirror of copies) expect(pagesToCatchUp(mirror, database, path)).toBe(1);
  database.close();
  expect(new Set(isWhole).size).toBe(1);
  return isWhole[0] === false;
}

describe("revisions outlive the server", () => {
  test.each(["closed", "killed"])("that is %s", (end) => {
    const { database, path, mirror } = setUp();
    const old = mirror.copy();
    changePage(database, 20);
    changePage(database, 21);
    mirror.pull(database);
    const { revision } = mirror;
    const left = end === "closed" ? path : copyDatabase(path);
    database.close();
    const again = openDatabase({ path: left }).database;
    expect(pagesToCatchUp(mirror, again, left)).toBe(0);
    expect(mirror.revision).toBe(revision);
    expect(pagesToCatchUp(old, again, left)).toBe(2);
    changePage(again, 20);
    expect(pagesToCatchUp(mirror, again, left)).toBe(1);
    expect(parseRevision(mirror.revision)?.sequence).toBe((parseRevision(revision)?.sequence ?? 0) + 1);
  });

  test("many times", () => {
    const { database, path, mirror } = setUp();
    const mirrors = [mirror];
    database.close();
    for (let round = 1; round <= 10; round++) {
      const { database: again } = openDatabase({ path, walLimitBytes: 4 * 4120 });
      changePage(again, round);
      const newest = new Mirror();
      newest.pull(again);
      mirrors.push(newest);
      for (const [index, each] of mirrors.entries()) {
        expect(pagesToCatchUp(each.copy(), again, path)).toBe(round - index);
      }
      again.close();
    }
  });
});

describe("what another program did while the server was down", () => {
  /** A database whose server was closed, or killed: then with commits in the WAL that are not in the file. */
  function stopped(end: string): { path: string; mirror: Mirror } {
    const { database, path, mirror } = setUp();
    changePage(database, 10);
    mirror.pull(database);
    const left = end === "closed" ? path : copyDatabase(path);
    // What others do next must not fall into the tick of the last write: closing sees to that.
    vi.mocked(Date.now).mockImplementation(realNow);
    database.close();
    return { path: left, mirror };
  }

  const change = (path: string, sql: string): void => {
    const connection = new Database(path);
    connection.exec(sql);
    connection.close();
  };
  const BODY = "UPDATE t SET body = randomblob(3000)";

  test.each([
    ["closed", "read", "SELECT count(*) FROM t", true],
    ["closed", "written and checkpointed", `${BODY} WHERE id = 7`, false],
    ["closed", "vacuumed", "DELETE FROM t WHERE id % 2; VACUUM", false],
    ["closed", "put into another mode", "PRAGMA journal_mode = DELETE", false],
    ["killed", "read", "SELECT count(*) FROM t", false],
    ["killed", "written and checkpointed", `${BODY} WHERE id = 7`, false],
    ["killed", "checkpointed", "PRAGMA wal_checkpoint(TRUNCATE)", false],
    ["killed", "vacuumed", "DELETE FROM t WHERE id % 2; VACUUM", false],
  ])("is found out: %s and %s", (end, _what, sql, isKnown) => {
    const { path, mirror } = stopped(end);
    change(path, sql);
    expect(goesOn(path, [mirror])).toBe(isKnown);
  });

  test.each(["closed", "killed"])("and left in the WAL is served page by page: %s", (end) => {
    const { path, mirror } = stopped(end);
    const other = new Database(path);
    other.pragma("wal_autocheckpoint = 0");
    for (const id of [3, 4, 5, 4]) other.exec(`${BODY} WHERE id = ${id}`);
    const left = copyDatabase(path);
    other.close();
    const { database } = openDatabase({ path: left });
    expect(pagesToCatchUp(mirror, database, left)).toBe(3);
  });

  test.each(["closed", "killed"])(
    "and moved there from a WAL that then started over is found out: %s",
    (end) => {
      const { path, mirror } = stopped(end);
      const other = new Database(path);
      other.exec(`${BODY} WHERE id = 3`);
      other.pragma("wal_checkpoint(TRUNCATE)");
      other.exec(`${BODY} WHERE id = 4`);
      const left = copyDatabase(path);
      other.close();
      expect(goesOn(left, [mirror])).toBe(false);
    },
  );

  test("is found out where it is a copy put in its place, older or other", () => {
    const { path, mirror } = stopped("closed");
    const backup = copyDatabase(path);
    const { database } = openDatabase({ path });
    changePage(database, 11);
    mirror.pull(database);
    database.close();
    copyFileSync(backup, path);
    expect(goesOn(path, [mirror])).toBe(false);
    const { database: other, path: otherPath } = setUp();
    other.close();
    copyFileSync(otherPath, path);
    expect(goesOn(path, [mirror])).toBe(false);
  });

  test("is found out where a copy of everything was put back, and the numbers are given out a second time", () => {
    const { path, mirror } = stopped("closed");
    const backup = copyDatabase(path);
    const future = mirror.copy();
    const { database } = openDatabase({ path });
    changePage(database, 11);
    future.pull(database);
    database.close();
    const { database: again } = openDatabase({ path: backup });
    changePage(again, 12);
    expect(pagesToCatchUp(mirror, again, backup)).toBe(1);
    expect(parseRevision(mirror.revision)?.sequence).toBe(parseRevision(future.revision)?.sequence);
    expect(pagesToCatchUp(future, again, backup)).toBeGreaterThan(PAGES);
  });

  test("is found out where commits that were told got lost, and others took their place", () => {
    const { database, path, mirror } = setUp();
    const lost = copyDatabase(path);
    const future = mirror.copy();
    changePage(database, 11);
    future.pull(database);
    database.close();
    const other = new Database(lost);
    other.exec(`${BODY} WHERE id = 12`);
    const left = copyDatabase(lost);
    other.close();
    const { database: again } = openDatabase({ path: left });
    expect(pagesToCatchUp(mirror, again, left)).toBe(1);
    expect(parseRevision(mirror.revision)?.sequence).toBe(parseRevision(future.revision)?.sequence);
    expect(pagesToCatchUp(future, again, left)).toBeGreaterThan(PAGES);
    // Also when it comes back after yet another start.
    future.revision = mirror.revision.replace(/.$/, (digit) => (digit === "0" ? "1" : "0"));
    again.close();
    expect(goesOn(left, [future])).toBe(false);
  });

  test("is found out where an index speaks of commits that others have taken the place of", () => {
    const { database, path, mirror, clock } = setUp({ foreignCommitCheckMs: 1000 });
    // Else the next commit would start the WAL over.
    changePage(database, 10);
    const lost = copyDatabase(path);
    changePage(database, 11);
    mirror.pull(database);
    clock.advance(1000);
    const index = `${copyDatabase(path)}-revisions`;
    database.close();
    const other = new Database(lost);
    other.exec(`${BODY} WHERE id = 12`);
    const left = copyDatabase(lost);
    other.close();
    copyFileSync(index, `${left}-revisions`);
    expect(goesOn(left, [mirror])).toBe(false);
  });

  test("is found out where it damaged the WAL before the last commits", () => {
    const { database, path, mirror, clock } = setUp({ foreignCommitCheckMs: 1000 });
    changePage(database, 10);
    changePage(database, 11);
    mirror.pull(database);
    clock.advance(1000);
    const left = copyDatabase(path);
    database.close();
    const bytes = readFileSync(`${left}-wal`);
    writeFileSync(`${left}-wal`, flipped(bytes, 32 + 24 + 4120 + 100));
    expect(goesOn(left, [mirror])).toBe(false);
  });

  test.each([
    ["closed", "-wal", true],
    ["killed", "-wal", false],
    ["closed", "-revisions", false],
    ["killed", "-revisions", false],
  ])("is found out where it deleted a file: %s, %s", (end, suffix, isKnown) => {
    const { path, mirror } = stopped(end);
    rmSync(path + suffix, { force: true });
    expect(goesOn(path, [mirror])).toBe(isKnown);
  });

  test("is found out where it put the index of another database beside it", () => {
    const { path, mirror } = stopped("closed");
    const other = stopped("closed");
    copyFileSync(`${other.path}-revisions`, `${path}-revisions`);
    expect(goesOn(path, [mirror])).toBe(false);
    expect(goesOn(other.path, [other.mirror])).toBe(true);
  });
});

describe("another program that has the database open", () => {
  test("while the server closes leaves a WAL, from which it goes on", async () => {
    const { database, path, mirror } = setUp();
    const other = await startForeignWriter(path);
    await other.run("UPDATE t SET body = randomblob(3000) WHERE id = 5");
    database.close();
    expect(existsSync(`${path}-wal`)).toBe(true);
    await other.run("UPDATE t SET body = randomblob(3000) WHERE id = 6");
    const { database: again } = openDatabase({ path });
    expect(pagesToCatchUp(mirror, again, path)).toBe(2);
  });

  test("and checkpoints while the server runs does not end the history", async () => {
    const { database, path, mirror, clock } = setUp({ foreignCommitCheckMs: 1000 });
    const other = await startForeignWriter(path);
    await other.run("UPDATE t SET body = randomblob(3000) WHERE id = 5");
    // The reader that the server then begins stands behind that commit.
    clock.advance(120_000);
    mirror.copy().pull(database);
    const { mtimeNs } = statSync(path, { bigint: true });
    await other.run("PRAGMA wal_checkpoint(PASSIVE)");
    expect(statSync(path, { bigint: true }).mtimeNs).not.toBe(mtimeNs);
    clock.advance(1000);
    expect(goesOn(copyDatabase(path), [mirror])).toBe(true);
    database.close();
  });
});

describe("a client", () => {
  test.each([
    ["a future revision", (revision: string) => revision.replace(/-\d+-/, "-99-")],
    ["an epoch of nobody's", (revision: string) => revision.replace(/^.{16}/, "0123456789abcdef")],
    ["a revision of the former form", (revision: string) => revision.replace(/-[^-]*$/, "")],
  ])("that names %s gets everything", (_what, change) => {
    const { database, path, mirror } = setUp();
    mirror.revision = change(mirror.revision);
    expect(pagesToCatchUp(mirror, database, path)).toBeGreaterThan(PAGES);
    expect(mirror.revision).not.toContain("-99-");
  });
});

describe("an index", () => {
  test("that is damaged or cut off never leads to a wrong delta", () => {
    const { database, path, mirror } = setUp();
    changePage(database, 10);
    database.snapshots.checkpoint();
    const old = mirror.copy();
    changePage(database, 11);
    mirror.pull(database);
    const image = copyDatabase(path);
    database.close();
    const whole = readFileSync(`${image}-revisions`);
    for (let place = 5; place < whole.length; place += Math.ceil(whole.length / 12)) {
      for (const damaged of [flipped(whole, place), whole.subarray(0, place)]) {
        const copy = copyDatabase(image);
        writeFileSync(`${copy}-revisions`, damaged);
        goesOn(copy, [mirror, old]);
      }
    }
  });

  test("that cannot be opened is told", () => {
    const { database, path } = setUp();
    database.close();
    rmSync(`${path}-revisions`);
    mkdirSync(`${path}-revisions`);
    expect(() => openDatabase({ path })).toThrow(
      expect.objectContaining({ code: "cannot-open", message: expect.stringContaining(`${path}-revisions`) }),
    );
  });
});

function flipped(bytes: Buffer, place: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(place) ^ 0x10, place);
  return copy;
}
