import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { joinPipelineResponse, parsePipelineResponse } from "@tributary/wire";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import type { FromHost, ToHost } from "../../src/sql-host/host-messages.js";
import { SqlHost } from "../../src/sql-host/sql-host.js";
import { ManualClock } from "../support/manual-clock.js";
import { settle } from "../support/settle.js";
import { tempDirectory } from "../support/temp-directory.js";

/** A host whose streams are told apart by how often their connections have written: `total_changes()`. */
function setUp() {
  const path = join(tempDirectory(), "test.db");
  const maker = new Database(path);
  maker.exec(
    "PRAGMA journal_mode = WAL; CREATE TABLE t(a UNIQUE, b REFERENCES t(a)); INSERT INTO t VALUES (1, 1)",
  );
  maker.close();
  const clock = new ManualClock();
  const heard: FromHost[] = [];
  let grants = true;
  const host = new SqlHost((messages) => {
    heard.push(...messages);
    for (const { type, stream } of messages as { type: string; stream: number }[])
      if (type === "lock-wanted" && grants) host.receive([{ type: "lock-granted", stream }]);
  }, clock);
  onTestFinished(() => host.close());
  const limits = { maxStatements: 10, maxResponseBytes: 1_000_000, maxRowBytes: 1_000, lockTimeoutMs: 5_000 };
  const open = (stream: number, readonly = false): ToHost => ({
    type: "open",
    stream,
    options: { path, readonly, walLimitBytes: 1_000, limits },
  });
  let task = 0;
  /** First values of what the statements gave; texts of errors. */
  const run = async (stream: number, ...sql: string[]): Promise<unknown[]> => {
    task += 1;
    const requests = sql.map((text) => ({ type: "execute", stmt: { sql: text } }) as const);
    host.receive([{ type: "run", task, stream, work: { requests }, format: "json" }]);
    await settle();
    const answer = heard.find((message) => "task" in message && message.task === task);
    if (answer?.type !== "done" || answer.result.type !== "run") return [answer?.type];
    const json = joinPipelineResponse("json", { baton: null, base_url: null }, answer.result.results);
    return parsePipelineResponse(new TextDecoder().decode(json)).results.map((result) => {
      if (result.type === "error") return result.error.code;
      if (result.response.type !== "execute") return undefined;
      const value = result.response.result.rows[0]?.[0];
      return value?.type === "integer" ? Number(value.value) : undefined;
    });
  };
  /** Runs statements on a stream of their own; what the next stream gives after them. */
  const next = async (sql: readonly string[], then: string, readonly = false): Promise<unknown> => {
    const first = heard.length;
    host.receive([open(1)]);
    await run(1, ...sql);
    host.receive([{ type: "close", stream: 1 }, open(2, readonly)]);
    const [value] = await run(2, then);
    host.receive([{ type: "close", stream: 2 }]);
    expect(heard.slice(first).filter(({ type }) => type === "closed")).toHaveLength(2);
    return value;
  };
  return { host, clock, heard, path, open, run, next, refuseLocks: () => (grants = false) };
}

