import { join } from "node:path";
import type { HranaPipelineResponse } from "@tributary/wire";
import { describe, expect, onTestFinished, test } from "vitest";
import { createSyncServer, type SyncServer, staticTokens } from "../src/index.js";
import { tempDirectory } from "./support/temp-directory.js";

const READER = "reader-0123456789";
const WRITER = "writer-0123456789";
const authorize = staticTokens([
  { token: READER, access: "read" },
  { token: WRITER, access: "write" },
]);

async function openServer(maxWorkers?: number): Promise<SyncServer> {
  const path = join(tempDirectory(), "test.db");
  const server = createSyncServer({ path, authorize, ...(maxWorkers === undefined ? {} : { maxWorkers }) });
  onTestFinished(() => server.close());
  await run(server, WRITER, ["CREATE TABLE t(a)", "CREATE INDEX i ON t(a)", "INSERT INTO t VALUES (1)"]);
  return server;
}

async function send(
  server: SyncServer,
  token: string | undefined,
  sql: readonly string[],
  baton: string | null = null,
): Promise<Response> {
  const requests = sql.map((text) => ({ type: "execute", stmt: { sql: text } }));
  return server.fetch(
    new Request("http://localhost/v2/pipeline", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ baton, requests }),
    }),
  );
}

/** Codes of the statements that failed, and rows of those that did not. */
async function run(server: SyncServer, token: string, sql: readonly string[]): Promise<unknown[]> {
  const response = await send(server, token, sql);
  expect(response.status).toBe(200);
  const { results } = (await response.json()) as HranaPipelineResponse;
  return results.map((result) => {
    if (result.type === "error") return result.error.code;
    return result.response.type === "execute" ? result.response.result.rows : undefined;
  });
}

describe.each([
  { where: "in this thread", maxWorkers: 0 },
  { where: "in processes", maxWorkers: undefined },
])("with SQL $where, read access", ({ maxWorkers }) => {
  test("reads, and changes nothing, whatever it tries", async () => {
    const server = await openServer(maxWorkers);
    expect(await run(server, READER, ["SELECT a FROM t"])).toEqual([[[{ type: "integer", value: "1" }]]]);
    for (const attempt of [
      ["INSERT INTO t VALUES (2)"],
      ["UPDATE t SET a = 2"],
      ["DELETE FROM t"],
      ["DELETE FROM t RETURNING a"],
      ["REPLACE INTO t VALUES (2)"],
      ["WITH x AS (SELECT 2) INSERT INTO t SELECT * FROM x"],
      ["CREATE TABLE u(a)"],
      ["CREATE VIRTUAL TABLE f USING fts5(a)"],
      ["DROP TABLE t"],
      ["ALTER TABLE t ADD COLUMN b"],
      ["REINDEX"],
      ["ANALYZE"],
      ["VACUUM"],
      ["VACUUM INTO 'stolen.db'"],
      ["ATTACH 'other.db' AS other"],
      ["PRAGMA user_version = 5"],
      ["PRAGMA application_id = 5"],
      ["PRAGMA journal_mode = DELETE"],
      ["PRAGMA writable_schema = 1"],
      ["PRAGMA wal_checkpoint(TRUNCATE)"],
      ["PRAGMA main.user_version(5)"],
      ["EXPLAIN PRAGMA user_version = 5", "SELECT nothing"],
      ["SELECT load_extension('x')"],
      ["SELECT writefile('x', 'y')"],
    ]) {
      const results = await run(server, READER, attempt);
      expect([attempt, results.at(-1)]).toEqual([attempt, expect.stringMatching(/^SQL/)]);
    }
    // A transaction does not help, nor does asking for the right to write.
    for (const [index, begin] of ["BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "SAVEPOINT s"].entries()) {
      const results = await run(server, READER, [
        "PRAGMA query_only = 0",
        begin,
        "INSERT INTO t VALUES (2)",
        index === 3 ? "RELEASE s" : "COMMIT",
      ]);
      expect(results[2]).toBe("SQLITE_READONLY");
    }
    expect(await run(server, WRITER, ["SELECT count(*), max(a) FROM t", "PRAGMA user_version"])).toEqual([
      [
        [
          { type: "integer", value: "1" },
          { type: "integer", value: "1" },
        ],
      ],
      [[{ type: "integer", value: "0" }]],
    ]);
  });

  test("does not get hold of a writer's stream, nor keep writers waiting", async () => {
    const server = await openServer(maxWorkers);
    const begun = await send(server, WRITER, ["BEGIN IMMEDIATE", "INSERT INTO t VALUES (2)"]);
    const { baton } = (await begun.json()) as { baton: string };
    const stolen = await send(server, READER, ["COMMIT"], baton);
    expect([stolen.status, await stolen.text()]).toEqual([400, "Received an invalid baton"]);
    expect((await send(server, undefined, ["COMMIT"], baton)).status).toBe(401);
    // The attempt has not ended it.
    expect((await send(server, WRITER, ["COMMIT"], baton)).status).toBe(200);
    await send(server, READER, ["BEGIN IMMEDIATE", "SELECT * FROM t"]);
    const start = performance.now();
    expect(await run(server, WRITER, ["INSERT INTO t VALUES (3)"])).toEqual([[]]);
    // After 5 s its transaction would be taken from a writer.
    expect(performance.now() - start).toBeLessThan(4_500);
  });
});

test("refuses whoever shows no token, or a wrong one, before anything else", async () => {
  const server = await openServer(0);
  for (const [token, code] of [
    [undefined, "AUTH_HEADER_NOT_FOUND"],
    ["wrong-0123456789", "AUTH_INVALID"],
  ] as const) {
    for (const path of ["/v2/pipeline", "/v3/cursor", "/pull-updates", "/admin/databases"]) {
      const response = await server.fetch(
        new Request(`http://localhost${path}`, {
          method: path === "/admin/databases" ? "GET" : "POST",
          headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
          ...(path === "/admin/databases" ? {} : { body: "not even JSON" }),
        }),
      );
      expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
      expect(await response.json()).toMatchObject({ code });
    }
  }
  const forbidden = await server.fetch(
    new Request("http://localhost/admin/databases", { headers: { authorization: `Bearer ${WRITER}` } }),
  );
  expect(forbidden.status).toBe(403);
});
