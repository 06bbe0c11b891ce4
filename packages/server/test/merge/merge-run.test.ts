import { existsSync } from "node:fs";
import { FRAME_SIZE } from "@tributary/core";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { readMergedPosition } from "../../src/merge/read-merged-position.js";
import { openMergeImages } from "../../src/offline/merge-images.js";
import { MergeRun } from "../../src/sql-host/merge-run.js";
import { RevisionQuestion } from "../../src/sql-host/revision-question.js";
import { WritePermit } from "../../src/sql-host/write-permit.js";
import { resolveServerOptions } from "../../src/sync-server-options.js";
import { SqlWorkers } from "../../src/workers/sql-workers.js";
import { runSql } from "../support/run-sql.js";
import { settle } from "../support/settle.js";
import { type BranchSite, checkedImageOf, openBranchSite } from "./branch-site.js";

const TABLE = "CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x')";
const MANY_ROWS =
  "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 8000) INSERT INTO t SELECT i, 'row ' || i FROM n";

async function openStream({ database, path, clock }: BranchSite, maxWorkers = 0) {
  const workers = new SqlWorkers(resolveServerOptions({ path, clock, maxWorkers }), () => undefined);
  onTestFinished(async () => void (await workers.close()));
  return { workers, stream: await workers.open(database, false, () => {}) };
}

/** A run with nobody else about, whose questions `ask` answers. */
function openRun({ path, clock, database, revision }: BranchSite, ask: (count: number) => void = () => {}) {
  let count = 0;
  const permit = new WritePermit({ want: () => permit.grant(), giveBack: () => {} });
  const question = new RevisionQuestion(() => {
    count += 1;
    ask(count);
    database.sync();
    question.answer(revision());
  });
  return new MergeRun({
    path,
    clock,
    permit,
    question,
    walLimitBytes: 1_000_000,
    lockTimeoutMs: 100,
    openImages: openMergeImages,
    onCommitted: () => {},
    onAlive: () => {},
  });
}

test.each([0, 1])(
  "a branch that nobody else is ahead of has the rows of the database, with %i processes",
  async (processes) => {
    const site = await openBranchSite(TABLE);
    const { stream } = await openStream(site, processes);
    const before = site.revision();
    const work = site.push("INSERT INTO t VALUES (2, 'y')");
    const outcome = await stream.merge(work);
    expect(outcome).toEqual({
      type: "merged",
      wasEqual: true,
      revision: site.revision(),
      changes: 1,
      refused: 0,
    });
    expect(site.revision()).not.toBe(before);
    expect(site.rows("SELECT * FROM t")).toEqual([
      [1, "x"],
      [2, "y"],
    ]);
    expect(readMergedPosition(site.path, "phone")).toBe(work.upTo);
    expect(readMergedPosition(site.path, "another")).toBeUndefined();
    // The stream is as it was, and the line of writers goes on.
    const { results } = await stream.run(
      {
        requests: [
          { type: "execute", stmt: { sql: "PRAGMA foreign_keys" } },
          { type: "execute", stmt: { sql: "INSERT INTO t VALUES (3, 'z')" } },
        ],
      },
      "json",
    );
    expect(new TextDecoder().decode(results[0]?.body)).toContain('"value":"1"');
    expect(site.rows("SELECT count(*) FROM t")).toEqual([[3]]);
  },
);

test("once others have written, it is merged all the same, but is not equal", async () => {
  const site = await openBranchSite(TABLE);
  const { stream } = await openStream(site);
  const work = site.push("INSERT INTO t VALUES (2, 'y')");
  runSql(site.database, "UPDATE t SET a = 'other'");
  expect(await stream.merge(work)).toMatchObject({
    type: "merged",
    wasEqual: false,
    revision: site.revision(),
  });
  expect(site.rows("SELECT a FROM t")).toEqual([["other"], ["y"]]);
});

test("with `onlyIfEqual` nothing is merged then, also where another program wrote and nobody has looked yet", async () => {
  const site = await openBranchSite(TABLE);
  const { stream } = await openStream(site);
  const work = { ...site.push("INSERT INTO t VALUES (2, 'y')"), onlyIfEqual: true };
  const foreign = new Database(site.path);
  foreign.exec("UPDATE t SET a = 'other'");
  foreign.close();
  expect(await stream.merge(work)).toEqual({ type: "moved" });
  expect(site.rows("SELECT a FROM t")).toEqual([["other"]]);
  expect(readMergedPosition(site.path, "phone")).toBeUndefined();
});

test("a program that writes right behind the merge is told from it", async () => {
  const site = await openBranchSite(TABLE);
  const foreign = new Database(site.path);
  onTestFinished(() => void foreign.close());
  const run = openRun(site, (count) => {
    if (count === 2) foreign.exec("UPDATE t SET a = 'behind'");
  });
  const outcome = await run.run(site.push("INSERT INTO t VALUES (2, 'y')"));
  expect(outcome).toMatchObject({ type: "merged", wasEqual: false, revision: undefined });
});

test("changes that the database did not take make it not equal", async () => {
  const site = await openBranchSite(
    `${TABLE}; CREATE TABLE u(id INTEGER PRIMARY KEY, t REFERENCES t, CHECK (id < 10))`,
  );
  const work = site.push(`PRAGMA ignore_check_constraints = ON; INSERT INTO u VALUES (11, 1)`);
  expect(await openRun(site).run(work)).toMatchObject({ type: "merged", wasEqual: false, refused: 1 });
});

