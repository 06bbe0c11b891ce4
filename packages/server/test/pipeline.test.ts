import type { HranaBatchStep, HranaCondition, HranaStreamRequest } from "@tributary/wire";
import { describe, expect, test } from "vitest";
import { HranaClient } from "./support/hrana-client.js";
import { openServer, post } from "./support/open-server.js";

const step = (sql: string, condition?: HranaCondition): HranaBatchStep =>
  condition === undefined ? { stmt: { sql } } : { condition, stmt: { sql } };
const batch = (...steps: HranaBatchStep[]): HranaStreamRequest => ({ type: "batch", batch: { steps } });

async function withTable(options = {}) {
  const opened = openServer(options);
  const client = new HranaClient(opened.server);
  await client.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE)");
  return { ...opened, client };
}

describe("execute", () => {
  test("keeps types apart", async () => {
    const { client } = await withTable();
    const args = [
      { type: "integer", value: "9223372036854775807" },
      { type: "float", value: 1 },
      { type: "text", value: "é" },
      { type: "blob", base64: "AAH/" },
      { type: "null" },
    ] as const;
    expect(await client.execute({ sql: "SELECT ?, ?, ?, ?, ?, typeof(?2) AS type", args })).toMatchObject({
      cols: [{}, {}, {}, {}, {}, { name: "type", decltype: null }],
      rows: [[...args, { type: "text", value: "real" }]],
      affected_row_count: 0,
      last_insert_rowid: null,
    });
  });

  test("counts rows and gives the last rowid of an insert only", async () => {
    const { client } = await withTable();
    expect(await client.execute("INSERT INTO t VALUES (7, 1), (8, 2)")).toMatchObject({
      affected_row_count: 2,
      last_insert_rowid: "8",
    });
    expect(await client.execute("UPDATE t SET b = b + 10")).toMatchObject({
      affected_row_count: 2,
      last_insert_rowid: null,
    });
    expect(await client.execute("SELECT * FROM t")).toMatchObject({ affected_row_count: 0 });
    expect(await client.execute("INSERT INTO t VALUES (9, 3) RETURNING a AS id")).toMatchObject({
      cols: [{ name: "id", decltype: "INTEGER" }],
      rows: [[{ type: "integer", value: "9" }]],
      affected_row_count: 1,
      last_insert_rowid: "9",
    });
    expect(await client.execute({ sql: "SELECT * FROM t", want_rows: false })).toMatchObject({
      cols: [{ name: "a" }, { name: "b" }],
      rows: [],
    });
  });

  test("binds by name and by number", async () => {
    const { client } = await withTable();
    const integer = (value: number) => ({ type: "integer", value: String(value) }) as const;
    const sql = "SELECT :a, @b, $c";
    const named_args = ["a", "@b", "c"].map((name, index) => ({ name, value: integer(index) }));
    expect(await client.execute({ sql, named_args })).toMatchObject({
      rows: [[integer(0), integer(1), integer(2)]],
    });
    expect(await client.execute({ sql: "SELECT ?2, ?1", args: [integer(1), integer(2)] })).toMatchObject({
      rows: [[integer(2), integer(1)]],
    });
  });

  test.each([
    [
      "INSERT INTO t VALUES (1, 1), (2, 1)",
      "SQLITE_CONSTRAINT",
      "SQLITE_CONSTRAINT_UNIQUE",
      "SQLite error: UNIQUE constraint failed: t.b",
    ],
    ["SELEC 1", "SQL_PARSE_ERROR", undefined, 'SQLite error: near "SELEC": syntax error'],
    ["SELECT * FROM missing", "SQL_INPUT_ERROR", undefined, "SQLite error: no such table: missing"],
    ["-- nothing", "SQL_NO_STATEMENT", undefined, expect.any(String)],
    ["SELECT 1; SELECT 2", "SQL_MANY_STATEMENTS", undefined, expect.any(String)],
    ["SELECT ?", "ARGS_INVALID", undefined, "no value was given for parameter 1"],
    ["CREATE TABLE x(a);\0 DROP TABLE t", "SQL_PARSE_ERROR", undefined, expect.stringContaining("NUL")],
    ["VACUUM", "SQL_PARSE_ERROR", undefined, expect.stringContaining("not allowed")],
    ["BEGIN CONCURRENT", "SQL_PARSE_ERROR", undefined, expect.any(String)],
  ])("%s fails with %s", async (sql, code, extended_code, message) => {
    const { client } = await withTable();
    const error = await client.execute(sql);
    expect(error).toEqual(extended_code === undefined ? { code, message } : { code, extended_code, message });
    expect(await client.execute("SELECT 1")).toHaveProperty("rows");
  });

  test("sees schema changes of others in statements it has compiled", async () => {
    const { client, server } = await withTable();
    await client.execute("SELECT * FROM t");
    await new HranaClient(server).execute("ALTER TABLE t ADD COLUMN c DEFAULT 5");
    await client.execute("INSERT INTO t(a) VALUES (1)");
    expect(await client.execute("SELECT * FROM t")).toMatchObject({
      cols: [{ name: "a" }, { name: "b" }, { name: "c" }],
      rows: [[{ value: "1" }, { type: "null" }, { value: "5" }]],
    });
  });
});

