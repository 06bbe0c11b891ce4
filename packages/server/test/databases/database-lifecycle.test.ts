import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { DatabaseJobs } from "../../src/database/database-jobs.js";
import { inlineJobs } from "../../src/database/database-jobs.js";
import { Mirror } from "../support/mirror.js";
import { openRegistry, withDatabase } from "../support/open-registry.js";
import { changePage, createPages, runSql } from "../support/run-sql.js";
import { settle } from "../support/settle.js";

const IDLE_MS = 1000;
/** More than any file system's tick that closing waits for. */
const TICK_MS = 100;

/** Lets idle databases be closed. */
async function passIdleTime(clock: { advance(milliseconds: number): void }): Promise<void> {
  clock.advance(IDLE_MS);
  await settle();
  clock.advance(TICK_MS);
  await settle();
}

function openNames(registry: ReturnType<typeof openRegistry>["registry"]): string[] {
  return registry.openDatabases().map(({ name }) => name);
}

test("a database that nobody uses is closed, and opened again with its revisions", async () => {
  const { registry, clock, fileOf } = openRegistry({ databaseIdleTimeoutMs: IDLE_MS });
  const [old, recent] = [new Mirror(), new Mirror()];
  withDatabase(registry, "acme", (database) => {
    createPages(database, 40);
    old.pull(database);
    changePage(database, 5);
    recent.pull(database);
  });
  await passIdleTime(clock);
  expect(openNames(registry)).toEqual([]);
  expect(readdirSync(fileOf("acme").replace("/database.db", "")).sort()).toEqual([
    "database.db",
    "database.db-revisions",
  ]);
  expect(clock.timerCount).toBe(0);
  withDatabase(registry, "acme", (database) => {
    changePage(database, 6);
    recent.pull(database);
    expect(recent.received).toBe(1);
    old.pull(database);
    expect(old.received).toBe(2);
    for (const mirror of [old, recent]) mirror.expectSameAs(fileOf("acme"));
  });
});

test("it stays open while there is a lease, and after it for the whole time", async () => {
  const { registry, clock } = openRegistry({ databaseIdleTimeoutMs: IDLE_MS });
  const [first, second] = [registry.acquire("acme", true), registry.acquire("acme", false)];
  expect(second.database).toBe(first.database);
  first.release();
  first.release();
  await passIdleTime(clock);
  expect(openNames(registry)).toEqual(["acme"]);
  second.release();
  clock.advance(IDLE_MS - 1);
  await settle();
  registry.acquire("acme", false).release();
  clock.advance(IDLE_MS - 1);
  await settle();
  expect(openNames(registry)).toEqual(["acme"]);
  runSql(first.database, "CREATE TABLE t(a)");
  await passIdleTime(clock);
  expect(openNames(registry)).toEqual([]);
});

test("who comes while it is being closed finds it open", async () => {
  const { registry, clock } = openRegistry({ databaseIdleTimeoutMs: IDLE_MS });
  withDatabase(registry, "acme", (database) => createPages(database, 10));
  clock.advance(IDLE_MS);
  const lease = registry.acquire("acme", false);
  await settle();
  clock.advance(TICK_MS);
  await settle();
  runSql(lease.database, "DELETE FROM t");
  expect(openNames(registry)).toEqual(["acme"]);
  lease.release();
  await passIdleTime(clock);
  expect(openNames(registry)).toEqual([]);
});

test("the one idle longest makes room, and nobody does whose database is in use", async () => {
  const beforeClose = vi.fn();
  const { registry, clock } = openRegistry({ maxOpenDatabases: 2 }, { beforeClose });
  const a = registry.acquire("a", true);
  const b = registry.acquire("b", true);
  expect(() => registry.acquire("c", true)).toThrow(
    expect.objectContaining({ code: "too-many-databases", message: expect.stringContaining("2 databases") }),
  );
  // It was made, which does not need it open.
  expect(await registry.list()).toEqual(["a", "b", "c"]);
  b.release();
  clock.advance(1);
  a.release();
  registry.acquire("c", false).release();
  expect(openNames(registry)).toEqual(["a", "c"]);
  expect(beforeClose.mock.calls).toEqual([[b.database]]);
  clock.advance(1);
  registry.acquire("a", false).release();
  registry.acquire("b", false).release();
  expect(openNames(registry)).toEqual(["a", "b"]);
});

