import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { openHarness } from "./capture-harness.js";

const SCHEMA = "CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3)";

describe("a busy or closed connection of the app's", () => {
  for (const unsafe of [false, true]) {
    test(`an iterator of the app's counts as a transaction${unsafe ? ", in unsafe mode too" : ""}`, () => {
      const { io, db } = openHarness(SCHEMA);
      db.unsafeMode(unsafe);
      const rows = db.prepare("SELECT * FROM t").iterate();
      rows.next();
      expect(io.tryBeginWrite()).toBe(false);
      expect(() => io.closeConnections()).toThrow(expect.objectContaining({ code: "database-busy" }));
      // Nothing was closed.
      expect(rows.next().value).toEqual({ id: 2 });
      expect(io.querySql("guard", "SELECT count(*) FROM t")).toEqual([[3n]]);
      expect(io.querySql("writer", "SELECT count(*) FROM t")).toEqual([[3n]]);
      rows.return?.();
      expect(io.tryBeginWrite()).toBe(true);
      io.executeSql("writer", "ROLLBACK");
      io.closeConnections();
      expect(db.open).toBe(false);
    });
  }

  test("everything works when the app has closed its connection, with its foreign keys setting", () => {
    const { io, db } = openHarness(SCHEMA);
    db.pragma("foreign_keys = OFF");
    expect(io.tryBeginWrite()).toBe(true);
    io.executeSql("writer", "ROLLBACK");
    db.close();
    expect(io.tryBeginWrite()).toBe(true);
    expect(io.querySql("writer", "PRAGMA foreign_keys")).toEqual([[0n]]);
    expect(io.runSql([{ sql: "INSERT INTO t VALUES (?)", params: [4n] }])).toBeUndefined();
    io.refreshCapture("writer");
    io.executeSql("writer", "COMMIT");
    io.refreshCapture("app");
    expect(io.querySql("guard", "SELECT count(*) FROM t")).toEqual([[4n]]);
    io.closeConnections();
  });

  test("neither beginning to write nor a checkpoint waits for others; other statements do", () => {
    const { io, db } = openHarness(SCHEMA);
    const other = new Database(db.name);
    const timed = (work: () => unknown): number => {
      const start = performance.now();
      work();
      return performance.now() - start;
    };
    other.exec("BEGIN IMMEDIATE");
    expect(timed(() => expect(io.tryBeginWrite()).toBe(false))).toBeLessThan(1_000);
    other.exec("COMMIT; BEGIN; SELECT * FROM t");
    other.prepare("SELECT * FROM t").all();
    db.exec("INSERT INTO t VALUES (10)");
    const checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    expect(timed(() => expect(io.querySql("writer", checkpoint)[0]?.[0]).toBe(1n))).toBeLessThan(1_000);
    other.close();
    for (const connection of ["writer", "guard"] as const)
      expect(io.querySql(connection, "PRAGMA busy_timeout")).toEqual([[5000n]]);
  });
});
