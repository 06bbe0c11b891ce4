import type { HranaStreamRequest } from "@tributary/wire";
import { describe, expect, test } from "vitest";
import { HranaClient } from "./support/hrana-client.js";
import { openServer, post, settle } from "./support/open-server.js";

const execute = (sql: string): HranaStreamRequest => ({ type: "execute", stmt: { sql } });
const NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, 'text' FROM n";

async function withTable(options = {}) {
  const opened = openServer(options);
  const client = new HranaClient(opened.server);
  await client.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  return { ...opened, client };
}

describe("streams", () => {
  test("of 200 writers who wait for a transaction all get their turn", async () => {
    const { client, server, clock } = await withTable();
    await client.execute("BEGIN IMMEDIATE");
    const writes = Array.from({ length: 200 }, (_, index) =>
      new HranaClient(server).send(execute(`INSERT INTO t VALUES (${index}, 0)`), { type: "close" }),
    );
    await settle();
    clock.advance(500);
    await client.execute("COMMIT");
    for (const results of await Promise.all(writes)) expect(results[0]?.type).toBe("ok");
    expect(await client.execute("SELECT count(*) FROM t")).toMatchObject({ rows: [[{ value: "200" }]] });
  });

  test("that are too many are not kept, and refused for now where that would lose a transaction", async () => {
    const { client, server } = await withTable({ maxStreams: 1 });
    await client.execute("BEGIN");
    const other = new HranaClient(server);
    expect(await other.execute("SELECT 1")).toHaveProperty("rows");
    expect(other.baton).toBeNull();
    const response = await other.post([execute("BEGIN")]);
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toMatchObject({ code: "STREAMS_EXHAUSTED", message: expect.any(String) });
    await client.send({ type: "close" });
    expect(await other.execute("BEGIN")).toHaveProperty("rows");
    expect(other.baton).not.toBeNull();
  });
});

describe("an answer whose rows are few", () => {
  const name = "n".repeat(1_000);
  const steps = (sql_id: number) => Array.from({ length: 200 }, () => ({ stmt: { sql_id } }));

  test.each<[string, string, HranaStreamRequest[]]>([
    ["names of columns", `SELECT 1 AS ${name}`, [{ type: "batch", batch: { steps: steps(1) } }]],
    ["messages of errors", `SELECT ${name}`, [{ type: "batch", batch: { steps: steps(1) } }]],
    ["columns of executes", `SELECT 1 AS ${name}`, steps(1).map((step) => ({ type: "execute", ...step }))],
    ["errors of executes", `SELECT ${name}`, steps(1).map((step) => ({ type: "execute", ...step }))],
    ["parameters", "SELECT ?9999", [{ type: "describe", sql_id: 1 }]],
  ])("is refused as a whole where its %s are too long", async (_, sql, requests) => {
    const { client } = await withTable({ maxResponseBytes: 100_000 });
    await client.send({ type: "store_sql", sql_id: 1, sql });
    const response = await client.post(requests);
    expect([response.status, response.headers.get("content-type")]).toEqual([400, "application/json"]);
    expect(await response.json()).toMatchObject({ code: "RESPONSE_TOO_LARGE" });
  });

  test("cannot be made of more SQL than a stream may store", async () => {
    const { client } = await withTable();
    const half: HranaStreamRequest = { type: "store_sql", sql_id: 1, sql: " ".repeat(8 * 1024 * 1024) };
    const results = await client.send(
      half,
      { ...half, sql_id: 2 },
      { type: "store_sql", sql_id: 3, sql: " " },
    );
    expect(results).toMatchObject([
      { type: "ok" },
      { type: "ok" },
      { type: "error", error: { code: "SQL_STORE_TOO_LARGE" } },
    ]);
  });
});

describe("a response that is too large", () => {
  const large = { code: "RESPONSE_TOO_LARGE", message: expect.stringContaining("100000 bytes") };

  test("ends the query with an error, and the stream goes on", async () => {
    const { client } = await withTable({ maxResponseBytes: 100_000 });
    expect(await client.execute(NUMBERS)).toEqual(large);
    expect(await client.execute("SELECT zeroblob(90000)")).toEqual(large);
    expect(await client.execute("SELECT 1")).toHaveProperty("rows");
    const some = `${NUMBERS} LIMIT 600`;
    const results = await client.send(execute(some), execute(some), execute(some));
    expect(results.map(({ type }) => type)).toEqual(["ok", "ok", "error"]);
    expect(await client.execute({ sql: `${NUMBERS} LIMIT 9999`, want_rows: false })).toHaveProperty(
      "rows",
      [],
    );
  });

  test.each([true, false])(
    "undoes the RETURNING that made it (in a transaction: %s)",
    async (inTransaction) => {
      const { client } = await withTable({ maxResponseBytes: 100_000 });
      if (inTransaction) await client.execute("BEGIN");
      await client.execute("INSERT INTO t VALUES (-1, 0)");
      expect(await client.execute(`INSERT INTO t ${NUMBERS} LIMIT 9999 RETURNING *`)).toEqual(large);
      expect(await client.send({ type: "get_autocommit" })).toMatchObject([
        { response: { is_autocommit: !inTransaction } },
      ]);
      if (inTransaction) await client.execute("COMMIT");
      expect(await client.execute("SELECT a FROM t")).toMatchObject({ rows: [[{ value: "-1" }]] });
      expect(await client.execute("INSERT INTO t VALUES (7, 7) RETURNING a")).toMatchObject({
        rows: [[{ value: "7" }]],
        affected_row_count: 1,
        last_insert_rowid: "7",
      });
    },
  );
});

