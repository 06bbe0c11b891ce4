import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { Mirror } from "./support/mirror.js";
import { openDatabase } from "./support/open-database.js";
import { connectTo, createPages } from "./support/run-sql.js";

/** The two copies of what SQLite says of the log, at the beginning of the `-shm` file, bytes. */
const INDEX_HEADER_BYTES = 96;

/** Takes back that SQLite was told of a commit, as if its writer had been killed before it could. */
function killedBeforeItWasTold(path: string, write: () => void): void {
  const before = readFileSync(`${path}-shm`).subarray(0, INDEX_HEADER_BYTES);
  write();
  const descriptor = openSync(`${path}-shm`, "r+");
  writeSync(descriptor, before, 0, INDEX_HEADER_BYTES, 0);
  closeSync(descriptor);
}

test("a commit whose writer died before SQLite was told of it is none", () => {
  const { database, path } = openDatabase();
  createPages(database, 10);
  const writer = connectTo(database);
  onTestFinished(writer.close);
  const mirror = new Mirror();
  mirror.pull(database);
  const { revision } = mirror;
  killedBeforeItWasTold(path, () => writer.run("UPDATE t SET body = randomblob(3000)"));
  mirror.pull(database);
  expect(mirror.revision).toBe(revision);
  mirror.expectSameAs(path);
  // Its place in the log is taken by another, which is shorter.
  writer.run("UPDATE t SET body = 'short' WHERE id = 5");
  mirror.pull(database);
  expect(mirror.revision).not.toBe(revision);
  expect(mirror.received).toBeLessThan(5);
  mirror.expectSameAs(path);
});
