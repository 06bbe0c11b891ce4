import { closeSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PAGE_SIZE } from "@tributary/core";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import { explainOpenFailure } from "../src/database/database-file.js";
import { startForeignWriter } from "./support/foreign-writer.js";
import { Mirror } from "./support/mirror.js";
import { openDatabase } from "./support/open-database.js";
import { connectTo } from "./support/run-sql.js";
import { tempDirectory } from "./support/temp-directory.js";

function writer(database: ReturnType<typeof openDatabase>["database"]): (sql: string) => void {
  const { run, close } = connectTo(database);
  onTestFinished(close);
  return run;
}

function createFile(prepare: (connection: Database.Database) => void): string {
  const path = join(tempDirectory(), "made.db");
  const connection = new Database(path);
  prepare(connection);
  connection.close();
  return path;
}

describe("deltas", () => {
  test("name exactly the pages that changed, and rebuild the file byte for byte", () => {
    const { database, path } = openDatabase();
    const run = writer(database);
    const mirror = new Mirror();
    run("CREATE TABLE t(id INTEGER PRIMARY KEY, body)");
    run(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t SELECT i, hex(randomblob(40)) FROM n",
    );
    mirror.pull(database);
    mirror.expectSameAs(path);
    expect(mirror.received).toBeGreaterThan(100);
    mirror.pull(database);
    expect(mirror.received).toBe(0);
    run("UPDATE t SET body = 'x' WHERE id = 2500");
    mirror.pull(database);
    mirror.expectSameAs(path);
    expect(mirror.received).toBeLessThan(4);
  });

  test("stay right across checkpoints, and the WAL stays bounded", () => {
    const walLimitBytes = 64 * 4120;
    const { database, path } = openDatabase({ walLimitBytes, snapshotRetentionMs: 1000 });
    const run = writer(database);
    const [often, seldom] = [new Mirror(), new Mirror()];
    run("CREATE TABLE t(id INTEGER PRIMARY KEY, body)");
    run(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT i, hex(randomblob(40)) FROM n",
    );
    seldom.pull(database);
    const { epoch } = database.log.current;
    let longest = 0;
    for (let round = 0; round < 400; round++) {
      run(`UPDATE t SET body = hex(randomblob(40)) WHERE id = ${(round * 37) % 2000}`);
      database.sync();
      if (round % 3 === 0) often.pull(database);
      if (round % 97 === 0) seldom.pull(database);
      longest = Math.max(longest, statSync(`${path}-wal`).size);
    }
    often.pull(database);
    seldom.pull(database);
    often.expectSameAs(path);
    seldom.expectSameAs(path);
    expect(database.log.current.epoch).toBe(epoch);
    expect(seldom.received).toBeLessThan(database.log.databaseSize);
    expect(longest).toBeLessThan(3 * walLimitBytes);
  });

  test("follow a database that shrinks and grows", () => {
    const { database, path } = openDatabase({
      path: createFile((connection) => connection.exec("PRAGMA auto_vacuum = 1; CREATE TABLE first(a)")),
    });
    const run = writer(database);
    const mirror = new Mirror();
    for (let round = 0; round < 5; round++) {
      run(`CREATE TABLE IF NOT EXISTS t${round}(body)`);
      run(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO t${round} SELECT zeroblob(500) FROM n`,
      );
      mirror.pull(database);
      mirror.expectSameAs(path);
      run(`DROP TABLE t${round}`);
      mirror.pull(database);
      mirror.expectSameAs(path);
    }
  });

  test("wait for the commit of a transaction that spills", () => {
    const { database, path } = openDatabase();
    const run = writer(database);
    const mirror = new Mirror();
    run("CREATE TABLE t(body)");
    mirror.pull(database);
    run("PRAGMA cache_size = 10");
    run("BEGIN");
    run(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT zeroblob(500) FROM n",
    );
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(100 * 4096);
    mirror.pull(database);
    expect(mirror.received).toBe(0);
    run("ROLLBACK");
    run("INSERT INTO t VALUES (1)");
    mirror.pull(database);
    mirror.expectSameAs(path);
    expect(mirror.received).toBeLessThan(5);
  });
});

describe("other programs", () => {
  test("write and checkpoint in every mode without a delta going wrong", async () => {
    const { database, path } = openDatabase({ walLimitBytes: 32 * 4120, snapshotRetentionMs: 0 });
    const run = writer(database);
    run("CREATE TABLE t(id INTEGER PRIMARY KEY, body)");
    run("INSERT INTO t VALUES (1, 'x')");
    const mirror = new Mirror();
    mirror.pull(database);
    const other = await startForeignWriter(path);
    for (let round = 0; round < 60; round++) {
      await other.run(`INSERT INTO t(body) VALUES (zeroblob(${100 + round * 50}))`);
      const mode = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"][round % 4];
      await other.run(`PRAGMA wal_checkpoint(${mode})`);
      if (round % 5 === 0) run("UPDATE t SET body = 'y' WHERE id = 1");
      if (round % 3 === 0) continue;
      mirror.pull(database);
      mirror.expectSameAs(path);
    }
  });

  test.each(["server", "other"])(
    "that only checkpoint let the %s's next commit start the WAL over",
    async (who) => {
      const { database, path, clock } = openDatabase({ snapshotRetentionMs: 1000 });
      const run = writer(database);
      run("CREATE TABLE t(id INTEGER PRIMARY KEY, body)");
      run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO t SELECT i, hex(randomblob(200)) FROM n",
      );
      const mirror = new Mirror();
      mirror.pull(database);
      const { epoch } = database.log.current;
      const other = await startForeignWriter(path);
      clock.advance(1001);
      mirror.pull(database);
      expect(await other.run("PRAGMA wal_checkpoint(PASSIVE)")).toMatchObject([{ busy: 0 }]);
      clock.advance(1001);
      mirror.pull(database);
      const salts = () => readFileSync(`${path}-wal`).subarray(16, 24).toString("hex");
      const before = salts();
      // A download that began before goes on over the restart.
      const slow = database.snapshots.acquireCurrent(false);
      const first = new Uint8Array(PAGE_SIZE);
      database.readPages(slow, Uint32Array.of(0), first);
      for (let round = 0; round < 3; round++) {
        const sql = `UPDATE t SET body = '${round}' WHERE id = 500`;
        if (who === "server") run(sql);
        else await other.run(sql);
        database.sync();
      }
      expect(salts()).not.toBe(before);
      const pageIds = Uint32Array.from({ length: slow.databaseSize }, (_, index) => index);
      const pages = new Uint8Array(pageIds.length * PAGE_SIZE);
      database.readPages(slow, pageIds, pages);
      expect(Buffer.compare(pages, mirror.bytes)).toBe(0);
      database.snapshots.release(slow);
      mirror.pull(database);
      mirror.expectSameAs(path);
      expect(database.log.current.epoch).toBe(epoch);
      expect(mirror.received).toBeLessThan(4);
    },
  );

  test("that checkpoint after this process lost its locks begin a new epoch", async () => {
    const { database, path } = openDatabase();
    const run = writer(database);
    run("CREATE TABLE t(a)");
    const mirror = new Mirror();
    mirror.pull(database);
    const { epoch } = database.log.current;
    // The trap of POSIX locks: whatever descriptor of the file is closed, all locks of the process on it are gone.
    closeSync(openSync(`${path}-shm`, "r"));
    const other = await startForeignWriter(path);
    expect(await other.run("PRAGMA wal_checkpoint(TRUNCATE)")).toEqual([
      { busy: 0, log: 0, checkpointed: 0 },
    ]);
    database.sync();
    expect(database.log.current.epoch).not.toBe(epoch);
    await other.run("INSERT INTO t VALUES (1)");
    mirror.pull(database);
    mirror.expectSameAs(path);
  });
});

describe("files made by others", () => {
  test.each(["delete", "wal"])("in %s mode are served", (mode) => {
    const path = createFile((connection) => {
      connection.pragma(`journal_mode = ${mode}`);
      connection.exec("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    });
    const { database } = openDatabase({ path });
    const mirror = new Mirror();
    mirror.pull(database);
    mirror.expectSameAs(path);
    expect([...mirror.bytes.subarray(18, 20)]).toEqual([2, 2]);
  });

  test("with a WAL left over from a crash are served with what it holds", () => {
    const directory = tempDirectory();
    const path = join(directory, "made.db");
    const connection = new Database(path);
    connection.pragma("journal_mode = WAL");
    connection.exec("CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(9000))");
    const copy = join(directory, "copy.db");
    writeFileSync(copy, readFileSync(path));
    writeFileSync(`${copy}-wal`, readFileSync(`${path}-wal`));
    connection.close();
    const { database } = openDatabase({ path: copy });
    const mirror = new Mirror();
    mirror.pull(database);
    mirror.expectSameAs(copy);
    expect(database.log.databaseSize).toBe(4);
  });

  test("that are empty, or do not exist yet, become databases of one page", () => {
    const empty = join(tempDirectory(), "empty.db");
    writeFileSync(empty, "");
    for (const options of [{}, { path: empty }]) {
      const { database, path } = openDatabase(options);
      const mirror = new Mirror();
      mirror.pull(database);
      expect(mirror.bytes.length).toBe(PAGE_SIZE);
      mirror.expectSameAs(path);
    }
  });

  test("with UTF-16 text are refused with a code", () => {
    const path = createFile((connection) => {
      connection.pragma("encoding = 'UTF-16le'");
      connection.exec("CREATE TABLE t(a)");
    });
    expect(() => openDatabase({ path })).toThrow(expect.objectContaining({ code: "unsupported-encoding" }));
  });

  test.each([
    ["EACCES", /permission/],
    ["EROFS", /may not be written/],
    ["SQLITE_READONLY", /may not be written/],
    ["ENOSPC", /make room/],
    ["EEXIST", /^a\/b.db is a file: give the path of a directory$/],
    ["EIO", /^cannot open a\/b.db: what Node says$/],
  ])("that fail with %s say what to do in one line", (code, expected) => {
    const text = explainOpenFailure("a/b.db", Object.assign(new Error("what Node says"), { code }));
    expect(text).toMatch(expected);
    expect(text).not.toContain("\n");
  });

  test("whose path is a directory, or lies in none, say so", () => {
    const directory = tempDirectory();
    expect(() => openDatabase({ path: directory })).toThrow(`${directory} is a directory`);
    expect(() => openDatabase({ path: join(directory, "no", "x.db") })).toThrow(
      `there is no directory ${join(directory, "no")}: create it first`,
    );
  });

  test("of another page size, or that are no databases, are refused with a code", () => {
    const small = createFile((connection) => {
      connection.pragma("page_size = 1024");
      connection.exec("CREATE TABLE t(a)");
    });
    expect(() => openDatabase({ path: small })).toThrow(
      expect.objectContaining({ code: "unsupported-page-size" }),
    );
    const text = join(tempDirectory(), "text.db");
    writeFileSync(text, "not a database, but long enough to have a header of a hundred bytes ".repeat(3));
    expect(() => openDatabase({ path: text })).toThrow(expect.objectContaining({ code: "not-a-database" }));
    const missing = join(tempDirectory(), "no", "such.db");
    expect(() => openDatabase({ path: missing })).toThrow(expect.objectContaining({ code: "cannot-open" }));
  });
});
