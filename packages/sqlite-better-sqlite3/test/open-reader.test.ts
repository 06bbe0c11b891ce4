import { existsSync, statSync } from "node:fs";
import { expect, it, onTestFinished } from "vitest";
import { type BetterSqlite3Io, createBetterSqlite3 } from "../src/index.js";
import { temporaryPath } from "./capture-harness.js";

function open(isReplica = true): { readonly io: BetterSqlite3Io; readonly path: string } {
  const path = temporaryPath();
  const io = createBetterSqlite3({ isReplica, synchronous: "OFF" });
  io.openConnections(path);
  onTestFinished(() => io.closeConnections());
  io.db.exec("CREATE TABLE t (a INTEGER, b)");
  return { io, path };
}

it("reads one state, whatever is committed or under way", () => {
  const { io } = open();
  io.db.exec("INSERT INTO t VALUES (9007199254740993, x'0102')");
  io.db.exec("BEGIN; INSERT INTO t VALUES (2, 'under way')");
  const reader = io.openReader();
  const read = (): unknown => reader.query("SELECT a, b FROM t ORDER BY a");
  const before = [[9007199254740993n, Uint8Array.of(1, 2)]];
  expect(read()).toEqual(before);
  io.db.exec("COMMIT; DELETE FROM t");
  expect(read()).toEqual(before);
  expect(reader.query("SELECT a FROM t WHERE a > ?", [9007199254740993n])).toEqual([]);
  reader.close();
  reader.close();
  expect(read).toThrow(expect.objectContaining({ code: "invalid-state" }));
  const next = io.openReader();
  expect(next.query("SELECT * FROM t")).toEqual([]);
  expect(() => next.query("INSERT INTO t VALUES (1, 1)")).toThrow(
    expect.objectContaining({ code: "sql-failed" }),
  );
});

it("opens while a query of the app is under way, and is closed with the connections", () => {
  const { io, path } = open();
  io.db.exec("INSERT INTO t VALUES (1, 1), (2, 2)");
  let read: unknown;
  io.db.function("count_rows", () => {
    const reader = io.openReader();
    read = reader.query("SELECT count(*) FROM t");
    return 0;
  });
  io.db.exec("SELECT count_rows() FROM t");
  expect(read).toEqual([[2n]]);
  io.closeConnections();
  expect(existsSync(`${path}-wal`)).toBe(false);
  expect(() => io.openReader()).toThrow(expect.objectContaining({ code: "invalid-state" }));
});

it("lets SQLite checkpoint a database that is no replica", () => {
  const sizeAfterMuch = (isReplica: boolean): number => {
    const { io, path } = open(isReplica);
    const insert = io.db.prepare("INSERT INTO t VALUES (?, zeroblob(8000))");
    for (let index = 0; index < 2_000; index++) insert.run(index);
    return statSync(`${path}-wal`).size;
  };
  // SQLite's own threshold is 1 000 pages, and each page of the log brings a header.
  expect(sizeAfterMuch(false)).toBeLessThan(1_200 * 4_200);
  expect(sizeAfterMuch(true)).toBeGreaterThan(4_000 * 4_096);
});

it("refuses what only a replica cannot do with in a replica only", () => {
  const refused = expect.objectContaining({ code: "unsupported-sql" });
  for (const sql of ["wal_autocheckpoint = 100", "auto_vacuum = 1", "page_size = 8192"]) {
    open(false).io.db.pragma(sql);
    expect(() => open(true).io.db.pragma(sql)).toThrow(refused);
  }
  for (const isReplica of [true, false]) {
    expect(() => open(isReplica).io.db.exec("VACUUM")).toThrow(refused);
    expect(() => open(isReplica).io.db.pragma("journal_mode = delete")).toThrow(refused);
  }
});
