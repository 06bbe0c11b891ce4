import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { formatRevision } from "../../src/pages/revision.js";
import { LogRoom } from "../../src/wal/log-room.js";
import { copyDatabase } from "../support/copy-database.js";
import { Mirror } from "../support/mirror.js";
import { openDatabase } from "../support/open-database.js";
import { runSql } from "../support/run-sql.js";
import { tempDirectory } from "../support/temp-directory.js";

const LIMIT = 1_000_000;

test("commits go into room that was made before they come to its end, and a log at its limit is not made longer", () => {
  const { database, path } = openDatabase({ walLimitBytes: LIMIT });
  const log = `${path}-wal`;
  runSql(database, "CREATE TABLE t(id INTEGER PRIMARY KEY, body)");
  const lengths = new Set<number>();
  const walBytes = (): number => database.status().walBytes;
  let commits = 0;
  for (; walBytes() < LIMIT / 2; commits++) {
    const { size } = statSync(log);
    const before = walBytes();
    runSql(database, "INSERT INTO t(body) VALUES (randomblob(3000))");
    expect(walBytes()).toBeGreaterThan(before);
    expect(walBytes(), "it fits into the file as it was").toBeLessThanOrEqual(size);
    lengths.add(statSync(log).size);
  }
  expect(lengths.size).toBeLessThan(4);
  // What a machine that stops now leaves behind.
  const left = copyDatabase(path);
  expect(statSync(`${left}-wal`).size).toBeGreaterThan(walBytes());
  const mirror = new Mirror();
  mirror.pull(openDatabase({ path: left }).database);
  expect(mirror.revision).toBe(formatRevision(database.log.current));
  mirror.expectSameAs(left);
  const plain = new Database(left);
  expect(plain.prepare("SELECT count(*) FROM t").pluck().get()).toBe(commits);
  expect(plain.pragma("integrity_check", { simple: true })).toBe("ok");
  plain.close();
  for (let more = 0; more < 400; more++) {
    runSql(database, "INSERT INTO t(body) VALUES (randomblob(3000))");
    expect(statSync(log).size).toBeLessThanOrEqual(Math.max(LIMIT, walBytes() + 16_480));
  }
});

test("room is zeros behind what is there, up to the limit", () => {
  const path = join(tempDirectory(), "log");
  writeFileSync(path, "commits");
  const room = new LogRoom(path, 300_000);
  room.keepRoom(0);
  expect(statSync(path).size).toBe(7);
  room.keepRoom(7);
  const length = 7 + 256 * 1024;
  expect(readFileSync(path).equals(Buffer.concat([Buffer.from("commits"), Buffer.alloc(length - 7)]))).toBe(
    true,
  );
  room.keepRoom(100_000);
  expect(statSync(path).size).toBe(length);
  room.keepRoom(230_000);
  expect(statSync(path).size).toBe(300_000);
  room.keepRoom(299_000);
  expect(statSync(path).size).toBe(300_000);
});

test("room is made in a log that is there only, and no room is no failure", () => {
  const path = join(tempDirectory(), "log");
  new LogRoom(path, 300_000).keepRoom(32);
  expect(existsSync(path)).toBe(false);
});
