import { existsSync } from "node:fs";
import { createTapeSql, SyncError } from "@tributary/core";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { createBetterSqlite3 } from "../src/index.js";
import { beginCapture, openHarness, temporaryPath } from "./capture-harness.js";

describe("createBetterSqlite3", () => {
  test("opens in WAL mode without checkpoints, and closes all", () => {
    const path = temporaryPath();
    const io = createBetterSqlite3();
    expect(() => io.db).toThrow(expect.objectContaining({ code: "invalid-state" }));
    io.openConnections(path);
    expect(() => io.openConnections(path)).toThrow(SyncError);
    expect(io.db.pragma("foreign_keys", { simple: true })).toBe(1);
    expect(io.db.pragma("synchronous", { simple: true })).toBe(2);
    io.executeSql("writer", "CREATE TABLE t(a)");
    expect(io.querySql("writer", "PRAGMA wal_autocheckpoint")).toEqual([[0n]]);
    expect(existsSync(`${path}-wal`)).toBe(true);
    io.closeConnections();
    io.closeConnections();
    expect(existsSync(`${path}-wal`)).toBe(false);
    io.openConnections(path);
    expect(io.querySql("guard", "SELECT count(*) FROM t")).toEqual([[0n]]);
    io.closeConnections();
  });

  test("another page size is refused, and nothing stays open", () => {
    const path = temporaryPath();
    const other = new Database(path);
    other.exec("PRAGMA page_size = 8192; CREATE TABLE t(a)");
    other.close();
    expect(() => createBetterSqlite3().openConnections(path)).toThrow(/4096/);
  });

  test("bytes are plain, the guard only reads, and failures say SQLite's code", () => {
    const { io } = openHarness();
    const [row] = io.querySql("guard", "SELECT ?", [new Uint8Array([7])]);
    expect(row?.[0]?.constructor).toBe(Uint8Array);
    expect(() => io.executeSql("guard", "CREATE TABLE x(a)")).toThrow(
      expect.objectContaining({ code: "sql-failed" }),
    );
    expect(() => io.querySql("writer", "SELECT * FROM nowhere")).toThrow(
      expect.objectContaining({ code: "sql-failed", details: { sqlCode: "SQLITE_ERROR" } }),
    );
  });

  test("runSql captures, and tells which statement failed", () => {
    const { io, tape } = openHarness("CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE)");
    expect(io.tryBeginWrite()).toBe(true);
    const insert = (id: bigint, a: string) => ({ sql: "INSERT INTO t VALUES(?,?)", params: [id, a] });
    expect(
      io.runSql([
        insert(1n, "x"),
        { sql: "CREATE TABLE u(b)", params: [] },
        { sql: "INSERT INTO u VALUES(?)", params: [1] },
        { sql: "PRAGMA user_version = 4", params: [] },
      ]),
    ).toBeUndefined();
    expect(io.runSql([insert(2n, "y"), insert(3n, "x"), insert(4n, "z")])).toEqual({
      index: 1,
      message: "UNIQUE constraint failed: t.a",
      sqlCode: "SQLITE_CONSTRAINT_UNIQUE",
    });
    expect(io.runSql([{ sql: "nonsense", params: [] }])?.sqlCode).toBe("SQLITE_ERROR");
    io.executeSql("writer", "COMMIT");
    expect(tape()).toEqual([
      '+t[1,"x"]',
      "!CREATE TABLE IF NOT EXISTS u(b)",
      "+u[1,1.0]",
      "!PRAGMA user_version = 4",
      '+t[2,"y"]',
    ]);
    expect(io.transactionBoundaries()).toEqual([5]);
  });

  test("a write transaction has the app's foreign keys setting", () => {
    const { io, db } = openHarness("CREATE TABLE t(a)");
    const settingOfWrite = (): unknown => {
      expect(io.tryBeginWrite()).toBe(true);
      const rows = io.querySql("writer", "PRAGMA foreign_keys");
      io.executeSql("writer", "ROLLBACK");
      return rows[0]?.[0];
    };
    expect(settingOfWrite()).toBe(1n);
    db.pragma("foreign_keys = OFF");
    expect(settingOfWrite()).toBe(0n);
    expect(settingOfWrite()).toBe(0n);
    db.pragma("foreign_keys = ON");
    expect(settingOfWrite()).toBe(1n);
    db.pragma("foreign_keys = OFF");
    const { name } = db;
    expect(settingOfWrite()).toBe(0n);
    io.closeConnections();
    // The connections that are opened then have their own.
    io.openConnections(name);
    expect(settingOfWrite()).toBe(1n);
    io.db.pragma("foreign_keys = OFF");
    expect(settingOfWrite()).toBe(0n);
  });

  test("refreshCapture follows a schema that changed underneath, and a tape made anew", () => {
    const { io, db, tape } = openHarness(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a); CREATE TABLE gone(x); CREATE TABLE log(m)",
    );
    db.exec("INSERT INTO t VALUES(1,'x'); INSERT INTO gone VALUES(1)");
    const insert = db.prepare("INSERT INTO t(id, a) VALUES(?, 'kept')");
    const pull = (sql: string): void => {
      // What a pull does, from the connections' point of view: other pages, and no tape.
      const remote = new Database(db.name);
      remote.exec(
        `DROP TABLE tributary_tape; DROP TABLE tributary_shape; DROP TABLE tributary_local; ${sql}`,
      );
      remote.close();
      beginCapture(io);
    };
    expect(io.transactionBoundaries()).toEqual([2]);
    pull(
      "ALTER TABLE t ADD COLUMN b DEFAULT 3; DROP TABLE gone; CREATE TRIGGER w AFTER INSERT ON t BEGIN INSERT INTO log VALUES(NEW.a); END",
    );
    expect(io.transactionBoundaries()).toEqual([]);
    insert.run(2);
    db.exec("INSERT INTO log VALUES('direct')");
    expect(tape()).toEqual(['+t[2,"kept",3]', '+log[2,"direct"]']);
    // The table comes back with another column: nothing of its old triggers may come back with it.
    pull("CREATE TABLE gone(y PRIMARY KEY)");
    db.exec("INSERT INTO gone VALUES(5)");
    expect(tape()).toEqual(["+gone[5]"]);
    pull("DROP TABLE gone");
    db.exec("CREATE TABLE gone(z PRIMARY KEY); INSERT INTO gone VALUES(6)");
    expect(tape().at(-1)).toBe("+gone[6]");
    const again = new Database(db.name);
    again.exec("CREATE TABLE noise(q)");
    again.close();
    db.exec("INSERT INTO gone VALUES(7)");
    expect(tape().at(-1)).toBe("+gone[7]");
  });

  test("refreshCapture touches nothing when nothing changed", () => {
    const { io, db } = openHarness("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
    const version = () => db.prepare("PRAGMA temp.schema_version").pluck().get();
    const before = [version(), db.pragma("data_version", { simple: true })];
    io.refreshCapture("app");
    expect([version(), db.pragma("data_version", { simple: true })]).toEqual(before);
  });

  test("shapes that a pull carried over keep their ids", () => {
    const { io, db } = openHarness("CREATE TABLE a(x); CREATE TABLE b(y)");
    const shapes = io.querySql("writer", "SELECT id, description FROM tributary_shape ORDER BY id");
    const remote = new Database(db.name);
    remote.exec("DROP TABLE tributary_tape; DROP TABLE tributary_shape; CREATE TABLE a0(z)");
    remote.close();
    expect(io.tryBeginWrite()).toBe(true);
    io.executeSql("writer", createTapeSql());
    io.runSql(
      shapes.map((row) => ({
        sql: "INSERT INTO tributary_shape(id, description) VALUES(?, ?)",
        params: row,
      })),
    );
    io.refreshCapture("writer");
    io.executeSql("writer", "COMMIT");
    io.refreshCapture("app");
    expect(
      io
        .querySql("writer", "SELECT id, description FROM tributary_shape ORDER BY id")
        .slice(0, shapes.length),
    ).toEqual(shapes);
    db.exec("INSERT INTO b VALUES(1)");
    expect(io.querySql("writer", "SELECT shape FROM tributary_tape")).toEqual([[2n]]);
  });

  test("verbose shows the app's statements only", () => {
    const seen: string[] = [];
    const { db } = openHarness("CREATE TABLE t(a)", {
      verbose: (message) => {
        seen.push(String(message));
      },
    });
    seen.length = 0;
    db.exec("INSERT INTO t VALUES(1)");
    db.prepare("SELECT a FROM t").get();
    expect(seen).toEqual(["INSERT INTO t VALUES(1)", "SELECT a FROM t"]);
  });
});
