import type { HranaBatch, HranaCursorEntry } from "@tributary/wire";
import { describe, expect, test } from "vitest";
import type { SyncServerOptions } from "../src/index.js";
import { HranaClient } from "./support/hrana-client.js";
import { openServer, post, settle } from "./support/open-server.js";

/** The rowid is there by the protocol's name, and by the one that libSQL's Rust client reads. */
function stepEnd(affectedRows: number, rowid: string | null): unknown {
  const names = { last_insert_rowid: rowid, last_inserted_rowid: rowid };
  return { type: "step_end", affected_row_count: affectedRows, ...names };
}

type Entry = HranaCursorEntry | { type: "replication_index"; replication_index: null };

const NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) SELECT i FROM n";

function setUp(options: Partial<SyncServerOptions> = {}) {
  const opened = openServer(options);
  const client = new HranaClient(opened.server);
  const cursor = (batch: HranaBatch, baton: string | null = client.baton) =>
    post(opened.server, "/v3/cursor", JSON.stringify({ baton, batch }));
  return { ...opened, client, cursor };
}

/** The lines of a body, one after the other. */
async function* linesOf(response: Response): AsyncGenerator<string> {
  let rest = "";
  for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
    const lines = (rest + Buffer.from(piece).toString()).split("\n");
    rest = lines.pop() as string;
    yield* lines;
  }
  expect(rest).toBe("");
}

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const collected: string[] = [];
  for await (const line of lines) collected.push(line);
  return collected;
}

async function read(response: Response): Promise<{ baton: string; entries: Entry[] }> {
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/plain"]);
  const [head, ...entries] = (await collect(linesOf(response))).map((line) => JSON.parse(line));
  expect(head.base_url).toBeNull();
  return { baton: head.baton, entries };
}

const END = { type: "replication_index", replication_index: null };

describe("a cursor", () => {
  test("gives what each step gives, in order, and the stream goes on", async () => {
    const { client, cursor } = setUp();
    const steps = [
      { stmt: { sql: "CREATE TABLE t(a INTEGER PRIMARY KEY, b)" } },
      { stmt: { sql: "INSERT INTO t VALUES (5, 'x'), (6, NULL)" } },
      { condition: { type: "error" as const, step: 1 }, stmt: { sql: "SELECT 'skipped'" } },
      { stmt: { sql: "SELECT * FROM t" } },
      { stmt: { sql: "SELECT * FROM nowhere" } },
      { stmt: { sql: "DELETE FROM t WHERE a = 5 RETURNING a" } },
      { stmt: { sql: "SELECT 1 AS one", want_rows: false } },
    ];
    const { baton, entries } = await read(await cursor({ steps }));
    expect(entries).toEqual([
      { type: "step_begin", step: 0, cols: [] },
      stepEnd(0, null),
      { type: "step_begin", step: 1, cols: [] },
      stepEnd(2, "6"),
      {
        type: "step_begin",
        step: 3,
        cols: [
          { name: "a", decltype: "INTEGER" },
          { name: "b", decltype: null },
        ],
      },
      {
        type: "row",
        row: [
          { type: "integer", value: "5" },
          { type: "text", value: "x" },
        ],
      },
      { type: "row", row: [{ type: "integer", value: "6" }, { type: "null" }] },
      stepEnd(0, null),
      { type: "step_error", step: 4, error: expect.objectContaining({ code: "SQL_INPUT_ERROR" }) },
      { type: "step_begin", step: 5, cols: [{ name: "a", decltype: "INTEGER" }] },
      { type: "row", row: [{ type: "integer", value: "5" }] },
      stepEnd(1, null),
      { type: "step_begin", step: 6, cols: [{ name: "one", decltype: null }] },
      stepEnd(0, null),
      END,
    ]);
    client.baton = baton;
    expect(await client.execute("SELECT count(*) FROM t")).toMatchObject({ rows: [[{ value: "1" }]] });
  });

  test("of many rows is made as it is read", async () => {
    const { cursor, client } = setUp({ maxResponseBytes: 10_000 });
    const lines = linesOf(await cursor({ steps: [{ stmt: { sql: NUMBERS } }] }));
    client.baton = JSON.parse((await lines.next()).value as string).baton;
    let rows = 0;
    for await (const line of lines) if (line.startsWith('{"type":"row"')) rows += 1;
    expect(rows).toBe(20_000);
  });

  test("that nobody reads is run to its end when the stream goes on, and can still be read", async () => {
    const { cursor, client } = setUp();
    const lines = linesOf(
      await cursor({ steps: [{ stmt: { sql: NUMBERS } }, { stmt: { sql: "CREATE TABLE made(a)" } }] }),
    );
    client.baton = JSON.parse((await lines.next()).value as string).baton;
    expect(await client.execute("SELECT * FROM made")).toHaveProperty("rows", []);
    const rest = await collect(lines);
    expect(rest.filter((line) => line.includes('"row"')).length).toBe(20_000);
    expect(JSON.parse(rest.at(-1) as string)).toEqual(END);
  });

  test("whose rest is too long to keep ends with an error when the stream goes on", async () => {
    const { cursor, client } = setUp({ maxResponseBytes: 100_000 });
    const endless = NUMBERS.replace("LIMIT 20000", "");
    const lines = linesOf(await cursor({ steps: [{ stmt: { sql: endless } }] }));
    client.baton = JSON.parse((await lines.next()).value as string).baton;
    expect(await client.execute("SELECT 1")).toHaveProperty("rows");
    const rest = await collect(lines);
    expect(JSON.parse(rest.at(-2) as string)).toMatchObject({
      type: "error",
      error: { code: "RESPONSE_TOO_LARGE" },
    });
  });

  test("whose body is abandoned lets the stream go on", async () => {
    const { cursor, client } = setUp();
    const response = await cursor({
      steps: [{ stmt: { sql: "SELECT nothing" } }, { stmt: { sql: NUMBERS } }],
    });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const { value } = await reader.read();
    client.baton = JSON.parse(Buffer.from(value as Uint8Array).toString()).baton;
    await reader.cancel();
    const [answer] = await client.send({ type: "get_autocommit" });
    expect(answer).toEqual({ type: "ok", response: { type: "get_autocommit", is_autocommit: true } });
  });

  test("that is not read on is cut off, and with it its stream", async () => {
    const { cursor, client, clock } = setUp({ streamIdleTimeoutMs: 1_000 });
    const lines = linesOf(await cursor({ steps: [{ stmt: { sql: NUMBERS } }] }));
    client.baton = JSON.parse((await lines.next()).value as string).baton;
    await settle();
    clock.advance(1_000);
    await expect(collect(lines)).rejects.toThrow();
    expect(await (await client.post([])).json()).toMatchObject({ code: "STREAM_EXPIRED" });
  });

  test("tells when its transaction was taken from it", async () => {
    const { cursor, client, server, clock } = setUp({ transactionTimeoutMs: 500 });
    await client.execute("CREATE TABLE t(a)");
    await client.execute("BEGIN IMMEDIATE");
    const lines = linesOf(await cursor({ steps: [{ stmt: { sql: NUMBERS } }] }));
    await lines.next();
    await lines.next();
    const write = new HranaClient(server).execute("INSERT INTO t VALUES (1)");
    await settle();
    clock.advance(500);
    expect(await write).toMatchObject({ affected_row_count: 1 });
    const rest = (await collect(lines)).map((line) => JSON.parse(line));
    expect(rest.at(-2)).toMatchObject({ type: "error", error: { code: "TRANSACTION_TIMEOUT" } });
  });

  test.each([
    ["{", 400],
    ['{"batch": {"steps": [{"stmt": {}}]}}', 400],
    ['{"baton": "x", "batch": {"steps": []}}', 400],
    ['{"batch": {"steps": [{"stmt": {"sql_id": 3}}]}}', 400],
  ])("answers the body %j with %i", async (body, status) => {
    const { server } = setUp();
    expect((await post(server, "/v3/cursor", body)).status).toBe(status);
  });
});

