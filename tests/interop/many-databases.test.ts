import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createClient } from "@libsql/client";
import { openHttp } from "@libsql/hrana-client";
import { openReplica } from "@tributary/replica";
import { staticTokens } from "@tributary/server";
import { connect } from "@tursodatabase/serverless";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { rows } from "../support/replicas.js";
import { temporaryDirectory } from "../support/temporary-directory.js";
import { serveForFile } from "./support/serve-for-file.js";

const shared = serveForFile(
  {
    authorize: staticTokens([
      { token: "token-that-writes-acme", access: "write", databases: ["acme"] },
      { token: "token-that-reads-acme", access: "read", databases: ["acme"] },
      { token: "token-that-writes-other", access: "write", databases: ["other"] },
      { token: "token-that-writes-all", access: "write" },
    ]),
  },
  { many: true },
);

beforeAll(async () => {
  for (const name of ["acme", "other", "sql", "replicas"]) await shared.server.databases.create(name);
});

test("Turso's sync client: two databases below paths, and a token that only reads", async () => {
  const script = fileURLToPath(new URL("./support/turso-databases.mjs", import.meta.url));
  const args = [script, shared.url(), temporaryDirectory()];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 25_000 });
  const bodies = (...texts: string[]) => texts.map((body) => ({ body }));
  expect(JSON.parse(stdout)).toEqual({
    bootstrapped: bodies("of acme"),
    isNew: true,
    refused: expect.stringMatching(/403|read/),
    kept: bodies("of acme", "of acme, later", "written by the reader"),
    acme: bodies("of acme", "of acme, later", "written by the reader"),
    other: bodies("of the other"),
    wrongToken: expect.stringContaining("401"),
    otherToken: expect.stringContaining("403"),
    missing: expect.stringContaining("404"),
  });
});

test("a replica below a path, with a token that only reads until it may write", async () => {
  const url = shared.url("http", "/replicas");
  const open = async (name: string, authToken: () => string) => {
    const replica = await openReplica({ path: join(temporaryDirectory(), `${name}.db`), url, authToken });
    onTestFinished(() => replica.close());
    return replica;
  };
  const writer = await open("writer", () => "token-that-writes-all");
  writer.db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT); INSERT INTO t VALUES (1, 'one')");
  await writer.sync();
  await expect(open("reader", () => "token-that-reads-acme")).rejects.toMatchObject({ code: "unauthorized" });
  let token = "token-that-writes-all";
  const other = await open("other", () => token);
  token = "token-that-writes-other";
  other.db.exec("INSERT INTO t VALUES (2, 'two')");
  await expect(other.push()).rejects.toMatchObject({ code: "unauthorized" });
  token = "token-that-writes-all";
  await other.sync();
  await writer.sync();
  expect(rows(writer, "SELECT * FROM t")).toEqual([
    [1, "one"],
    [2, "two"],
  ]);
});

// @libsql/client and hrana-client resolve their paths against the URL: over HTTP the slash at its end counts.
test.each([
  ["http", "/sql/"],
  ["libsql", "/sql/"],
  ["ws", "/sql"],
])("@libsql/client over %s: with the database %s", async (scheme, path) => {
  const table = `t_${scheme}`;
  const open = (authToken?: string) => {
    const client = createClient({ url: shared.url(scheme, path), ...(authToken && { authToken }) });
    onTestFinished(() => client.close());
    return client;
  };
  const client = open("token-that-writes-all");
  await client.batch([`CREATE TABLE ${table} (a)`, `INSERT INTO ${table} VALUES (1)`], "write");
  expect((await client.execute(`SELECT a FROM ${table}`)).rows).toMatchObject([{ a: 1 }]);
  await expect(open().execute("SELECT 1")).rejects.toMatchObject({
    code: expect.stringMatching(/AUTH_|SERVER_ERROR/),
  });
  await expect(open("token-that-writes-acme").execute("SELECT 1")).rejects.toThrow();
});

test.each([
  ["http", "/acme/"],
  ["ws", "/acme/"],
  ["ws", "/acme"],
])("a token that only reads cannot write over %s: to %s, by whatever way", async (scheme, path) => {
  const url = shared.url(scheme, path);
  const writer = createClient({ url, authToken: "token-that-writes-acme" });
  const reader = createClient({ url, authToken: "token-that-reads-acme" });
  onTestFinished(() => {
    writer.close();
    reader.close();
  });
  const table = `guarded_${scheme}_${path.length}`;
  await writer.execute(`CREATE TABLE ${table} (a)`);
  await writer.execute(`INSERT INTO ${table} VALUES (1)`);
  for (const sql of [
    `INSERT INTO ${table} VALUES (2)`,
    `WITH x AS (SELECT 2 AS a) INSERT INTO ${table} SELECT a FROM x RETURNING a`,
    `DROP TABLE ${table}`,
    "CREATE TABLE other (a)",
    "PRAGMA user_version = 7",
    "PRAGMA query_only = 0",
    "ATTACH ':memory:' AS m",
    "BEGIN IMMEDIATE",
  ]) {
    await reader.execute(sql).catch(() => {});
    await reader.execute(`INSERT INTO ${table} VALUES (3)`).catch(() => {});
  }
  await expect(reader.batch([`INSERT INTO ${table} VALUES (2)`], "write")).rejects.toThrow();
  await expect(reader.executeMultiple(`PRAGMA query_only = OFF; DELETE FROM ${table}`)).rejects.toThrow();
  const transaction = await reader.transaction("deferred");
  await expect(transaction.execute(`INSERT INTO ${table} VALUES (2)`)).rejects.toThrow();
  transaction.close();
  expect((await reader.execute(`SELECT a FROM ${table}`)).rows).toMatchObject([{ a: 1 }]);
  expect((await reader.execute("PRAGMA user_version")).rows).toMatchObject([{ user_version: 0 }]);
});

test("@libsql/hrana-client and @tursodatabase/serverless below a path, with a token", async () => {
  const token = "token-that-writes-all";
  const client = openHttp(shared.url("http", "/sql/"), token, undefined, undefined, 3);
  onTestFinished(() => client.close());
  const stream = client.openStream();
  expect((await stream.queryValue("SELECT 42")).value).toBe(42);
  expect(await client.getVersion()).toBe(3);
  const db = connect({ url: shared.url("http", "/sql"), authToken: token });
  expect(await db.get("SELECT 42 AS n")).toMatchObject({ n: 42 });
  await db.close();
  const stranger = connect({ url: shared.url("http", "/sql"), authToken: "token-that-nobody-knows" });
  await expect(stranger.get("SELECT 1")).rejects.toThrow(/token|unauth/i);
});