test("places are kept free, so that opening need not wait for closing", async () => {
  const { registry, clock } = openRegistry({ maxOpenDatabases: 32 });
  for (let index = 0; index < 32; index++) {
    registry.acquire(`db-${index}`, true).release();
    clock.advance(1);
    await settle();
    clock.advance(TICK_MS);
    await settle();
  }
  expect(openNames(registry)).toHaveLength(30);
  expect(openNames(registry)).not.toContain("db-0");
  expect(openNames(registry)).toContain("db-31");
});

test("three hundred databases in turn need no more descriptors than the few that may be open", async () => {
  // Ahead of the files' times, so that no closing waits for the tick of the file system's clock.
  const now = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 3.6e6);
  onTestFinished(() => now.mockRestore());
  // In memory, where bringing things to the disk costs nothing.
  const dataDirectory = mkdtempSync(
    join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "tributary-server-"),
  );
  onTestFinished(() => rmSync(dataDirectory, { recursive: true, force: true }));
  const { registry, clock } = openRegistry({ dataDirectory, maxOpenDatabases: 20 });
  const descriptors = (): number => readdirSync("/proc/self/fd").length;
  const before = descriptors();
  let most = 0;
  for (let index = 0; index < 300; index++) {
    withDatabase(registry, `db-${index}`, (database) => runSql(database, `CREATE TABLE t${index}(a)`));
    most = Math.max(most, descriptors() - before);
    clock.advance(1);
  }
  await settle();
  expect(registry.openDatabases().length).toBeLessThanOrEqual(20);
  expect(most).toBeLessThan(20 * 10);
  expect(await registry.list()).toHaveLength(300);
  withDatabase(registry, "db-7", (database) => runSql(database, "INSERT INTO t7 VALUES (1)"));
  await registry.close();
  expect(descriptors()).toBeLessThanOrEqual(before);
});

test("a database that cannot be opened leaves no trace of itself among the open ones", async () => {
  const { registry, fileOf } = openRegistry();
  await registry.create("acme");
  writeFileSync(fileOf("acme"), "x".repeat(5000));
  expect(() => registry.acquire("acme", false)).toThrow(expect.objectContaining({ code: "not-a-database" }));
  expect(openNames(registry)).toEqual([]);
  writeFileSync(fileOf("acme"), "");
  registry.acquire("acme", false).release();
});

test("only who may makes a database by using it", async () => {
  const { registry } = openRegistry();
  for (const name of ["acme", "../x", "Acme", "admin"]) {
    expect(() => registry.acquire(name, false)).toThrow(
      expect.objectContaining({ code: name === "acme" ? "no-such-database" : "invalid-name" }),
    );
  }
  registry.acquire("acme", true).release();
  registry.acquire("acme", false).release();
  expect(await registry.list()).toEqual(["acme"]);
});

test("closing waits for the checkpoints of all, then nothing can be had", async () => {
  let finish = (): void => {};
  const jobs: DatabaseJobs = {
    ...inlineJobs,
    checkpoint: (path) =>
      new Promise((resolve) => {
        finish = () => resolve(inlineJobs.checkpoint(path));
      }),
  };
  const { registry, directory } = openRegistry({ walLimitBytes: 1e9 }, { jobs });
  const lease = registry.acquire("acme", true);
  createPages(lease.database, 500);
  const closing = registry.close();
  await settle();
  expect(lease.database.status().walBytes).toBeGreaterThan(2e6);
  expect(() => registry.acquire("acme", false)).toThrow(expect.objectContaining({ code: "closed" }));
  finish();
  await closing;
  expect(() => lease.database.sync()).toThrow(expect.objectContaining({ code: "closed" }));
  lease.release();
  for (const use of [
    () => registry.list(),
    () => registry.create("x"),
    () => registry.fork("acme", "x"),
    () => registry.export("acme"),
    () => registry.verify("acme"),
    () => registry.status("acme"),
    () => registry.remove("acme"),
  ])
    await expect(use()).rejects.toMatchObject({ code: "closed" });
  await registry.close();
  // The directory is free again.
  const next = openRegistry({ dataDirectory: directory }).registry;
  expect(await next.list()).toEqual(["acme"]);
});