test("an INSERT with RETURNING waits for the lock like any other write", async () => {
  const { client, server } = await withTable();
  await client.execute("BEGIN IMMEDIATE");
  const waiting = new HranaClient(server).execute("INSERT INTO t VALUES (1, 1) RETURNING a");
  await settle();
  await client.execute("COMMIT");
  expect(await waiting).toMatchObject({ rows: [[{ value: "1" }]] });
  expect(await client.execute("INSERT INTO t VALUES (2, 2)")).toMatchObject({ affected_row_count: 1 });
});

test.each([
  ["100 000 requests", () => Array.from({ length: 100_000 }, () => execute("SELECT 1"))],
  [
    "a sequence of 50 000 statements",
    (): HranaStreamRequest[] => [{ type: "sequence", sql: "SELECT 1;".repeat(50_000) }],
  ],
])("%s let others on meanwhile", { timeout: 60_000 }, async (_, requests) => {
  const { client, server } = await withTable();
  let finished = false;
  const done = client.post(requests()).then((response) => {
    finished = true;
    return response;
  });
  let answeredMeanwhile = 0;
  const other = new HranaClient(server);
  while (!finished) {
    await other.execute("SELECT 1");
    await new Promise((resolve) => setImmediate(resolve));
    if (!finished) answeredMeanwhile += 1;
  }
  expect((await done).status).toBe(200);
  expect(answeredMeanwhile).toBeGreaterThan(3);
});

test("close turns a waiting write away before anything lets it on", async () => {
  const { client, server, path } = await withTable();
  await client.execute("BEGIN IMMEDIATE");
  const waiting = new HranaClient(server).post([execute("INSERT INTO t VALUES (1, 1)"), { type: "close" }]);
  await settle();
  await server.close();
  expect((await waiting).status).toBe(503);
  const again = new HranaClient(openServer({ path }).server);
  expect(await again.execute("SELECT count(*) FROM t")).toMatchObject({ rows: [[{ value: "0" }]] });
});

test("a sequence with a NUL is refused as a whole", async () => {
  const { client } = await withTable();
  const [result] = await client.send({
    type: "sequence",
    sql: "INSERT INTO t VALUES (1, 1);\0 DROP TABLE t",
  });
  expect(result).toMatchObject({ type: "error", error: { code: "SQL_PARSE_ERROR" } });
  expect(await client.execute("SELECT count(*) FROM t")).toMatchObject({ rows: [[{ value: "0" }]] });
});

describe("pages of other origins", () => {
  const body = '{"requests": []}';
  const json = { "content-type": "application/json" };

  test.each([
    [{ ...json }, 200],
    [{ "content-type": "Application/JSON; charset=utf-8" }, 200],
    [{ ...json, origin: "http://localhost" }, 200],
    [{ ...json, origin: "https://app.example" }, 200],
    [{ ...json, origin: "https://evil.example" }, 403],
    [{ ...json, origin: "http://localhost:8080" }, 403],
    [{ ...json, origin: "null" }, 403],
    [{ "content-type": "text/plain" }, 415],
    [{ "content-type": "application/x-www-form-urlencoded" }, 415],
  ])("a pipeline with %j is answered with %i", async (headers, status) => {
    const { server } = openServer({ allowedOrigins: ["https://app.example"] });
    const response = await post(server, "/v2/pipeline", body, undefined, headers);
    expect(response.status).toBe(status);
    if (status !== 200) expect(response.headers.get("content-type")).toBe("text/plain");
  });

  test.each(["https://app.example", ["https://app.example/"], ["app.example"], ["null"], [1]])(
    "cannot be allowed as %j",
    (allowedOrigins) => {
      expect(() => openServer({ allowedOrigins: allowedOrigins as string[] })).toThrow(
        expect.objectContaining({ code: "invalid-option" }),
      );
    },
  );

  test("a pipeline without a content type is refused", async () => {
    const { server } = openServer();
    const bytes = new TextEncoder().encode(body);
    expect((await post(server, "/v2/pipeline", bytes, undefined, {})).status).toBe(415);
    // But for libSQL's Rust client, which names none: a page could not send this header unasked.
    const headers = { "x-libsql-client-version": "libsql-remote-0.9.30" };
    expect((await post(server, "/v2/pipeline", bytes, undefined, headers)).status).toBe(200);
  });

  test.each([
    [{}, 200],
    [{ origin: "http://localhost" }, 200],
    [{ origin: "https://evil.example" }, 403],
  ])("a pull with %j is answered with %i", async (headers: Record<string, string>, status) => {
    const { server } = openServer();
    expect((await post(server, "/pull-updates", "", undefined, headers)).status).toBe(status);
  });
});
