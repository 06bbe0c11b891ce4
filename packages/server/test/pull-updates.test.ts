import { statSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { HranaClient } from "./support/hrana-client.js";
import { openServer, post, settle } from "./support/open-server.js";
import { parseAnswer, pull, pullAnswer, queryPages, selectorOf } from "./support/pull-client.js";

async function setUp(options = {}) {
  const opened = openServer(options);
  const client = new HranaClient(opened.server);
  await client.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, body)");
  await client.execute(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT i, printf('%0500d', 0) FROM n",
  );
  return { ...opened, client };
}

describe("answers", () => {
  test("hold every page the first time, and what changed after that", async () => {
    const { server, client } = await setUp();
    const all = await pullAnswer(server, {});
    expect(all).toMatchObject({ protocol: 1, isRaw: true });
    expect(all.pages.size).toBe(all.databaseSize);
    expect(queryPages(all.pages, all.databaseSize, "SELECT count(*) FROM t")).toEqual([2000]);
    const same = await pullAnswer(server, { clientRevision: all.revision });
    expect(same).toMatchObject({ revision: all.revision, databaseSize: all.databaseSize });
    expect(same.pages.size).toBe(0);
    await client.execute("UPDATE t SET body = 'x' WHERE id = 500");
    await client.execute("UPDATE t SET body = 'y' WHERE id = 500");
    const delta = await pullAnswer(server, { clientRevision: all.revision });
    expect(delta.pages.size).toBe(1);
    const pages = new Map([...all.pages, ...delta.pages]);
    expect(queryPages(pages, delta.databaseSize, "SELECT body FROM t WHERE id = 500")).toEqual(["y"]);
  });

  test.each(["0000000000000000-1", "12", "nonsense"])(
    "to the unknown client revision %s hold every page",
    async (clientRevision) => {
      const { server } = await setUp();
      const answer = await pullAnswer(server, { clientRevision });
      expect(answer.pages.size).toBe(answer.databaseSize);
    },
  );

  test("hold only the pages that were selected", async () => {
    const { server, client } = await setUp();
    const answer = await pullAnswer(server, { selector: selectorOf(0, 3, 4, 60_000) });
    expect([...answer.pages.keys()]).toEqual([0, 3, 4]);
    await client.execute("UPDATE t SET body = 'x' WHERE id = 500");
    const delta = await pullAnswer(server, { clientRevision: answer.revision, selector: selectorOf(0, 1) });
    expect(delta.pages.size).toBe(0);
  });

  test("of a new database hold its one page", async () => {
    const { server } = openServer();
    const answer = await pullAnswer(server, {});
    expect(answer).toMatchObject({ databaseSize: 1 });
    expect(queryPages(answer.pages, 1, "SELECT count(*) FROM sqlite_schema")).toEqual([0]);
  });

  test("show one state, however slow the reader and whatever is written and checkpointed meanwhile", async () => {
    const { server, client } = await setUp({ walLimitBytes: 16 * 4120 });
    const response = await pull(server, {});
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const chunks: Uint8Array[] = [];
    for (let round = 0; ; round++) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      await client.execute(`UPDATE t SET body = printf('%0500d', ${round + 1})`);
    }
    expect(chunks.length).toBeGreaterThan(2);
    const answer = parseAnswer(Buffer.concat(chunks));
    expect(
      queryPages(answer.pages, answer.databaseSize, "SELECT DISTINCT CAST(body AS INTEGER) FROM t"),
    ).toEqual([0]);
  });
});

describe("a client that stops reading", () => {
  const begin = async (server: Parameters<typeof pull>[0]) => {
    const body = (await pull(server, {})).body as ReadableStream<Uint8Array>;
    const reader = body.getReader();
    await reader.read();
    return reader;
  };

  test("is given an error, and the WAL can be checkpointed again", async () => {
    const walLimitBytes = 8 * 4120;
    const { server, client, clock, path } = await setUp({ walLimitBytes, downloadStallTimeoutMs: 5000 });
    const reader = await begin(server);
    clock.advance(4999);
    await reader.read();
    clock.advance(4999);
    for (let round = 0; round < 20; round++) await client.execute("UPDATE t SET body = body || 'x'");
    const longest = statSync(`${path}-wal`).size;
    clock.advance(1);
    await expect(reader.read()).rejects.toThrow(/took nothing for 5000 ms/);
    await client.execute("UPDATE t SET body = body || 'x'");
    await client.execute("UPDATE t SET body = 'short' WHERE id = 1");
    expect(statSync(`${path}-wal`).size).toBeLessThan(longest);
  });

  test("is waited for if it is told to", async () => {
    const { server, clock } = await setUp({ downloadStallTimeoutMs: 0 });
    const reader = await begin(server);
    clock.advance(1e9);
    expect((await reader.read()).done).toBe(false);
    await reader.cancel();
  });
});

