import { describe, expect, test, vi } from "vitest";
import { ServerDatabase } from "../../packages/server/src/database/server-database.js";
import { queryPages } from "../../packages/server/test/support/pull-client.js";
import { outline, type ScriptedLiveClient } from "../support/live-server-client.js";
import { connectLive, openLiveServer, pushSteps, runSql, step } from "../support/live-server-databases.js";

const CREATE = "CREATE TABLE t(a INTEGER PRIMARY KEY, b)";
const MANY =
  "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) SELECT i, zeroblob(3000) FROM n";

describe("pulls", () => {
  test("bring what is there, and then each commit when it is made", async () => {
    const { server } = openLiveServer();
    await runSql(server, "main", CREATE, "INSERT INTO t VALUES (1, 'one')");
    const client = await connectLive(server);
    client.open(1, "main");
    client.pull(1, 1);
    const first = await client.heard();
    expect(outline(first).map((line) => line.split(" ")[0])).toEqual(["opened", "header", "pages", "end"]);
    const revision = first[1]?.type === "header" ? first[1].revision : "";
    client.pull(1, 2, revision);
    expect(await client.heard()).toEqual([]);
    await runSql(server, "main", "INSERT INTO t VALUES (2, 'two')");
    const second = await client.heard();
    expect(outline(second)).toEqual([
      expect.stringMatching(/^header 2 /),
      expect.stringMatching(/^pages 2 [123]$/),
      "end 2",
    ]);
    client.pull(1, 3, revision, { waitMs: 0 });
    expect(outline(await client.heard()).slice(1)).toEqual(
      outline(second)
        .slice(1)
        .map((line) => line.replace(" 2", " 3")),
    );
  });

  test("that wait in vain are answered with the revision of the client", async () => {
    const { server, clock } = openLiveServer();
    await runSql(server, "main", CREATE);
    const client = await connectLive(server);
    client.open(1, "main");
    client.pull(1, 1);
    const revision = (await client.heard()).flatMap((message) =>
      message.type === "header" ? [message.revision] : [],
    )[0] as string;
    client.pull(1, 2, revision, { waitMs: 5_000 });
    client.pull(1, 3, revision, { waitMs: 0 });
    expect(outline(await client.heard())).toEqual([`header 3 ${revision}`, "end 3"]);
    clock.advance(5_000);
    expect(outline(await client.heard())).toEqual([`header 2 ${revision}`, "end 2"]);
  });

  test("of many pages are of one revision, whatever is committed while credit is waited for", async () => {
    const { server } = openLiveServer();
    await runSql(server, "main", CREATE, MANY);
    const client = await connectLive(server);
    client.open(1, "main");
    await client.next("opened");
    client.pull(1, 1, undefined, { credit: 100 * 4096 });
    const header = await client.next("header");
    await runSql(server, "main", "UPDATE t SET b = 'changed'", "INSERT INTO t VALUES (1000, 'late')");
    const read = vi.spyOn(ServerDatabase.prototype, "readPages");
    await client.heard();
    expect(read.mock.calls.length).toBeLessThanOrEqual(3);
    read.mockRestore();
    client.pull(1, 2, undefined, { serverRevision: header.revision, pages: { from: 0, to: 1 } });
    expect(outline(await client.heard())).toEqual([`header 2 ${header.revision}`, "pages 2 1", "end 2"]);
    client.say({ type: "cancel", sub: 1, pull: 1 });
    client.pull(1, 3, undefined, { serverRevision: header.revision });
    const pages = new Map<number, Uint8Array>();
    expect(await takeHeard(client, pages)).toBe(header.revision);
    const rows = queryPages(pages, header.databaseSize, "SELECT count(*) FROM t WHERE b = zeroblob(3000)");
    expect(rows).toEqual([600]);
  });

  test("of 1 000 subscribers are answered with one reading", async () => {
    const { server } = openLiveServer({ maxRequestsPerDatabase: 1_000 });
    await runSql(server, "main", CREATE);
    const clients = await Promise.all(Array.from({ length: 1_000 }, () => connectLive(server)));
    for (const client of clients) {
      client.open(1, "main");
      client.pull(1, 1);
    }
    let revision = "";
    for (const client of clients) {
      await client.next("opened");
      revision = (await client.next("header")).revision;
      await client.pages();
      client.pull(1, 2, revision);
    }
    await clients[0]?.heard();
    expect(server.status().databases[0]).toMatchObject({ waiters: 1_000 });
    const read = vi.spyOn(ServerDatabase.prototype, "readPages");
    const sync = vi.spyOn(ServerDatabase.prototype, "sync");
    const startedAt = performance.now();
    await runSql(server, "main", "INSERT INTO t VALUES (1, 'one')");
    const revisions = new Set<string>();
    for (const client of clients) {
      revisions.add((await client.next("header")).revision);
      expect((await client.pages()).length).toBe(1);
    }
    const elapsedMs = performance.now() - startedAt;
    expect(read).toHaveBeenCalledTimes(1);
    expect(sync.mock.calls.length, "nor does each look at the log").toBeLessThan(20);
    read.mockRestore();
    sync.mockRestore();
    expect(revisions.size).toBe(1);
    expect(revisions.has(revision)).toBe(false);
    expect(server.status()).toMatchObject({ sockets: 1_000, requests: 0 });
    // A few tenths of a millisecond each; what is held against this is that a commit costs each of them a reading.
    expect(elapsedMs).toBeLessThan(5_000);
  });
});

