import { copyFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../tests/support/temporary-directory.js";
import { LogRoom } from "../src/log-room.js";

test("commits go into the room, until they have come to its end", () => {
  const path = join(temporaryDirectory(), "plain.db");
  const db = new Database(path);
  db.pragma("journal_mode = wal");
  db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)");
  const room = new LogRoom(`${path}-wal`);
  const insert = db.prepare("INSERT INTO t (body) VALUES (randomblob(4000))");
  const lengths = new Set<number>();
  const length = (): number => statSync(`${path}-wal`).size;
  for (let commit = 0; commit < 200; commit++) {
    insert.run();
    room.makeRoom(length(), 4_000_000);
    lengths.add(length());
  }
  expect(lengths.size).toBeGreaterThan(3);
  expect(lengths.size).toBeLessThan(12);
  // What a machine that stops now leaves behind.
  for (const end of ["", "-wal"]) copyFileSync(path + end, `${path}.left${end}`);
  const left = new Database(`${path}.left`);
  expect(left.prepare("SELECT count(*) FROM t").pluck().get()).toBe(200);
  expect(left.pragma("integrity_check", { simple: true })).toBe("ok");
  left.close();
  db.close();
});

test("room never makes the file longer than it may be, and is made in a log only", () => {
  const path = join(temporaryDirectory(), "log");
  const room = new LogRoom(path);
  writeFileSync(path, "");
  room.makeRoom(0, 10_000);
  expect(statSync(path).size).toBe(0);
  writeFileSync(path, "a commit");
  room.makeRoom(8, 10_000);
  expect(readFileSync(path)).toEqual(Buffer.concat([Buffer.from("a commit"), Buffer.alloc(9_992)]));
  room.makeRoom(10_000, 10_000);
  expect(statSync(path).size).toBe(10_000);
});

test("no room is no failure", () => {
  const room = new LogRoom(join(temporaryDirectory(), "missing", "log"));
  expect(() => room.makeRoom(8, 10_000)).not.toThrow();
});