describe("batch", () => {
  test("follows conditions", async () => {
    const { client } = await withTable();
    const [result] = await client.send(
      batch(
        step("BEGIN"),
        step("INSERT INTO t VALUES (1, 1)", { type: "ok", step: 0 }),
        step("INSERT INTO t VALUES (1, 1)", { type: "not", cond: { type: "error", step: 1 } }),
        step("SELECT 'skipped'", { type: "ok", step: 2 }),
        step("SELECT 'a skipped step counts as failed'", { type: "error", step: 3 }),
        step("SELECT 'and'", {
          type: "and",
          conds: [
            { type: "ok", step: 0 },
            { type: "ok", step: 2 },
          ],
        }),
        step("SELECT 'or'", {
          type: "or",
          conds: [
            { type: "ok", step: 0 },
            { type: "ok", step: 2 },
          ],
        }),
        step("SELECT 'autocommit'", { type: "is_autocommit" }),
        step("COMMIT"),
        step("SELECT 'autocommit'", { type: "is_autocommit" }),
      ),
    );
    const { step_results, step_errors } = (result as { response: { result: BatchLists } }).response.result;
    expect(step_results.map((entry) => entry !== null)).toEqual([
      true,
      true,
      false,
      false,
      true,
      false,
      true,
      false,
      true,
      true,
    ]);
    expect(step_errors.map((entry) => entry?.code)[2]).toBe("SQLITE_CONSTRAINT");
    expect(step_errors.filter((entry) => entry !== null)).toHaveLength(1);
  });

  interface BatchLists {
    step_results: readonly unknown[];
    step_errors: readonly ({ code: string; message: string } | null)[];
  }

  const push = (...sql: string[]): HranaStreamRequest =>
    batch(
      step("BEGIN IMMEDIATE"),
      ...[...sql, "COMMIT"].map((text) => step(text, { type: "not", cond: { type: "is_autocommit" } })),
    );

  test("written as a push is all or nothing", async () => {
    const { client, server } = await withTable();
    await client.send(
      push("INSERT INTO t VALUES (1, 1)", "INSERT INTO t VALUES (2, 1)", "INSERT INTO t VALUES (3, 3)"),
    );
    const other = new HranaClient(server);
    expect(await other.execute("INSERT INTO t VALUES (9, 9)")).toMatchObject({ affected_row_count: 1 });
    expect(await other.execute("SELECT count(*) FROM t")).toMatchObject({ rows: [[{ value: "1" }]] });
  });

  test("written as a push may add a column that is there", async () => {
    const { client } = await withTable();
    await client.send(push("ALTER TABLE t ADD COLUMN b", "INSERT INTO t VALUES (1, 1)"));
    expect(await client.execute("SELECT count(*) FROM t")).toMatchObject({ rows: [[{ value: "1" }]] });
  });

  test("of 200 000 steps takes about a second and lets others on meanwhile", async () => {
    const { client, server } = await withTable();
    const insert = (index: number): HranaBatchStep => ({
      condition: { type: "not", cond: { type: "is_autocommit" } },
      stmt: {
        sql: "INSERT INTO t VALUES (?, ?)",
        args: [
          { type: "integer", value: String(index) },
          { type: "text", value: `row ${index}` },
        ],
        want_rows: false,
      },
    });
    const inserts = Array.from({ length: 200_000 }, (_, index) => insert(index));
    const steps = [step("BEGIN IMMEDIATE")].concat(inserts, step("COMMIT"));
    // What the machine does beside it does not count.
    const start = process.cpuUsage();
    let finished = false;
    const done = client.send({ type: "batch", batch: { steps } }).then(() => {
      finished = true;
    });
    let answeredMeanwhile = 0;
    const other = new HranaClient(server);
    while (!finished) {
      await other.execute("SELECT 1");
      // Without a socket everything above happens in one turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
      if (!finished) answeredMeanwhile += 1;
    }
    await done;
    expect(process.cpuUsage(start).user / 1_000).toBeLessThan(10_000);
    expect(answeredMeanwhile).toBeGreaterThan(3);
    expect(await client.execute("SELECT count(*) FROM t")).toMatchObject({ rows: [[{ value: "200000" }]] });
  });

  test("with a condition on a later step fails as a whole", async () => {
    const { client } = await withTable();
    const response = await client.post([batch(step("SELECT 1", { type: "ok", step: 0 }))]);
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toBe("text/plain");
  });
});

