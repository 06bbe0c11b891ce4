import { copyFileSync } from "node:fs";
import { expect, test } from "vitest";
import { contentsOf } from "../support/contents.js";
import { startTributary } from "../support/remotes.js";
import { replicaOf } from "../support/replicas.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const FILES = ["", "-wal", "-info", "-revert"];

/** The files of a replica as they are, under another directory. */
function copyOf(path: string, directory: string): string {
  const copy = `${directory}/replica.db`;
  for (const suffix of FILES) {
    try {
      copyFileSync(path + suffix, copy + suffix);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return copy;
}

test("after a power cut that took pushed changes away, new ones are pushed all the same", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE log (line TEXT)");
  const replica = await replicaOf(remote.url, { database: { synchronous: "OFF" } });
  replica.db.exec("INSERT INTO log VALUES ('durable')");
  // What is on disk now is all that is left after the power cut.
  const copy = copyOf(replica.path, temporaryDirectory());
  for (let line = 0; line < 20; line++)
    replica.db.prepare("INSERT INTO log VALUES (?)").run(`pushed ${line}`);
  await replica.push();
  const again = await replicaOf(remote.url, { path: copy });
  expect(again.clientId).toBe(replica.clientId);
  // As many as were lost: their ids would be the same.
  for (let line = 0; line < 20; line++) again.db.prepare("INSERT INTO log VALUES (?)").run(`new ${line}`);
  await again.sync();
  expect(await remote.query("SELECT count(*) FROM log")).toEqual([[41n]]);
  expect((contentsOf(again.db).log as string[]).length).toBe(41);
  expect((await again.stats()).pendingChanges).toBe(0);
});

test("nor are they confused after a second power cut", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE log (line TEXT)");
  const options = { database: { synchronous: "NORMAL" as const } };
  const first = await replicaOf(remote.url, options);
  first.db.exec("INSERT INTO log VALUES ('durable')");
  const second = await replicaOf(remote.url, { ...options, path: copyOf(first.path, temporaryDirectory()) });
  await second.checkpoint();
  const copy = copyOf(second.path, temporaryDirectory());
  second.db.exec("INSERT INTO log VALUES ('pushed, then lost')");
  await second.push();
  const third = await replicaOf(remote.url, { path: copy });
  third.db.exec("INSERT INTO log VALUES ('new')");
  await third.sync();
  expect(await remote.query("SELECT line FROM log")).toContainEqual(["new"]);
  expect(await remote.query("SELECT count(*) FROM log")).toEqual([[3n]]);
});

test("a replica that was closed leaves no gap", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE log (line TEXT)");
  const replica = await replicaOf(remote.url);
  replica.db.exec("INSERT INTO log VALUES ('one')");
  await replica.close();
  const again = await replicaOf(remote.url, { path: replica.path });
  again.db.exec("INSERT INTO log VALUES ('two')");
  const ids = again.db.prepare("SELECT id FROM tributary_tape ORDER BY id").pluck().all();
  expect(ids).toEqual([1, 2]);
});