test("a stream is not idle while its client waits for an entry of its cursor", async () => {
  const { client, cursor, clock, server } = setUp({
    streamIdleTimeoutMs: 2_000,
    lockTimeoutMs: 60_000,
    transactionTimeoutMs: 60_000,
  });
  await client.execute("CREATE TABLE t(a)");
  const holder = new HranaClient(server);
  await holder.execute("BEGIN IMMEDIATE");
  const answer = await cursor({ steps: [{ stmt: { sql: "INSERT INTO t VALUES (1)" } }] });
  const reading = read(answer);
  for (let second = 0; second < 5; second++) {
    await settle();
    clock.advance(1_000);
    await holder.execute("SELECT 1");
  }
  await holder.execute("COMMIT");
  const { baton, entries } = await reading;
  expect(entries).toContainEqual(stepEnd(1, "1"));
  // From then on it is.
  clock.advance(2_000);
  client.baton = baton;
  expect(await (await client.post([])).json()).toMatchObject({ code: "STREAM_EXPIRED" });
});

test("a row that is too long is refused, read or bound", async () => {
  const { client, cursor } = setUp({ maxRowBytes: 10_000 });
  expect(await client.execute("SELECT zeroblob(10000)")).toMatchObject({ code: "RESPONSE_TOO_LARGE" });
  const value = "x".repeat(10_000);
  expect(await client.execute({ sql: "SELECT length(?)", args: [{ type: "text", value }] })).toMatchObject({
    code: "SQLITE_TOOBIG",
  });
  const { entries } = await read(await cursor({ steps: [{ stmt: { sql: "SELECT zeroblob(10000)" } }] }));
  expect(entries[1]).toMatchObject({ type: "step_error", error: { code: "RESPONSE_TOO_LARGE" } });
});

test("too many statements in one request are refused", async () => {
  const { client, cursor } = setUp({ maxStatements: 3 });
  const step = { stmt: { sql: "SELECT 1" } };
  const requests = Array.from({ length: 4 }, () => ({ type: "execute" as const, ...step }));
  expect((await client.post(requests)).status).toBe(400);
  client.baton = null;
  expect((await client.post(requests.slice(0, 3))).status).toBe(200);
  expect((await cursor({ steps: [step, step, step, step] }, null)).status).toBe(400);
});
