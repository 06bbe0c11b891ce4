import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  chunksOf,
  contentOf,
  exported,
  fillDisk,
  leftovers,
  makeFile,
  writeBytes,
} from "../support/database-files.js";
import { startForeignWriter } from "../support/foreign-writer.js";
import { openRegistry, withDatabase } from "../support/open-registry.js";
import { changePage, connectTo, createPages, runSql } from "../support/run-sql.js";
import { settle } from "../support/settle.js";
import { tempDirectory } from "../support/temp-directory.js";

describe("a copy", () => {
  test("is the database as it was when it was begun, though it was written to and checkpointed meanwhile", async () => {
    const { registry, directory, fileOf } = openRegistry({ walLimitBytes: 8 * 4120 });
    const lease = registry.acquire("from", true);
    createPages(lease.database, 300);
    changePage(lease.database, 7);
    const before = contentOf(fileOf("from"));
    const forking = registry.fork("from", "to");
    const streamed = await registry.export("from");
    for (let id = 1; id <= 200; id++) {
      changePage(lease.database, id);
      if (id % 50 === 0) await new Promise(setImmediate);
    }
    await forking;
    const pieces: Uint8Array[] = [];
    for await (const piece of streamed) pieces.push(piece);
    expect(contentOf(writeBytes(Buffer.concat(pieces)))).toEqual(before);
    expect(await registry.list()).toEqual(["from", "to"]);
    withDatabase(registry, "to", (database) => {
      expect(database.log.current.epoch).not.toBe(lease.database.log.current.epoch);
      expect(contentOf(fileOf("to"))).toEqual(before);
      runSql(database, "DELETE FROM t");
    });
    expect(contentOf(fileOf("from"))).not.toEqual(before);
    expect(contentOf(fileOf("from"))).toHaveLength(300);
    expect(leftovers(directory)).toEqual([]);
    lease.release();
  });

  test("of an empty database is an empty database", async () => {
    const { registry } = openRegistry();
    await registry.create("empty");
    const bytes = await exported(registry, "empty");
    const file = writeBytes(bytes);
    expect(() => contentOf(file)).toThrow(/no such table/);
    await registry.fork("empty", "copy");
    await registry.import("again", chunksOf(bytes));
    for (const name of ["copy", "again"]) {
      withDatabase(registry, name, (database) => runSql(database, "CREATE TABLE t(a)"));
      expect(await registry.verify(name)).toEqual([]);
    }
  });

  test("that is exported and imported again has the same content", async () => {
    const { registry, fileOf, directory } = openRegistry();
    withDatabase(registry, "one", (database) => {
      createPages(database, 100);
      changePage(database, 50);
    });
    const bytes = await exported(registry, "one");
    await registry.import("two", chunksOf(bytes, 777));
    expect(readFileSync(fileOf("two")).equals(bytes)).toBe(true);
    withDatabase(registry, "two", () => expect(contentOf(fileOf("two"))).toEqual(contentOf(fileOf("one"))));
    // The second is in WAL mode by then.
    expect((await exported(registry, "two")).length).toBe(bytes.length);
    expect(leftovers(directory)).toEqual([]);
  });

  test("holds the WAL only until it is taken, given up, or left for too long", async () => {
    const { registry, clock, fileOf } = openRegistry({
      walLimitBytes: 8 * 4120,
      databaseIdleTimeoutMs: 1000,
      downloadStallTimeoutMs: 5000,
    });
    const lease = registry.acquire("acme", true);
    createPages(lease.database, 200);
    const [taken, stalled] = [await registry.export("acme"), await registry.export("acme")];
    const taking = taken.getReader();
    await taking.read();
    lease.release();
    clock.advance(4000);
    await settle();
    expect(registry.openDatabases()).toHaveLength(1);
    await taking.cancel();
    clock.advance(1000);
    await expect(stalled.getReader().read()).rejects.toThrow(/took nothing for 5000 ms/);
    clock.advance(1000);
    await settle();
    clock.advance(100);
    await settle();
    expect(registry.openDatabases()).toEqual([]);
    expect(existsSync(`${fileOf("acme")}-wal`)).toBe(false);
  });

  test("is not made under a name that is taken, or none, or of what is not there", async () => {
    const { registry, directory } = openRegistry();
    await registry.create("a");
    await registry.create("b");
    const refusals: [Promise<unknown>, string][] = [
      [registry.fork("a", "b"), "database-exists"],
      [registry.fork("a", "a"), "database-exists"],
      [registry.fork("a", "../c"), "invalid-name"],
      [registry.fork("../a", "c"), "invalid-name"],
      [registry.fork("x", "c"), "no-such-database"],
      [registry.create("a"), "database-exists"],
      [registry.create("A"), "invalid-name"],
      [registry.create("health"), "invalid-name"],
      [registry.import("a", chunksOf(Buffer.alloc(0))), "database-exists"],
      [registry.import("..", chunksOf(Buffer.alloc(0))), "invalid-name"],
      [registry.export("x"), "no-such-database"],
      [registry.verify("x"), "no-such-database"],
      [registry.status("x"), "no-such-database"],
      [registry.status("."), "invalid-name"],
      [registry.remove("x"), "no-such-database"],
      [registry.remove("../databases/a"), "invalid-name"],
    ];
    for (const [refused, code] of refusals) await expect(refused).rejects.toMatchObject({ code });
    expect(await registry.list()).toEqual(["a", "b"]);
    expect(leftovers(directory)).toEqual([]);
  });

  test("that does not fit on the disk is not there at all", async () => {
    const { registry, directory, clock } = openRegistry({ databaseIdleTimeoutMs: 1000 });
    withDatabase(registry, "a", (database) => createPages(database, 200));
    await fillDisk();
    await expect(registry.fork("a", "b")).rejects.toMatchObject({ code: "ENOSPC" });
    expect(await registry.list()).toEqual(["a"]);
    expect(leftovers(directory)).toEqual([]);
    // The lease of it is gone too.
    clock.advance(1000);
    await settle();
    clock.advance(100);
    await settle();
    expect(registry.openDatabases()).toEqual([]);
  });

  test("of two with one name, one is made", async () => {
    const { registry, directory } = openRegistry();
    withDatabase(registry, "a", (database) => createPages(database, 200));
    const results = await Promise.allSettled([registry.fork("a", "b"), registry.fork("a", "b")]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(leftovers(directory)).toEqual([]);
  });
});

describe("deleting", () => {
  test("ends the use of a database, and its name is free again", async () => {
    const { registry, directory, fileOf, clock } = openRegistry();
    const lease = registry.acquire("acme", true);
    createPages(lease.database, 200);
    const waiting = lease.database.commitWaiters.wait(60_000, new AbortController().signal);
    const streamed = await registry.export("acme");
    const forking = registry.fork("acme", "copy").catch((error: unknown) => error);
    let letGo = (): void => {};
    lease.onRemoved = vi.fn(() => new Promise<void>((resolve) => (letGo = resolve)));
    const removing = registry.remove("acme");
    expect(() => registry.acquire("acme", true)).toThrow(
      expect.objectContaining({ code: "no-such-database" }),
    );
    await expect(registry.remove("acme")).rejects.toMatchObject({ code: "no-such-database" });
    await expect(registry.create("acme")).rejects.toMatchObject({ code: "database-exists" });
    expect(await registry.list()).toEqual([]);
    expect(lease.onRemoved).toHaveBeenCalledOnce();
    lease.database.sync();
    letGo();
    await removing;
    await waiting;
    expect(() => lease.database.sync()).toThrow(expect.objectContaining({ code: "closed" }));
    await expect(
      (async () => {
        for await (const _ of streamed);
      })(),
    ).rejects.toMatchObject({ code: "closed" });
    // It is whole, or not there.
    const failure = await forking;
    expect(await registry.list()).toEqual(failure === undefined ? ["copy"] : []);
    if (failure !== undefined) expect(failure).toMatchObject({ code: "no-such-database" });
    expect(existsSync(dirname(fileOf("acme")))).toBe(false);
    lease.release();
    expect(leftovers(directory)).toEqual([]);
    await registry.create("acme");
    expect((await exported(registry, "acme")).length).toBeLessThanOrEqual(4096);
    clock.advance(1e9);
  });

  test("takes what is not open, and links only", async () => {
    const { registry, directory } = openRegistry();
    const elsewhere = tempDirectory();
    writeFileSync(
      join(elsewhere, "database.db"),
      makeFile((connection) => connection.exec("CREATE TABLE t(id, body)")),
    );
    symlinkSync(elsewhere, join(directory, "databases", "linked"));
    expect(await registry.list()).toEqual(["linked"]);
    withDatabase(registry, "linked", (database) => runSql(database, "INSERT INTO t VALUES (1, 2)"));
    await registry.remove("linked");
    expect(await registry.list()).toEqual([]);
    expect(existsSync(join(elsewhere, "database.db"))).toBe(true);
    await registry.create("plain");
    await registry.remove("plain");
    expect(leftovers(directory)).toEqual([]);
  });
});

describe("the data directory", () => {
  test("belongs to one server at a time", async () => {
    const { registry, directory } = openRegistry();
    const second = () => openRegistry({ dataDirectory: directory });
    expect(second).toThrow(
      expect.objectContaining({ code: "database-busy", message: expect.stringContaining("stop it first") }),
    );
    expect(second).toThrow(expect.objectContaining({ code: "database-busy" }));
    await registry.create("acme");
    await registry.close();
    expect(await second().registry.list()).toEqual(["acme"]);
  });

  test("is free again when the process that had it was killed", async () => {
    const { registry, directory } = openRegistry();
    await registry.close();
    const other = await startForeignWriter(join(directory, "lock"));
    await other.run("BEGIN EXCLUSIVE");
    const open = () => openRegistry({ dataDirectory: directory });
    expect(open).toThrow(expect.objectContaining({ code: "database-busy" }));
    await other.kill();
    open();
  });

  test("has no half-made databases after a crash", async () => {
    const { registry, directory } = openRegistry();
    await registry.create("acme");
    await registry.close();
    mkdirSync(join(directory, "tmp", "half-made"));
    writeFileSync(join(directory, "tmp", "half-made", "database.db"), "x");
    writeFileSync(join(directory, "tmp", "etilqs_1"), "x");
    mkdirSync(join(directory, "databases", "no-database"));
    mkdirSync(join(directory, "databases", "Not.A.Name"));
    writeFileSync(join(directory, "databases", "file"), "x");
    const next = openRegistry({ dataDirectory: directory }).registry;
    expect(leftovers(directory)).toEqual([]);
    expect(await next.list()).toEqual(["acme"]);
    expect(() => next.acquire("no-database", false)).toThrow(
      expect.objectContaining({ code: "no-such-database" }),
    );
    await expect(next.create("file")).rejects.toMatchObject({ code: "database-exists" });
  });

  test("that cannot be one is told at the start", () => {
    const file = writeBytes(Buffer.from("x"));
    for (const dataDirectory of [file, join(file, "data")]) {
      expect(() => openRegistry({ dataDirectory })).toThrow(expect.objectContaining({ code: "cannot-open" }));
    }
  });
});

test("what is known of a database does not need it open", async () => {
  const { registry } = openRegistry({ maxOpenDatabases: 1 });
  withDatabase(registry, "a", (database) => createPages(database, 10));
  const open = await registry.status("a");
  expect(open).toMatchObject({ name: "a", isOpen: true, waiters: 0, maintenanceError: undefined });
  expect(open.revision).toMatch(/^[0-9a-f]{16}-/);
  expect(open.walBytes).toBeGreaterThan(40_000);
  registry.acquire("b", true).release();
  const closed = await registry.status("a");
  expect(closed).toMatchObject({ name: "a", isOpen: false, walBytes: 0, revision: undefined });
  expect(closed.databaseBytes).toBeGreaterThan(40_000);
  expect(registry.openDatabases().map(({ name }) => name)).toEqual(["b"]);
});

test("what is wrong with a database is told", async () => {
  const { registry, fileOf } = openRegistry();
  const lease = registry.acquire("acme", true);
  const connection = connectTo(lease.database);
  onTestFinished(() => connection.close());
  connection.run(
    "CREATE TABLE u(id INTEGER PRIMARY KEY); CREATE TABLE t(id REFERENCES u); INSERT INTO u VALUES (1)",
  );
  connection.run("INSERT INTO t VALUES (1), (1)");
  expect(await registry.verify("acme")).toEqual([]);
  connection.run("PRAGMA foreign_keys = OFF; INSERT INTO t VALUES (7), (8)");
  expect(await registry.verify("acme")).toEqual(["2 rows of t refer to rows of u that are not there"]);
  connection.close();
  lease.release();
  await registry.import(
    "bad",
    chunksOf(
      makeFile((made) =>
        made.exec(
          "CREATE TABLE t(id INTEGER PRIMARY KEY, a); CREATE INDEX i ON t(a); INSERT INTO t VALUES (1, 2)",
        ),
      ),
    ),
  );
  const bytes = readFileSync(fileOf("bad"));
  bytes.fill(0, 2 * 4096 + 8, 2 * 4096 + 12);
  bytes.fill(0, 3 * 4096 - 20, 3 * 4096);
  writeFileSync(fileOf("bad"), bytes);
  expect((await registry.verify("bad")).length).toBeGreaterThan(0);
});

describe("a server of a single file", () => {
  test("has one database, which is never closed", async () => {
    const path = join(tempDirectory(), "one.db");
    const { registry, clock } = openRegistry({ path, databaseIdleTimeoutMs: 10 });
    expect(existsSync(path)).toBe(true);
    registry.acquire("default", false).release();
    clock.advance(1000);
    await settle();
    expect(registry.openDatabases()).toHaveLength(1);
    expect(await registry.list()).toEqual(["default"]);
    for (const name of ["acme", "DEFAULT", "../x"]) {
      expect(() => registry.acquire(name, true)).toThrow(
        expect.objectContaining({ code: "no-such-database" }),
      );
    }
    withDatabase(registry, "default", (database) => createPages(database, 10));
    expect(await registry.verify("default")).toEqual([]);
    expect(contentOf(writeBytes(await exported(registry, "default")))).toHaveLength(10);
    expect(await registry.status("default")).toMatchObject({ name: "default", isOpen: true });
    for (const refused of [
      registry.create("x"),
      registry.fork("default", "x"),
      registry.import("x", chunksOf(Buffer.alloc(0))),
      registry.remove("default"),
    ])
      await expect(refused).rejects.toMatchObject({ code: "single-database" });
    expect(readdirSync(dirname(path)).filter((file) => !file.startsWith("one.db"))).toEqual([]);
  });

  test("does not start with a file that cannot be served", () => {
    const path = writeBytes(Buffer.from("no database".repeat(100)));
    expect(() => openRegistry({ path })).toThrow(expect.objectContaining({ code: "not-a-database" }));
  });
});
