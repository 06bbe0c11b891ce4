import { existsSync, readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { pull, rowsOf, run, setUp } from "./test-protocol.js";

describe("SQL on a mirror", () => {
  it.each([
    "ATTACH 'other.db' AS other",
    "DETACH main",
    "VACUUM",
    "PRAGMA journal_mode = DELETE",
    "EXPLAIN PRAGMA journal_mode = DELETE",
    "PRAGMA main.locking_mode = EXCLUSIVE",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA wal_autocheckpoint = 1",
    "PRAGMA writable_schema = ON",
    "SELECT 1\0; DROP TABLE t",
  ])("that would take the files out of its hands is refused: %s", async (sql) => {
    const { protocol } = await setUp();
    await run(protocol, "CREATE TABLE t (a)");
    const [result] = await run(protocol, sql);
    expect(result).toMatchObject({ type: "error", sqlCode: "SQL_PARSE_ERROR" });
    expect(await rowsOf(protocol, "PRAGMA journal_mode")).toEqual([["wal"]]);
    expect(await rowsOf(protocol, "SELECT count(*) FROM t")).toEqual([[0n]]);
  });

  it("may read pragmas, and set those of its connection", async () => {
    const { protocol } = await setUp();
    expect(await rowsOf(protocol, "PRAGMA page_size")).toEqual([[4096n]]);
    const results = await run(
      protocol,
      "BEGIN",
      "PRAGMA defer_foreign_keys = ON",
      "PRAGMA user_version = 7",
      "COMMIT",
    );
    expect(results.map(({ type }) => type)).toEqual(["ok", "ok", "ok", "ok"]);
    expect(await rowsOf(protocol, "PRAGMA user_version")).toEqual([[7n]]);
  });

  it("leaves the database file as it is, and its log in place", async () => {
    const { server, protocol, mirrorPath } = await setUp();
    server.query("CREATE TABLE t (a)");
    server.roll();
    await pull(protocol);
    const before = readFileSync(mirrorPath);
    await run(protocol, "INSERT INTO t VALUES (zeroblob(100000))");
    await run(protocol, "DELETE FROM t");
    expect(readFileSync(mirrorPath).equals(before)).toBe(true);
    expect(statSync(`${mirrorPath}-wal`).size).toBe(32 + server.frames.length * 4120);
    expect(existsSync(`${mirrorPath}-shm`)).toBe(false);
  });

  it("of several transactions is one push", async () => {
    const { server, protocol } = await setUp();
    await run(protocol, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)");
    expect(server.takeRequests().filter((request) => request.startsWith("POST"))).toHaveLength(1);
    expect(server.query("SELECT a FROM t")).toEqual([[1n], [2n]]);
  });
});

describe("the log of a mirror", () => {
  it("counts how often it was begun, as SQLite does, whatever the generation is called", async () => {
    const { server, protocol, mirrorPath } = await setUp({}, 638_753_792);
    const header = (): number[] => {
      const bytes = readFileSync(`${mirrorPath}-wal`);
      return [bytes.readUInt32BE(12), bytes.readUInt32BE(16)];
    };
    server.query("CREATE TABLE t (a)");
    await pull(protocol);
    const [sequence, salt = 0] = header();
    expect(sequence).toBe(0);
    server.roll();
    await pull(protocol);
    expect(header()).toEqual([1, (salt + 1) >>> 0]);
    await run(protocol, "INSERT INTO t VALUES (1)");
    expect(server.query("SELECT a FROM t")).toEqual([[1n]]);
  });
});