/** How many descriptors this process has of the file. */
function descriptorsOf(path: string): number {
  return readdirSync("/proc/self/fd").filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`) === path;
    } catch {
      return false;
    }
  }).length;
}

const WRITE = "INSERT INTO t VALUES (100, 1)";

test.each([
  [["SELECT 1", "PRAGMA table_info(t)", "PRAGMA foreign_keys"]],
  [["BEGIN", "UPDATE t SET b = a"]],
  [["SAVEPOINT s", "UPDATE t SET b = a"]],
  [["INSERT INTO t VALUES (1, 1)", "SELECT nothing FROM t", "SELECT ?"]],
  [["CREATE TABLE u(a)", "ALTER TABLE u ADD COLUMN b", "DROP TABLE u"]],
  [["BEGIN", "PRAGMA defer_foreign_keys = ON", "COMMIT"]],
  [["BEGIN", "PRAGMA defer_foreign_keys = ON"]],
])("the next stream gets the connection of one that did %j", async (sql) => {
  const { next } = setUp();
  expect(await next([WRITE, ...sql], "SELECT total_changes()")).toBeGreaterThan(0);
});

test.each([
  [["CREATE TEMP TABLE x(a)"]],
  [["CREATE TEMPORARY VIEW x AS SELECT 1"]],
  [["CREATE TABLE temp.x(a)"]],
  [['CREATE TABLE "TEMP".x(a)']],
  [["CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END"]],
  [["PRAGMA foreign_keys = OFF"]],
  [["PRAGMA case_sensitive_like = 1"]],
  [["EXPLAIN PRAGMA foreign_keys = OFF"]],
  [["PRAGMA defer_foreign_keys = ON"]],
  [["BEGIN", "PRAGMA defer_foreign_keys = ON", "COMMIT", "PRAGMA defer_foreign_keys = ON"]],
  [["ANALYZE"]],
])("the next stream gets a new connection after %j", async (sql) => {
  const { next } = setUp();
  expect(await next([WRITE, ...sql], "SELECT total_changes()")).toBe(0);
});

test("nothing of a stream is there in the next one", async () => {
  const { next } = setUp();
  expect(await next(["CREATE TEMP TABLE t AS SELECT 7 AS a"], "SELECT a FROM t")).toBe(1);
  expect(await next(["PRAGMA foreign_keys = OFF"], "PRAGMA foreign_keys")).toBe(1);
  expect(await next(["BEGIN", "PRAGMA defer_foreign_keys = ON"], "INSERT INTO t VALUES (5, 6)")).toBe(
    "SQLITE_CONSTRAINT",
  );
  expect(await next(["BEGIN", "DELETE FROM t"], "SELECT count(*) FROM t")).toBe(1);
});

test("foreign keys are deferred each time that a kept connection is asked to", async () => {
  const { next, run, open, host } = setUp();
  const push = ["BEGIN IMMEDIATE", "PRAGMA defer_foreign_keys = ON", "INSERT INTO t VALUES (7, 8)"];
  await next([...push, "INSERT INTO t VALUES (8, 8)", "COMMIT"], "SELECT 1");
  host.receive([open(3)]);
  expect(
    await run(3, "DELETE FROM t WHERE a IN (7, 8)", ...push, "INSERT INTO t VALUES (8, 8)", "COMMIT"),
  ).toEqual(Array(6).fill(undefined));
});

test("connections that may write are not given to those that may not", async () => {
  const { next } = setUp();
  expect(await next([WRITE], "INSERT INTO t VALUES (2, 1)", true)).toBe("SQLITE_READONLY");
});

test("a connection is closed when it was idle for a while, when there are many, and when it is to be forgotten", async () => {
  const { host, clock, path, open, heard } = setUp();
  const leave = (count: number): void => {
    for (let stream = 1; stream <= count; stream++) host.receive([open(stream)]);
    for (let stream = 1; stream <= count; stream++) host.receive([{ type: "close", stream }]);
  };
  leave(6);
  // The timers of four; SQLite keeps the descriptors of the others for as long as it has a lock.
  expect(clock.timerCount).toBe(4);
  clock.advance(10_000);
  expect(descriptorsOf(path)).toBe(0);
  leave(2);
  host.receive([{ type: "forget", path: "/another.db" }]);
  expect(clock.timerCount).toBe(2);
  host.receive([{ type: "forget", path }]);
  expect([descriptorsOf(path), clock.timerCount, heard.at(-1)]).toEqual([0, 0, { type: "forgotten", path }]);
});

test("what still waits on a stream that is closed does not go on with a connection of others", async () => {
  const { host, open, run, refuseLocks } = setUp();
  refuseLocks();
  host.receive([open(1)]);
  const waiting = run(1, "SELECT 1", WRITE, "CREATE TABLE late(a)");
  host.receive([{ type: "close", stream: 1 }, open(2), { type: "lock-granted", stream: 2 }]);
  expect(await waiting).toEqual(["failed"]);
  expect(
    await run(2, "SELECT total_changes()", "SELECT count(*) FROM sqlite_schema WHERE name = 'late'"),
  ).toEqual([0, 0]);
});
