import { decodeLiveResults, encodeLiveBatch, type LiveCondition, type LiveStep } from "@tributary/wire";
import { describe, expect, test } from "vitest";
import type { SyncServer } from "../../src/index.js";
import { staticTokens } from "../../src/index.js";
import { HranaClient } from "../support/hrana-client.js";
import { openServer, post, settle } from "../support/open-server.js";

const TYPE = { "content-type": "application/x-tributary-batch" };

function step(sql: string, params: LiveStep["params"] = [], condition: LiveCondition = "always"): LiveStep {
  return { sql, params, condition, wantRows: true };
}

function postBatch(server: SyncServer, steps: readonly LiveStep[], headers = {}): Promise<Response> {
  return post(server, "/batch", encodeLiveBatch(steps).body, undefined, { ...TYPE, ...headers });
}

async function run(server: SyncServer, steps: readonly LiveStep[]): Promise<unknown[]> {
  const response = await postBatch(server, steps);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, TYPE["content-type"]]);
  return decodeLiveResults(new Uint8Array(await response.arrayBuffer()), steps.length);
}

describe("POST /batch", () => {
  test("runs a batch, and gives its results", async () => {
    const { server } = openServer();
    const results = await run(server, [
      step("CREATE TABLE t(a, b)"),
      step("INSERT INTO t VALUES (?, ?)", [1n, "x"]),
      step("SELECT a, b FROM t"),
      step("SELECT nothing FROM t"),
      step("SELECT 1", [], "previous-ok"),
    ]);
    expect(results).toEqual([
      { type: "ok", rows: [] },
      { type: "ok", rows: [] },
      { type: "ok", rows: [[1n, "x"]] },
      { type: "error", message: expect.stringContaining("nothing"), sqlCode: "SQL_PARSE_ERROR" },
      { type: "skipped" },
    ]);
  });

  test("rolls back what it leaves open, and leaves no stream", async () => {
    const { server } = openServer();
    await run(server, [step("CREATE TABLE t(a)"), step("BEGIN IMMEDIATE"), step("INSERT INTO t VALUES (1)")]);
    expect(await new HranaClient(server).execute("SELECT count(*) FROM t")).toMatchObject({
      rows: [[{ value: "0" }]],
    });
    expect(await run(server, [step("INSERT INTO t VALUES (2)")])).toEqual([{ type: "ok", rows: [] }]);
  });

  test("takes nothing that a page could send without asking, and nothing malformed", async () => {
    const { server } = openServer();
    const { body } = encodeLiveBatch([step("SELECT 1")]);
    expect((await post(server, "/batch", body, undefined, { "content-type": "text/plain" })).status).toBe(
      415,
    );
    const malformed = await post(server, "/batch", new Uint8Array([9]), undefined, TYPE);
    expect([malformed.status, await malformed.text()]).toEqual([400, expect.stringContaining("too early")]);
    const get = await server.fetch(new Request("http://localhost/batch"));
    expect(get.status).toBe(405);
  });

  test("that turns out to be malformed on the way leaves nothing in its transaction", async () => {
    const { server } = openServer();
    await run(server, [step("CREATE TABLE t(a)")]);
    const insert = "INSERT INTO t VALUES (?)";
    const { body } = encodeLiveBatch([step("BEGIN IMMEDIATE"), step(insert, ["x"]), step(insert, ["y"])]);
    const refused = await post(server, "/batch", body.with(body.length - 1, 0xff), undefined, TYPE);
    expect(refused.status).toBe(400);
    expect(await run(server, [step("SELECT count(*) FROM t")])).toEqual([{ type: "ok", rows: [[0n]] }]);
  });

  test("keeps the limits of a pipeline", async () => {
    const { server } = openServer({ maxStatements: 2, maxBodyBytes: 100, maxResponseBytes: 200 });
    const three = ["SELECT 1", "SELECT 1", "SELECT 1"].map((sql) => step(sql));
    expect((await postBatch(server, three)).status).toBe(400);
    expect((await postBatch(server, [step("SELECT ?", ["x".repeat(100)])])).status).toBe(413);
    expect(await run(server, [step("SELECT hex(zeroblob(300))")])).toEqual([
      { type: "error", message: expect.any(String), sqlCode: "RESPONSE_TOO_LARGE" },
    ]);
  });

  test("reads only for whoever may only read", async () => {
    const authorize = staticTokens([
      { token: "reader-0123456789", access: "read" },
      { token: "writer-0123456789", access: "write" },
    ]);
    const { server } = openServer({ authorize });
    const as = (token: string) => ({ authorization: `Bearer ${token}-0123456789` });
    expect((await postBatch(server, [step("SELECT 1")])).status).toBe(401);
    expect((await postBatch(server, [step("CREATE TABLE t(a)")], as("writer"))).status).toBe(200);
    const refused = await postBatch(server, [step("INSERT INTO t VALUES (1)")], as("reader"));
    expect(decodeLiveResults(new Uint8Array(await refused.arrayBuffer()), 1)).toMatchObject([
      { type: "error", sqlCode: "SQLITE_READONLY" },
    ]);
  });

  test("lets go of a client that has gone while it waits for another's transaction", async () => {
    const { server, clock } = openServer({ transactionTimeoutMs: 60_000, lockTimeoutMs: 60_000 });
    const other = new HranaClient(server);
    await other.execute("CREATE TABLE t(a)");
    await other.execute("BEGIN IMMEDIATE");
    const client = new AbortController();
    const { body } = encodeLiveBatch([step("INSERT INTO t VALUES (1)")]);
    const abandoned = post(server, "/batch", body, client.signal, TYPE);
    await settle();
    client.abort();
    clock.advance(1_000);
    expect((await abandoned).status).toBe(503);
    await other.execute("COMMIT");
    expect(await other.execute("SELECT count(*) FROM t")).toMatchObject({ rows: [[{ value: "0" }]] });
  });
});

test("answers to requests for a database say that batches are taken, failures too", async () => {
  const { server } = openServer();
  const accepts = async (path: string): Promise<string | null> =>
    (await post(server, path, "{}")).headers.get("tributary-accepts");
  expect(await accepts("/v2/pipeline")).toBe("batch-1");
  expect(await accepts("/nothing")).toBe("batch-1");
});
