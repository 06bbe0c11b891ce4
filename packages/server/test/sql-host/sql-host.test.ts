import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import type { FromHost, ToHost } from "../../src/sql-host/host-messages.js";
import { SqlHost } from "../../src/sql-host/sql-host.js";
import { ManualClock } from "../support/manual-clock.js";
import { settle } from "../support/settle.js";
import { tempDirectory } from "../support/temp-directory.js";

/** A host with one stream, and another program that can keep it waiting: without a WAL also where it reads. */
function setUp() {
  const path = join(tempDirectory(), "test.db");
  const foreign = new Database(path);
  onTestFinished(() => void foreign.close());
  foreign.exec("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)");
  const clock = new ManualClock();
  const heard: FromHost[] = [];
  const host = new SqlHost((messages) => {
    heard.push(...messages);
    for (const message of messages)
      if (message.type === "lock-wanted") host.receive([{ type: "lock-granted", stream: message.stream }]);
  }, clock);
  const limits = { maxStatements: 10, maxResponseBytes: 1_000_000, maxRowBytes: 1_000, lockTimeoutMs: 5_000 };
  const tell = (message: ToHost): void => host.receive([message]);
  tell({ type: "open", stream: 1, options: { path, readonly: false, walLimitBytes: 1_000, limits } });
  return { tell, foreign, clock, heard };
}

const run = (sql: string) =>
  ({
    type: "run",
    stream: 1,
    work: { requests: [{ type: "execute", stmt: { sql } }] },
    format: "json",
  }) as const;

test("waiting for another program is not taken for a statement that runs for long", async () => {
  const { tell, foreign, clock, heard } = setUp();
  foreign.exec("BEGIN IMMEDIATE");
  tell({ ...run("INSERT INTO t VALUES (3)"), task: 1 });
  const alive = (): number => heard.filter(({ type }) => type === "alive").length;
  for (let round = 1; round <= 3; round++) {
    await settle();
    expect(alive()).toBe(round);
    clock.advance(20);
  }
  foreign.exec("COMMIT");
  clock.advance(20);
  await settle();
  expect(heard).toContainEqual(expect.objectContaining({ type: "done", task: 1 }));
  expect(foreign.prepare("SELECT count(*) FROM t").pluck().get()).toBe(3);
});

test("a cursor that is closed while it waits leaves nothing open", async () => {
  const { tell, foreign, clock, heard } = setUp();
  foreign.exec("BEGIN EXCLUSIVE");
  const batch = { steps: [{ stmt: { sql: "SELECT a FROM t" } }] };
  tell({ type: "open-cursor", task: 1, stream: 1, work: { batch }, format: "json" });
  tell({ type: "fetch-cursor", task: 2, stream: 1, maxCount: 1, maxBytes: 1_000 });
  await settle();
  tell({ type: "close-cursor", stream: 1 });
  foreign.exec("COMMIT");
  clock.advance(20);
  await settle();
  expect(heard).toContainEqual(
    expect.objectContaining({
      task: 2,
      result: expect.objectContaining({ type: "fetch-cursor", entries: [], done: true }),
    }),
  );
  tell({ ...run("INSERT INTO t VALUES (3)"), task: 3 });
  await settle();
  expect(foreign.prepare("SELECT count(*) FROM t").pluck().get()).toBe(3);
  tell({ type: "close", stream: 1 });
  expect(heard.at(-1)).toEqual({ type: "closed", stream: 1 });
});