describe("pinned revisions", () => {
  test("are served as they were, chunk by chunk", async () => {
    const { server, client } = await setUp();
    const first = await pullAnswer(server, { selector: selectorOf(...Array(100).keys()) });
    await client.execute("UPDATE t SET body = 'changed'");
    const rest = Array.from({ length: first.databaseSize - 100 }, (_, index) => index + 100);
    const second = await pullAnswer(server, {
      serverRevision: first.revision,
      selector: selectorOf(...rest),
    });
    expect(second).toMatchObject({ revision: first.revision, databaseSize: first.databaseSize });
    const pages = new Map([...first.pages, ...second.pages]);
    expect(queryPages(pages, first.databaseSize, "SELECT DISTINCT CAST(body AS INTEGER) FROM t")).toEqual([
      0,
    ]);
  });

  test("past the retention are refused", async () => {
    const { server, client, clock } = await setUp();
    const { revision } = await pullAnswer(server, {});
    await client.execute("UPDATE t SET body = 'changed'");
    clock.advance(60_001);
    const response = await pull(server, { serverRevision: revision });
    expect([response.status, response.headers.get("content-type")]).toEqual([410, "application/json"]);
    expect(await response.text()).toContain(revision);
    expect((await pull(server, { serverRevision: "nonsense" })).status).toBe(400);
  });
});

describe("long-poll", () => {
  test("is answered by a commit", async () => {
    const { server, client, clock } = await setUp();
    const { revision } = await pullAnswer(server, {});
    let answered = false;
    const waiting = pullAnswer(server, { clientRevision: revision, longPollTimeoutMs: 5000 }).then(
      (answer) => {
        answered = true;
        return answer;
      },
    );
    await settle();
    await client.execute("SELECT 1");
    await settle();
    expect(answered).toBe(false);
    await client.execute("UPDATE t SET body = 'x' WHERE id = 1");
    const answer = await waiting;
    expect(answer.pages.size).toBe(1);
    expect(answer.revision).not.toBe(revision);
    expect(clock.now()).toBe(0);
  });

  test("ends with nothing new at the timeout", async () => {
    const { server, clock } = await setUp({ maxLongPollMs: 1000 });
    const { revision } = await pullAnswer(server, {});
    const waiting = pullAnswer(server, { clientRevision: revision, longPollTimeoutMs: 5000 });
    await settle();
    clock.advance(1000);
    expect(await waiting).toMatchObject({ revision, pages: new Map() });
  });

  test("ends when the client goes away, and when the server is closed", async () => {
    const { server, clock } = openServer();
    const { revision } = await pullAnswer(server, {});
    const timers = clock.timerCount;
    const controller = new AbortController();
    const left = pull(server, { clientRevision: revision, longPollTimeoutMs: 5000 }, controller.signal);
    await settle();
    expect(clock.timerCount).toBe(timers + 1);
    controller.abort();
    await left;
    expect(clock.timerCount).toBe(timers);
    const waiting = pull(server, { clientRevision: revision, longPollTimeoutMs: 5000 });
    await settle();
    await server.close();
    expect((await waiting).status).toBe(503);
    expect(clock.timerCount).toBe(timers);
  });

  test("is not held for a client that is behind or new", async () => {
    const { server, client } = await setUp();
    const { revision } = await pullAnswer(server, {});
    await client.execute("UPDATE t SET body = 'x' WHERE id = 1");
    expect((await pullAnswer(server, { clientRevision: revision, longPollTimeoutMs: 5000 })).pages.size).toBe(
      1,
    );
    expect((await pullAnswer(server, { longPollTimeoutMs: 5000 })).pages.size).toBeGreaterThan(1);
  });

  test("hears of the commits of other programs", async () => {
    const { server, clock, path } = await setUp({ foreignCommitCheckMs: 1000 });
    const { revision } = await pullAnswer(server, {});
    const waiting = pullAnswer(server, { clientRevision: revision, longPollTimeoutMs: 60_000 });
    await settle();
    const { default: Database } = await import("better-sqlite3");
    const other = new Database(path);
    other.exec("UPDATE t SET body = 'x' WHERE id = 1");
    other.close();
    clock.advance(1000);
    expect((await waiting).pages.size).toBe(1);
  });
});

describe("bad requests", () => {
  test("zstd is refused with a text", async () => {
    const { server } = openServer();
    const response = await pull(server, { encoding: 1 });
    expect([response.status, response.headers.get("content-type")]).toEqual([400, "text/plain"]);
    expect(await response.text()).toContain("zstd");
  });

  test.each([
    ["a truncated message", Uint8Array.of(0x12, 10, 1)],
    ["a broken selector", Uint8Array.of(0x2a, 3, 1, 2, 3)],
  ])("%s is refused", async (_, body) => {
    const { server } = openServer();
    const response = await post(server, "/pull-updates", body);
    expect([response.status, response.headers.get("content-type")]).toEqual([400, "text/plain"]);
  });

  test("a body that is too long is answered with 413", async () => {
    const { server } = openServer({ maxBodyBytes: 10 });
    expect((await post(server, "/pull-updates", new Uint8Array(11))).status).toBe(413);
  });
});
