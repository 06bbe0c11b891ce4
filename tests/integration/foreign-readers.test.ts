import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { expect, onTestFinished, test } from "vitest";
import { startTributary } from "../support/remotes.js";
import { replicaOf, rows } from "../support/replicas.js";

/** Reads now on a connection of its own for each read, now on one that stays. */
const READER = `
import { createRequire } from "node:module";
const [entry, path] = process.argv.slice(1);
const Database = createRequire(entry)(entry);
const SQL = "SELECT count(*) FROM sqlite_schema";
const standing = new Database(path, { readonly: true });
for (let turn = 0; ; turn++) {
  const passing = new Database(path, { readonly: true });
  passing.prepare(SQL).get();
  passing.close();
  for (let read = 0; read < 20; read++) standing.prepare(SQL).get();
  if (turn === 0) process.stdout.write("reading");
  if (turn % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
}`;

/** A process that reads the file all the time; resolves when it does. */
async function startReader(path: string): Promise<ChildProcess> {
  const entry = createRequire(import.meta.url).resolve("better-sqlite3");
  const args = ["--input-type=module", "--eval", READER, entry, path];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  await once(child.stdout as NodeJS.ReadableStream, "data");
  return child;
}

test("pulls go on while other processes read the file all the time", { timeout: 120_000 }, async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, source TEXT)");
  const replica = await replicaOf(remote.url);
  const readers = [await startReader(replica.path), await startReader(replica.path)];
  const insert = replica.db.prepare("INSERT INTO t VALUES (?, 'local')");
  for (let n = 0; n < 100; n++) {
    insert.run(2 * n);
    await remote.query("INSERT INTO t VALUES (?, 'remote')", [2 * n + 1]);
    expect(await replica.pull()).toBe(true);
  }
  expect(readers.map((reader) => reader.exitCode)).toEqual([null, null]);
  const expected = [
    ["local", 100],
    ["remote", 100],
  ];
  expect(rows(replica, "SELECT source, count(*) FROM t GROUP BY source ORDER BY source")).toEqual(expected);
  expect((await replica.stats()).pendingChanges).toBe(100);
  await replica.sync();
  expect(await remote.query("SELECT count(*) FROM t")).toEqual([[200n]]);
  expect(replica.db.pragma("integrity_check", { simple: true })).toBe("ok");
});