test("a page that is none is refused, and nothing is changed", async () => {
  const site = await openBranchSite(TABLE);
  const work = site.push("INSERT INTO t VALUES (2, 'y')", (frames) => frames.fill(0xee, 24, FRAME_SIZE));
  expect(await openRun(site).run(work)).toMatchObject({ type: "damaged", problem: expect.any(String) });
  expect(site.rows("SELECT count(*) FROM t")).toEqual([[1]]);
});

test("with `checkAll`, pages that do not fit to each other are refused", async () => {
  const site = await openBranchSite(`${TABLE}; CREATE INDEX by_a ON t(a)`);
  const index = Number(site.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'by_a'")[0]?.[0]);
  // The index is that of before: its page is left out by giving it another number.
  const work = site.push("INSERT INTO t VALUES (2, 'y')", (frames) => {
    const view = new DataView(frames.buffer);
    for (let at = 0; at < frames.length; at += FRAME_SIZE) {
      if (view.getUint32(at) === index) view.setUint32(at, 1000);
    }
  });
  expect(await openRun(site).run({ ...work, checkAll: true })).toEqual({
    type: "damaged",
    problem: expect.stringMatching(/row 2 missing from index by_a|wrong # of entries/),
  });
  expect(existsSync(checkedImageOf(site.branch))).toBe(false);
  expect(site.rows("SELECT count(*) FROM t")).toEqual([[1]]);
});

test("with `checkAll`, an image that is whole is merged", async () => {
  const site = await openBranchSite(`${TABLE}; CREATE INDEX by_a ON t(a)`);
  const work = { ...site.push("INSERT INTO t VALUES (2, 'y')"), checkAll: true };
  expect(await openRun(site).run(work)).toMatchObject({ type: "merged", wasEqual: true });
  expect(existsSync(checkedImageOf(site.branch))).toBe(false);
});

test("with `checkAll`, an index of another SQLite's is no damage, and the rest is checked all the same", async () => {
  const site = await openBranchSite(`${TABLE}; CREATE TABLE v(e); CREATE TABLE o(a)`);
  const vectors = `PRAGMA writable_schema = ON; CREATE INDEX near ON v(abs(e)); CREATE INDEX by_a ON o(a);
    UPDATE sqlite_schema SET sql = 'CREATE INDEX near ON v(libsql_vector_idx(e))' WHERE name = 'near'; INSERT INTO t VALUES (2, 'y')`;
  const work = { ...site.push(vectors), checkAll: true };
  // The database cannot make the index, and tells that.
  expect(await openRun(site).run(work)).toMatchObject({ type: "merged", changes: 1, refused: 1 });
  site.branch.commit(work.upTo, { equalTo: undefined, compared: undefined, offered: undefined });
  const spoilt =
    site.push(`UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'near')
    WHERE name = 'by_a'; INSERT INTO o VALUES (3)`);
  expect(await openRun(site).run({ ...spoilt, checkAll: true })).toEqual({
    type: "damaged",
    problem: expect.stringMatching(/row 1 missing from index by_a|wrong # of entries/),
  });
});

test("it waits for another program that writes, but not for long", async () => {
  const site = await openBranchSite(TABLE);
  const foreign = new Database(site.path);
  onTestFinished(() => void foreign.close());
  const work = site.push("INSERT INTO t VALUES (2, 'y')");
  foreign.exec("BEGIN IMMEDIATE");
  const patient = openRun(site).run(work);
  const impatient = openRun(site).run(work);
  const refused = expect(impatient).rejects.toMatchObject({ code: "SQLITE_BUSY", status: 503 });
  for (let round = 0; round < 4; round++) {
    await settle();
    site.clock.advance(20);
  }
  foreign.exec("COMMIT");
  site.clock.advance(20);
  await settle();
  expect(await patient).toMatchObject({ type: "merged" });
  foreign.exec("BEGIN IMMEDIATE");
  const late = openRun(site).run(work);
  const lateRefused = expect(late).rejects.toMatchObject({ code: "SQLITE_BUSY", status: 503 });
  for (let round = 0; round < 6; round++) {
    await settle();
    site.clock.advance(20);
  }
  await lateRefused;
  foreign.exec("ROLLBACK");
  await Promise.allSettled([refused]);
});

test("one that is in the way of others for too long is rolled back as a whole", async () => {
  const site = await openBranchSite(TABLE);
  const run = openRun(site);
  const merged = run.run(site.push(MANY_ROWS));
  setImmediate(() => run.abort("others waited", "TRANSACTION_TIMEOUT"));
  await expect(merged).rejects.toMatchObject({ code: "TRANSACTION_TIMEOUT", status: 503 });
  expect(site.rows("SELECT count(*) FROM t")).toEqual([[1]]);
  expect(readMergedPosition(site.path, "phone")).toBeUndefined();
});

test("closing the stream ends a merge, and others write", async () => {
  const site = await openBranchSite(TABLE);
  const { stream, workers } = await openStream(site);
  const merged = stream.merge(site.push(MANY_ROWS));
  setImmediate(() => stream.close());
  await expect(merged).rejects.toMatchObject({ code: "closed" });
  const other = await workers.open(site.database, false, () => {});
  await other.run(
    { requests: [{ type: "execute", stmt: { sql: "INSERT INTO t VALUES (2, 'y')" } }] },
    "json",
  );
  expect(site.rows("SELECT count(*) FROM t")).toEqual([[2]]);
});

test("others are let on while a large merge runs", async () => {
  const site = await openBranchSite(TABLE);
  let turns = 0;
  let isRunning = true;
  const count = (): void => {
    turns += 1;
    if (isRunning) setImmediate(count);
  };
  const merged = openRun(site).run(site.push(MANY_ROWS));
  setImmediate(count);
  expect(await merged).toMatchObject({ changes: 7_991, wasEqual: true });
  isRunning = false;
  expect(turns).toBeGreaterThan(2);
});
