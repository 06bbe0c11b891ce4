import { PAGE_SIZE, type PullRequest, type RemoteStep, type StepCondition } from "@tributary/core";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { createMemoryRemote, type MemoryProtocol } from "../src/index.js";

function step(
  sql: string,
  condition: StepCondition = "always",
  params: RemoteStep["params"] = [],
): RemoteStep {
  return { sql, params, condition, wantRows: true };
}

/** Pulls all that is asked for: page id to page. */
function pull(port: MemoryProtocol, request: Partial<PullRequest> = {}) {
  const { pull: handle, header } = port.startPull({ longPollTimeoutMs: 0, ...request });
  const pages = new Map<number, Uint8Array>();
  for (let batch = port.receivePages(handle); batch; batch = port.receivePages(handle)) {
    for (const [index, pageId] of batch.pageIds.entries()) {
      pages.set(pageId, batch.bytes.slice(index * PAGE_SIZE, (index + 1) * PAGE_SIZE));
    }
  }
  port.endPull(handle);
  return { header, pages };
}

/** Rows of a database that is made of pages. */
function rowsOf(pages: ReadonlyMap<number, Uint8Array>, sql: string): unknown[] {
  const db = new Database(
    Buffer.concat(Array.from({ length: pages.size }, (_, id) => pages.get(id) as Uint8Array)),
  );
  try {
    return db.prepare(sql).raw().all();
  } finally {
    db.close();
  }
}

test("a database of no table is a page", () => {
  const { header, pages } = pull(createMemoryRemote().connect());
  expect(header.databaseSize).toBe(1);
  expect(rowsOf(pages, "SELECT name FROM sqlite_schema")).toEqual([]);
});

test("a pull brings what changed since a revision, and laid over it makes the database", () => {
  const remote = createMemoryRemote({ pagesPerBatch: 2 });
  const port = remote.connect();
  remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE TABLE u (b)");
  remote.query(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO t SELECT i, hex(randomblob(40)) FROM n",
  );
  const first = pull(port);
  expect(first.pages.size).toBe(first.header.databaseSize);
  remote.query("INSERT INTO u VALUES (7)");
  const second = pull(port, { clientRevision: first.header.revision });
  expect(second.header.revision).not.toBe(first.header.revision);
  expect(second.pages.size).toBeLessThan(4);
  const merged = new Map([...first.pages, ...second.pages]);
  expect(rowsOf(merged, "SELECT (SELECT count(*) FROM t), b FROM u")).toEqual([[500, 7]]);
  const third = pull(port, { clientRevision: second.header.revision });
  expect(third).toEqual({ header: second.header, pages: new Map() });
});

test("a database that has become smaller", () => {
  const remote = createMemoryRemote();
  remote.query("CREATE TABLE t (a); INSERT INTO t VALUES (zeroblob(50000))");
  const before = pull(remote.connect());
  remote.query("DELETE FROM t; VACUUM");
  const after = pull(remote.connect(), { clientRevision: before.header.revision });
  expect(after.header.databaseSize).toBeLessThan(before.header.databaseSize);
  expect(Math.max(...after.pages.keys())).toBeLessThan(after.header.databaseSize);
});

test("a revision stays as it was for those who ask for it by name, page range by page range", () => {
  const remote = createMemoryRemote({ pinnedRevisions: 2 });
  const port = remote.connect();
  remote.query("CREATE TABLE t (a); INSERT INTO t VALUES ('then')");
  const { header, pages } = pull(port, { pages: { from: 0, to: 1 } });
  expect([...pages.keys()]).toEqual([0]);
  remote.query("UPDATE t SET a = 'now'");
  const rest = pull(port, { pages: { from: 1, to: 100 }, serverRevision: header.revision });
  expect(rest.header).toEqual(header);
  expect(rowsOf(new Map([...pages, ...rest.pages]), "SELECT a FROM t")).toEqual([["then"]]);
  for (const value of [1, 2]) {
    remote.query(`UPDATE t SET a = ${value}`);
    pull(port);
  }
  expect(() => pull(port, { serverRevision: header.revision })).toThrow(
    expect.objectContaining({ code: "remote-rejected", details: expect.objectContaining({ status: 410 }) }),
  );
});

test.each([
  ["a restart that keeps the index knows old revisions", false, 0],
  ["a restart that loses it answers with every page, under a new revision", true, 2],
])("%s", (_what, forgetRevisions, pages) => {
  const remote = createMemoryRemote();
  const port = remote.connect();
  remote.query("CREATE TABLE t (a)");
  const before = pull(port);
  const open = port.startPull({ longPollTimeoutMs: 0 });
  remote.restart({ forgetRevisions });
  expect(() => port.receivePages(open.pull)).toThrow(expect.objectContaining({ code: "unreachable" }));
  const after = pull(port, { clientRevision: before.header.revision });
  expect(after.pages.size).toBe(pages);
  expect(after.header.revision === before.header.revision).toBe(!forgetRevisions);
});

test("a backup that is put back has revisions of its own", () => {
  const remote = createMemoryRemote();
  const port = remote.connect();
  remote.query("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
  const backup = remote.backup();
  remote.query("INSERT INTO t VALUES (2)");
  const { header } = pull(port);
  remote.restore(backup);
  const { pages } = pull(port, { clientRevision: header.revision });
  expect(rowsOf(pages, "SELECT a FROM t")).toEqual([[1]]);
  expect(remote.query("SELECT a FROM t")).toEqual([[1n]]);
  remote.query("INSERT INTO t VALUES (3); VACUUM");
  expect(rowsOf(pull(port, { clientRevision: header.revision }).pages, "SELECT a FROM t")).toEqual([
    [1],
    [3],
  ]);
});

test("one pull is open at a time for each port, and each port has its own", () => {
  const remote = createMemoryRemote();
  const [first, second] = [remote.connect(), remote.connect()];
  const { pull: open } = first.startPull({ longPollTimeoutMs: 0 });
  expect(() => first.startPull({ longPollTimeoutMs: 0 })).toThrow("another one was open");
  pull(second);
  first.endPull(open);
  pull(first);
});

test("steps run on their conditions, and what is left open is rolled back", () => {
  const remote = createMemoryRemote();
  const port = remote.connect();
  remote.query("CREATE TABLE t (a UNIQUE)");
  const results = port.runRemoteBatch({
    repeatable: false,
    steps: [
      step("SELECT 'not in a transaction'", "in-transaction"),
      step("BEGIN", "always"),
      step("INSERT INTO t VALUES (?)", "previous-ok", [1n]),
      step("INSERT INTO t VALUES (?)", "previous-ok", [1n]),
      step("INSERT INTO t VALUES (2)", "previous-ok"),
      step("SELECT a FROM t", "in-transaction"),
      step("SELECT x FROM nowhere"),
      step("COMMIT", "previous-ok"),
    ],
  });
  expect(results).toEqual([
    { type: "skipped" },
    { type: "ok", rows: [] },
    { type: "ok", rows: [] },
    {
      type: "error",
      message: "SQLite error: UNIQUE constraint failed: t.a",
      sqlCode: "SQLITE_CONSTRAINT_UNIQUE",
    },
    { type: "skipped" },
    { type: "ok", rows: [[1n]] },
    { type: "error", message: "SQLite error: no such table: nowhere", sqlCode: "SQLITE_ERROR" },
    { type: "skipped" },
  ]);
  expect(remote.query("SELECT a FROM t")).toEqual([]);
});