describe("other requests", () => {
  test("sequence runs statements up to the first error", async () => {
    const { client } = await withTable();
    const results = await client.send({
      type: "sequence",
      sql: "CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET b = 'x'; END; INSERT INTO t VALUES (1, 1); SELEC; INSERT INTO t VALUES (2, 2)",
    });
    expect(results).toMatchObject([{ type: "error", error: { code: "SQL_PARSE_ERROR" } }]);
    expect(await client.execute("SELECT * FROM t")).toMatchObject({
      rows: [[{ value: "1" }, { value: "x" }]],
    });
    expect(await client.send({ type: "sequence", sql: " -- nothing" })).toMatchObject([{ type: "ok" }]);
  });

  test("describe tells parameters and columns without running", async () => {
    const { client } = await withTable();
    const [result] = await client.send({ type: "describe", sql: "INSERT INTO t VALUES (?, :b) RETURNING a" });
    expect(result).toEqual({
      type: "ok",
      response: {
        type: "describe",
        result: {
          params: [{ name: null }, { name: ":b" }],
          cols: [{ name: "a", decltype: "INTEGER" }],
          is_explain: false,
          is_readonly: false,
        },
      },
    });
  });

  test("store_sql, close_sql and get_autocommit", async () => {
    const { client } = await withTable();
    const results = await client.send(
      { type: "store_sql", sql_id: 1, sql: "SELECT 42" },
      { type: "execute", stmt: { sql_id: 1 } },
      { type: "close_sql", sql_id: 1 },
      { type: "close_sql", sql_id: 1 },
      { type: "execute", stmt: { sql: "BEGIN" } },
      { type: "get_autocommit" },
    );
    expect(results.map(({ type }) => type)).toEqual(Array(6).fill("ok"));
    expect(results[1]).toMatchObject({ response: { result: { rows: [[{ value: "42" }]] } } });
    expect(results[5]).toMatchObject({ response: { is_autocommit: false } });
  });
});