/** Adds the pages that have come to those that are there; gives their revision. */
async function takeHeard(client: ScriptedLiveClient, pages: Map<number, Uint8Array>): Promise<string> {
  let revision = "";
  for (const message of await client.heard()) {
    if (message.type === "header") revision = message.revision;
    if (message.type !== "pages") continue;
    for (const [index, pageId] of message.pageIds.entries()) {
      pages.set(pageId, message.bytes.subarray(index * 4096, (index + 1) * 4096));
    }
  }
  return revision;
}

describe("pushes", () => {
  test("run as batches over HTTP do, and what they commit is told to others", async () => {
    const { server } = openLiveServer();
    const client = await connectLive(server);
    client.open(1, "main");
    await client.next("opened");
    const results = await pushSteps(client, 1, [
      step(CREATE),
      step("BEGIN"),
      step("INSERT INTO t VALUES (?, ?)", [2n ** 62n, "é"], { condition: "previous-ok" }),
      step("INSERT INTO t VALUES (?, ?)", [1n, 1.5], { condition: "previous-ok" }),
      step("COMMIT", [], { condition: "previous-ok" }),
      step("ROLLBACK", [], { condition: "in-transaction" }),
      step("SELECT a, b, NULL, x'0102' FROM t", [], { wantRows: true }),
      step("INSERT INTO t VALUES (1, 'again')"),
      step("SELECT 1", [], { condition: "previous-ok", wantRows: true }),
    ]);
    const fine = { type: "ok", rows: [] };
    expect(results).toEqual([
      ...Array(5).fill(fine),
      { type: "skipped" },
      {
        type: "ok",
        rows: [
          [1n, 1.5, null, Uint8Array.of(1, 2)],
          [2n ** 62n, "é", null, Uint8Array.of(1, 2)],
        ],
      },
      {
        type: "error",
        message: "SQLite error: UNIQUE constraint failed: t.a",
        sqlCode: "SQLITE_CONSTRAINT_PRIMARYKEY",
      },
      { type: "skipped" },
    ]);
  });

  test("that are continued keep their transaction, and one that is not ends it", async () => {
    const { server } = openLiveServer();
    await runSql(server, "main", CREATE);
    const client = await connectLive(server);
    client.open(1, "main");
    await client.next("opened");
    const inserts = [1, 2, 3].map((id) => step("INSERT INTO t VALUES (?, NULL)", [BigInt(id)]));
    await pushSteps(client, 1, [step("BEGIN"), inserts[0] as never], true);
    await pushSteps(client, 2, [inserts[1] as never], true);
    await pushSteps(client, 3, [step("COMMIT"), step("BEGIN"), inserts[2] as never]);
    expect(await pushSteps(client, 4, [step("SELECT count(*) FROM t", [], { wantRows: true })])).toEqual([
      { type: "ok", rows: [[2n]] },
    ]);
  });

  test("whose transaction was left alone for too long are refused, and the next ones are not", async () => {
    const { server, clock } = openLiveServer({ streamIdleTimeoutMs: 1_000 });
    await runSql(server, "main", CREATE);
    const client = await connectLive(server);
    client.open(1, "main");
    await client.next("opened");
    await pushSteps(client, 1, [step("BEGIN"), step("INSERT INTO t VALUES (1, 1)")], true);
    expect(server.status().databases[0]?.streams).toBe(1);
    clock.advance(1_000);
    expect(server.status().databases[0]?.streams).toBe(0);
    client.say({ type: "push", sub: 1, push: 2, isContinued: false, body: new Uint8Array(2) });
    expect(await client.heard()).toMatchObject([{ type: "failed", status: 409, code: "transaction-lost" }]);
    expect(await pushSteps(client, 3, [step("INSERT INTO t VALUES (1, 2)")])).toEqual([
      { type: "ok", rows: [] },
    ]);
  });

  test("that were rolled back for others fail until their ROLLBACK", async () => {
    const { server, clock } = openLiveServer({ streamIdleTimeoutMs: 100_000 });
    await runSql(server, "main", CREATE);
    const client = await connectLive(server);
    client.open(1, "main");
    await client.next("opened");
    await pushSteps(client, 1, [step("BEGIN IMMEDIATE"), step("INSERT INTO t VALUES (1, 1)")], true);
    const other = runSql(server, "main", "INSERT INTO t VALUES (1, 'other')");
    await client.heard();
    clock.advance(5_000);
    await other;
    const results = await pushSteps(client, 2, [
      step("INSERT INTO t VALUES (2, 2)"),
      step("COMMIT", [], { condition: "previous-ok" }),
    ]);
    expect(results).toMatchObject([{ type: "error", sqlCode: "TRANSACTION_TIMEOUT" }, { type: "skipped" }]);
    // Nobody went on with it, so it is over.
    expect(await pushSteps(client, 3, [step("INSERT INTO t VALUES (2, 2)")])).toEqual([
      { type: "ok", rows: [] },
    ]);
  });

  test("of junk, or of too many steps, are refused alone", async () => {
    const { server } = openLiveServer({ maxStatements: 2 });
    const client = await connectLive(server);
    client.open(1, "main");
    await client.next("opened");
    client.say({ type: "push", sub: 1, push: 1, isContinued: false, body: Uint8Array.of(200) });
    client.say({
      type: "push",
      sub: 1,
      push: 2,
      isContinued: false,
      body: new Uint8Array(Buffer.from("0101200100000003", "hex")),
    });
    expect(outline(await client.heard())).toEqual([
      "failed 1/1 400 bad-request",
      "failed 1/2 400 bad-request",
    ]);
    expect(await pushSteps(client, 3, [step("SELECT 1")])).toHaveLength(1);
  });
});
