import { encodeLiveBatch, type LiveStep } from "@tributary/wire";
import { expect, test } from "vitest";
import { inlineWorkers } from "../../src/workers/inline-port.js";
import { PooledStream } from "../../src/workers/pooled-stream.js";
import { SqlWorker } from "../../src/workers/sql-worker.js";
import { openDatabase } from "../support/open-database.js";
import { settle } from "../support/settle.js";

/** Streams of one database in one worker, and what crosses between it and the main thread: the types, each crossing. */
function setUp() {
  const { database, clock } = openDatabase();
  const sent: string[][] = [];
  const heard: string[][] = [];
  const start = inlineWorkers(clock);
  const worker = new SqlWorker({
    clock,
    statementTimeoutMs: 0,
    isInterruptible: false,
    onIdle() {},
    onEnd() {},
    start(events) {
      const port = start({
        ...events,
        onMessages(messages) {
          const types = messages.map(({ type }) => type);
          // Whatever takes long says that it is alive.
          if (types.join() !== "alive") heard.push(types);
          events.onMessages(messages);
        },
      });
      return {
        ...port,
        send(messages) {
          sent.push(messages.map(({ type }) => type));
          port.send(messages);
        },
      };
    },
  });
  let id = 0;
  const open = (): PooledStream => {
    id += 1;
    return new PooledStream({ id, worker, database, readonly: false, onClosed() {} });
  };
  return { database, worker, clock, sent, heard, open };
}

function batch(...sql: string[]): Uint8Array {
  return encodeLiveBatch(
    sql.map((text): LiveStep => ({ sql: text, params: [], condition: "always", wantRows: true })),
  ).body;
}

const PUSH = batch("BEGIN IMMEDIATE", "INSERT INTO t VALUES (1)", "COMMIT");

test("a push is one crossing to the host and one back", async () => {
  const { sent, heard, open, database } = setUp();
  await open().runLive({ body: batch("CREATE TABLE t(a)"), isContinued: false }, true);
  sent.length = 0;
  heard.length = 0;
  let commits = 0;
  database.subscribe(() => {
    commits += 1;
  });
  const stream = open();
  const pushed = stream.runLive({ body: PUSH, isContinued: false }, true);
  await pushed;
  expect(sent).toEqual([["open", "lock-granted", "run-live"]]);
  expect(heard).toEqual([["committed", "lock-free", "done"]]);
  expect([commits, database.writeLock.isHeldBy(stream)]).toEqual([1, false]);
  stream.close();
  expect([sent.length, heard.length]).toEqual([1, 1]);
});

test("where a stream is kept, the next push is the same without opening it", async () => {
  const { sent, open } = setUp();
  const stream = open();
  await stream.runLive({ body: batch("BEGIN IMMEDIATE", "CREATE TABLE t(a)", "COMMIT"), isContinued: false });
  sent.length = 0;
  await stream.runLive({ body: PUSH, isContinued: false });
  expect(sent).toEqual([["lock-granted", "run-live"]]);
});

test("what only reads is not given the lock", async () => {
  const { sent, heard, open } = setUp();
  await open().runLive({ body: batch("SELECT 1", "BEGIN", "SELECT 2"), isContinued: false }, true);
  expect([sent, heard]).toEqual([[["open", "run-live"]], [["done"]]]);
});

test("pushes that meet are served in the order in which they came", async () => {
  const { open, sent } = setUp();
  const holder = open();
  await holder.runLive({ body: batch("CREATE TABLE t(a)", "BEGIN IMMEDIATE"), isContinued: true });
  sent.length = 0;
  const pushes = [1, 2, 3, 4, 5].map((value) =>
    open().runLive(
      { body: batch("BEGIN IMMEDIATE", `INSERT INTO t VALUES (${value})`, "COMMIT"), isContinued: false },
      true,
    ),
  );
  await settle();
  expect(sent).toEqual(Array(5).fill(["open", "run-live"]));
  await holder.runLive({ body: batch("COMMIT"), isContinued: false }, true);
  await Promise.all(pushes);
  const rows = await open().runLive(
    { body: batch("SELECT group_concat(a, '') FROM t"), isContinued: false },
    true,
  );
  expect(new TextDecoder().decode(rows)).toContain("12345");
});

test("a stream that is closed before its first task has begun is never opened", async () => {
  const { sent, open } = setUp();
  const stream = open();
  const pushed = stream.runLive({ body: PUSH, isContinued: false });
  stream.close();
  await expect(pushed).rejects.toMatchObject({ code: "closed" });
  expect(sent).toEqual([]);
});

test("what is kept for a database is closed before the host does anything for another one", async () => {
  const { worker, sent, open, database } = setUp();
  await open().runLive({ body: batch("SELECT 1"), isContinued: false }, true);
  sent.length = 0;
  await worker.submit({ type: "checkpoint", path: database.options.path });
  expect(sent).toEqual([["forget", "checkpoint"]]);
  await worker.whenClosed(database);
  expect(sent).toHaveLength(1);
});

test.each([
  ["INSERT INTO t VALUES (1)", ["lock-granted", "run"], ["committed", "lock-free", "done"]],
  ["begin immediate", ["lock-granted", "run"], ["done"]],
  ["SELECT 'INSERT'", ["run"], ["done"]],
  // A guess that was wrong: it cannot be compiled.
  ["UPDATE t SET a = 1 WHERE 0; SELECT 1", ["lock-granted", "run"], ["lock-free", "done"]],
])("a pipeline of JSON that begins with %s", async (sql, expectedThere, expectedBack) => {
  const { sent, heard, open } = setUp();
  const stream = open();
  await stream.runLive({ body: batch("CREATE TABLE t(a)"), isContinued: false });
  sent.length = 0;
  heard.length = 0;
  const request = { type: "execute", stmt: { sql } };
  const body = new TextEncoder().encode(JSON.stringify({ requests: [request] }));
  await stream.run({ body, bodyFormat: "json", baton: null }, "json");
  expect([sent, heard]).toEqual([[expectedThere], [expectedBack]]);
});