describe("streams", () => {
  test("keep a transaction from one request to the next, and roll it back when they are closed", async () => {
    const { client, server } = await withTable();
    const count = async () => await new HranaClient(server).execute("SELECT count(*) FROM t");
    await client.execute("BEGIN");
    await client.execute("INSERT INTO t VALUES (1, 1)");
    expect(await count()).toMatchObject({ rows: [[{ value: "0" }]] });
    expect(await client.send({ type: "close" })).toHaveLength(1);
    expect(client.baton).toBeNull();
    const other = new HranaClient(server);
    await other.execute("INSERT INTO t VALUES (2, 2)");
    expect(await count()).toMatchObject({ rows: [[{ value: "1" }]] });
  });

  test("are found in long bodies where the baton comes first, else the request is refused", async () => {
    const { server, client } = await withTable();
    const requests = [{ type: "execute", stmt: { sql: `SELECT length('${"x".repeat(1024 * 1024)}')` } }];
    const last = await post(server, "/v2/pipeline", JSON.stringify({ requests, baton: client.baton }));
    expect([last.status, await last.text()]).toEqual([400, "the baton is to be written first, and plainly"]);
    const first = await post(server, "/v2/pipeline", JSON.stringify({ baton: client.baton, requests }));
    expect(await first.json()).toMatchObject({ results: [{ type: "ok" }] });
  });

  test("take one request at a time", async () => {
    const { client } = await withTable();
    const execute = (sql: string): HranaStreamRequest => ({ type: "execute", stmt: { sql } });
    const [first, second] = await Promise.all([
      client.post([execute("INSERT INTO t VALUES (1, 1)")]),
      client.post([execute("INSERT INTO t VALUES (2, 2)")]),
    ]);
    expect([second.status, await second.text()]).toEqual([
      400,
      "Received a baton that has already been used",
    ]);
    client.baton = ((await first.json()) as { baton: string }).baton;
    expect(await client.execute("SELECT group_concat(a) FROM t")).toMatchObject({ rows: [[{ value: "1" }]] });
  });

  test("take each baton once", async () => {
    const { client } = await withTable();
    const used = client.baton;
    await client.execute("SELECT 1");
    client.baton = used;
    const reused = await client.post([]);
    expect([reused.status, await reused.text()]).toEqual([
      400,
      "Received a baton that has already been used",
    ]);
    client.baton = "made up";
    const invalid = await client.post([]);
    expect([invalid.status, await invalid.text()]).toEqual([400, "Received an invalid baton"]);
  });

  test("left idle are rolled back and expire", async () => {
    const { client, clock, server } = await withTable();
    await client.execute("BEGIN IMMEDIATE");
    clock.advance(9_999);
    await client.execute("INSERT INTO t VALUES (1, 1)");
    clock.advance(10_000);
    const response = await client.post([{ type: "get_autocommit" }]);
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toMatchObject({ code: "STREAM_EXPIRED" });
    expect(await new HranaClient(server).execute("INSERT INTO t VALUES (2, 2)")).toMatchObject({
      affected_row_count: 1,
    });
  });

  test("are closed, idlest first, when there are too many", async () => {
    const { server } = openServer({ maxStreams: 2 });
    const [first, second, third] = [0, 1, 2].map(() => new HranaClient(server)) as [
      HranaClient,
      HranaClient,
      HranaClient,
    ];
    await first.execute("BEGIN");
    await second.execute("SELECT 1");
    await third.execute("SELECT 1");
    const evicted = await second.post([]);
    expect(evicted.status).toBe(400);
    expect(await evicted.json()).toMatchObject({
      code: "STREAM_CLOSED",
      message: "The stream was closed to make room for others",
    });
    expect((await first.post([])).status).toBe(200);
  });

  test("refuse requests after close", async () => {
    const { client } = await withTable();
    expect((await client.post([{ type: "close" }, { type: "get_autocommit" }])).status).toBe(400);
  });
});

describe("endpoints", () => {
  test("say hello to version probes", async () => {
    const { server } = openServer();
    for (const path of ["/v2", "/v2/", "/v3", "/v3-protobuf"]) {
      const response = await server.fetch(new Request(`http://localhost${path}`));
      expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/plain"]);
    }
    expect((await server.fetch(new Request("http://localhost/v4"))).status).toBe(404);
    expect((await server.fetch(new Request("http://localhost/v2/pipeline"))).status).toBe(405);
  });

  test.each(["", "{", "[]", '{"requests": 1}', '{"requests": [{"type": "what"}]}', "\xff"])(
    "answer the body %j with 400 and text",
    async (body) => {
      const { server } = openServer();
      const response = await post(server, "/v2/pipeline", body === "\xff" ? Uint8Array.of(0xff) : body);
      expect([response.status, response.headers.get("content-type")]).toEqual([400, "text/plain"]);
      expect(await response.text()).not.toBe("");
    },
  );

  test("answer a body that is too long with 413", async () => {
    const { server } = openServer({ maxBodyBytes: 100 });
    expect((await post(server, "/v2/pipeline", " ".repeat(101))).status).toBe(413);
  });

  test("answer with 503 once the server is closed", async () => {
    const { server } = openServer();
    await server.close();
    await server.close();
    expect((await post(server, "/v2/pipeline", '{"requests": []}')).status).toBe(503);
    expect((await post(server, "/pull-updates", "")).status).toBe(503);
  });
});
