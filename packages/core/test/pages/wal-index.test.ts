import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { addIndexEntries, blockOfFrame } from "../../src/sqlite-format/wal-index-format.js";
import { RemoteDatabase } from "./support/remote-database.js";
import { tempDirectory } from "./support/temp-directory.js";
import { TestReplica } from "./support/test-replica.js";

const SCHEMA = `CREATE TABLE item (id INTEGER PRIMARY KEY, body TEXT);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
  INSERT INTO item SELECT i, hex(zeroblob(1900)) FROM n;`;

/** The index that SQLite makes of a database and its log. */
function rebuiltIndex(path: string): Buffer {
  const copy = join(tempDirectory(), "copy.db");
  for (const suffix of ["", "-wal"]) copyFileSync(path + suffix, copy + suffix);
  const db = new Database(copy);
  db.prepare("SELECT count(*) FROM sqlite_schema").get();
  const index = readFileSync(`${copy}-shm`);
  db.close();
  return index;
}

/** Header, without the counter of changes and its checksum, and entries. */
function partsOf(index: Buffer): Buffer[] {
  return [index.subarray(0, 8), index.subarray(12, 40), index.subarray(136)];
}

it("is, after publishes, what SQLite makes of the log, over blocks and among SQLite's own commits", () => {
  const remote = new RemoteDatabase(SCHEMA);
  const replica = TestReplica.create(remote.bytes());
  // SQLite begins the log; where we do, nobody has an index of it yet.
  replica.app.exec("CREATE TABLE own (x)");
  for (let round = 0; round < 3; round++) {
    remote.exec("UPDATE item SET body = substr(body, 2)");
    replica.pull(remote.bytes());
    const index = readFileSync(`${replica.path}-shm`);
    expect(index.subarray(0, 48).equals(index.subarray(48, 96))).toBe(true);
    // Nobody has read it since it was published.
    const rebuilt = rebuiltIndex(replica.path);
    for (const [part, bytes] of partsOf(index).entries())
      expect(bytes.equals(partsOf(rebuilt)[part] as Buffer)).toBe(true);
    replica.app.exec("INSERT INTO item VALUES (10000, 'local')");
    expect(replica.app.prepare("SELECT count(*) FROM item").pluck().get()).toBe(1501);
  }
  expect(blockOfFrame(replica.run(replica.pages.logFrames())).offset).toBeGreaterThan(0);
  replica.check();
});

it("removes what a writer that died has left in a block", () => {
  const { length } = blockOfFrame(1);
  const clean = new Uint8Array(length);
  addIndexEntries(clean, 0, Uint32Array.of(5, 9, 5));
  const left = clean.slice();
  addIndexEntries(left, 3, Uint32Array.of(7, 9, 8197));
  expect(addIndexEntries(clean, 3, Uint32Array.of(6))).toBe(true);
  expect(addIndexEntries(left, 3, Uint32Array.of(6))).toBe(true);
  expect(left).toEqual(clean);
});

it("is not added to where a block has no room that it should have", () => {
  const full = new Uint8Array(blockOfFrame(5000).length).fill(1);
  full.fill(0, 0, 4096 * 4);
  expect(addIndexEntries(full, 2, Uint32Array.of(6))).toBe(false);
});
