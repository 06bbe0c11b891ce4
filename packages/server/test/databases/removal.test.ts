import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createSyncServer } from "../../src/index.js";
import { tempDirectory } from "../support/temp-directory.js";

const ENDLESS = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

test("deleting a database does not wait for the statements of another", async () => {
  const server = createSyncServer({
    dataDirectory: join(tempDirectory(), "data"),
    createOnUse: true,
    maxWorkers: 2,
    statementTimeoutMs: 10_000,
  });
  onTestFinished(() => server.close());
  const run = async (name: string, sql: string): Promise<Response> =>
    server.fetch(
      new Request(`http://h/${name}/v2/pipeline`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ requests: [{ type: "execute", stmt: { sql } }, { type: "close" }] }),
      }),
    );
  expect((await run("acme", "CREATE TABLE t (a)")).status).toBe(200);
  let isEnded = false;
  const endless = run("globex", ENDLESS).then((response) => {
    isEnded = true;
    return response;
  });
  while (server.status().workers.busy === 0) await new Promise((resolve) => setImmediate(resolve));
  await server.databases.remove("acme");
  expect(isEnded).toBe(false);
  expect(await server.databases.list()).toEqual(["globex"]);
  await server.close();
  expect((await endless).status).toBe(503);
});
