import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { createSyncServer } from "../../src/index.js";
import { tempDirectory } from "../support/temp-directory.js";
import { call } from "./support/embedded-client.js";
import { encodeFields, Fields } from "./support/protobuf.js";

// What embedded replicas delegate, in processes of its own, as it is by default.

const ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

beforeAll(() => {
  if (!existsSync(new URL("../../dist/sql-host/main.js", import.meta.url)))
    throw new Error("packages/server has not been built: run npm test, which builds first.");
});

test("a transaction is lost with the process of a statement without an end, and not committed in part", async () => {
  const server = createSyncServer({
    path: join(tempDirectory(), "test.db"),
    maxWorkers: 1,
    statementTimeoutMs: 500,
  });
  onTestFinished(() => server.close());
  /** The error of the statement, or how many rows it gave. */
  const execute = async (sql: string): Promise<unknown> => {
    const query = encodeFields([1, sql], [2, ""]);
    const program = encodeFields([1, encodeFields([2, query])]);
    const answer = await call(server, "/proxy.Proxy/Execute", encodeFields([1, "one"], [2, program]));
    if (answer.status !== 0) return `status ${answer.status}: ${answer.text}`;
    const [result] = new Fields(answer.messages[0] as Buffer).messages(1);
    return result?.messages(1)[0]?.text(2) ?? result?.messages(2)[0]?.messages(2).length;
  };
  expect(await execute("CREATE TABLE t(a)")).toBe(0);
  expect(await execute("BEGIN")).toBe(0);
  expect(await execute("INSERT INTO t VALUES (1)")).toBe(0);
  expect(await execute("SELECT a FROM t")).toBe(1);
  expect(await execute(ENDLESS)).toMatch(/^status 4: /);
  expect(await execute("INSERT INTO t VALUES (2)")).toContain("the transaction was rolled back");
  expect(await execute("COMMIT")).toContain("the transaction was rolled back");
  expect(await execute("ROLLBACK")).toBe(0);
  expect(await execute("INSERT INTO t VALUES (3)")).toBe(0);
  expect(await execute("SELECT a FROM t")).toBe(1);
});
