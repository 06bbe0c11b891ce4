import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { createSyncServer, type SyncServer, type SyncServerOptions } from "../src/index.js";
import { HranaClient } from "./support/hrana-client.js";
import { ManualClock } from "./support/manual-clock.js";
import { post, settle } from "./support/open-server.js";
import { pull } from "./support/pull-client.js";
import { tempDirectory } from "./support/temp-directory.js";

// SQL in processes of its own, as it is by default.

const ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

beforeAll(() => {
  if (!existsSync(new URL("../dist/sql-host/main.js", import.meta.url)))
    throw new Error("packages/server has not been built: run npm test, which builds first.");
});

function openServer(options: Partial<SyncServerOptions> = {}): SyncServer {
  const place = options.dataDirectory === undefined ? { path: join(tempDirectory(), "test.db") } : {};
  const server = createSyncServer({ ...place, ...options });
  onTestFinished(() => server.close());
  return server;
}

/** Processes that this one has started and that have not ended. */
function children(pid: number = process.pid): number[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      try {
        const stat = readFileSync(`/proc/${candidate}/stat`, "utf8");
        const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return Number(parent) === pid && state !== "Z";
      } catch {
        return false;
      }
    });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("run SQL outside of this process, one stream after the other, and are gone after close", async () => {
  const before = children();
  const server = openServer();
  const client = new HranaClient(server);
  await client.execute("CREATE TABLE t(a)");
  await client.execute({ sql: "INSERT INTO t VALUES (?)", args: [{ type: "integer", value: "7" }] });
  expect(await client.execute("SELECT a FROM t")).toMatchObject({
    rows: [[{ type: "integer", value: "7" }]],
  });
  // One for the stream, and a spare where that stays.
  await until(() => children().length === before.length + 2);
  expect(server.status().workers).toMatchObject({ running: 2, busy: 0, waiting: 0 });
  await server.close();
  expect(children()).toEqual(before);
});

test("a statement without an end is interrupted, and keeps nobody waiting", async () => {
  const server = openServer({ statementTimeoutMs: 1_500 });
  const writer = new HranaClient(server);
  await writer.execute("CREATE TABLE t(a)");
  // More processes, whose start is not what is to be measured.
  const others = [new HranaClient(server), new HranaClient(server)];
  for (const other of others) await other.execute("BEGIN");
  for (const other of others) await other.send({ type: "close" });
  const runaway = new HranaClient(server).post([
    { type: "execute", stmt: { sql: "INSERT INTO t VALUES (1)" } },
    { type: "execute", stmt: { sql: ENDLESS } },
  ]);
  let isOver = false;
  const over = runaway.then((response) => {
    isOver = true;
    return response;
  });
  // SQL of others, pages, and the event loop of the host go on.
  let selects = 0;
  let pulls = 0;
  while (!isOver) {
    const other = new HranaClient(server);
    await other.send({ type: "execute", stmt: { sql: "SELECT 1" } }, { type: "close" });
    if (!isOver) selects += 1;
    await (await pull(server, {})).arrayBuffer();
    if (!isOver) pulls += 1;
  }
  const response = await over;
  expect([response.status, response.headers.get("content-type")]).toEqual([408, "application/json"]);
  expect(await response.json()).toMatchObject({
    code: "SQLITE_INTERRUPT",
    message: expect.stringContaining("1500 ms"),
  });
  expect(Math.min(selects, pulls)).toBeGreaterThan(0);
  // What was committed before it stays.
  expect(await writer.execute("SELECT count(*) FROM t")).toMatchObject({ rows: [[{ value: "1" }]] });
});

test("a runaway write lets go of the lock when it is interrupted", async () => {
  const server = openServer({ statementTimeoutMs: 400 });
  const writer = new HranaClient(server);
  await writer.execute("CREATE TABLE t(a)");
  const runaway = new HranaClient(server).post([
    { type: "execute", stmt: { sql: `INSERT INTO t ${ENDLESS}` } },
  ]);
  await until(() => server.status().workers.busy > 0);
  expect(await writer.execute("INSERT INTO t VALUES (2)")).toMatchObject({ affected_row_count: 1 });
  expect((await runaway).status).toBe(408);
  expect(await writer.execute("SELECT group_concat(a) FROM t")).toMatchObject({ rows: [[{ value: "2" }]] });
});

test("the statement of a client that has gone is interrupted, and its transaction rolled back", async () => {
  const clock = new ManualClock();
  const server = openServer({ clock, transactionTimeoutMs: 60_000, foreignCommitCheckMs: 0 });
  const other = new HranaClient(server);
  await other.execute("CREATE TABLE t(a)");
  const client = new AbortController();
  const requests = ["BEGIN IMMEDIATE", ENDLESS].map((sql) => ({ type: "execute", stmt: { sql } }));
  const abandoned = post(server, "/v2/pipeline", JSON.stringify({ requests }), client.signal);
  await until(() => server.status().workers.busy > 0);
  const write = other.execute("INSERT INTO t VALUES (1)");
  client.abort();
  // First the stream is closed, then what still runs is interrupted.
  for (const _ of ["close", "interrupt"]) {
    clock.advance(1_000);
    await settle();
  }
  expect((await abandoned).status).toBe(503);
  // The lock of a process that was killed is free when that is gone, which takes a moment.
  let isWritten = false;
  void write.then(() => {
    isWritten = true;
  });
  await until(() => isWritten);
  expect(await write).toMatchObject({ affected_row_count: 1 });
  expect(server.status()).toMatchObject({ requests: 0 });
});

test("an abandoned transaction does not outlive its limit where streams must share a process", async () => {
  // Two processes for one database.
  const server = openServer({ maxWorkers: 4, transactionTimeoutMs: 300, statementTimeoutMs: 25_000 });
  const abandoned = new HranaClient(server);
  await abandoned.execute("CREATE TABLE t(a)");
  await abandoned.execute("BEGIN IMMEDIATE");
  await abandoned.execute("INSERT INTO t VALUES (1)");
  // Two streams in each: the next one goes to the first process, where the transaction is.
  for (let index = 0; index < 3; index++) await new HranaClient(server).execute("SELECT 1");
  const runaway = new HranaClient(server).post([{ type: "execute", stmt: { sql: ENDLESS } }]);
  await until(() => server.status().workers.busy > 0);
  expect(await new HranaClient(server).execute("INSERT INTO t VALUES (2)")).toMatchObject({
    affected_row_count: 1,
  });
  expect(await (await runaway).json()).toMatchObject({
    code: "STREAM_CLOSED",
    message: expect.stringContaining("a transaction had to be rolled back"),
  });
});

test("a long batch of short statements is not interrupted", async () => {
  const server = openServer({ statementTimeoutMs: 300 });
  const client = new HranaClient(server);
  const some =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10000) SELECT count(*) FROM n;";
  const start = performance.now();
  const [result] = await client.send({ type: "sequence", sql: some.repeat(400) });
  expect(result).toMatchObject({ type: "ok" });
  expect(performance.now() - start).toBeGreaterThan(300);
});

test("a process that dies takes its streams with it, and nothing else", async () => {
  const before = children();
  const server = openServer();
  const client = new HranaClient(server);
  await client.execute("CREATE TABLE t(a)");
  await client.execute("BEGIN IMMEDIATE");
  await client.execute("INSERT INTO t VALUES (1)");
  await until(() => children().length === before.length + 2);
  for (const worker of children().filter((pid) => !before.includes(pid))) process.kill(worker, "SIGKILL");
  await until(() => server.status().workers.running === 0);
  const response = await client.post([{ type: "execute", stmt: { sql: "COMMIT" } }]);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    code: "STREAM_CLOSED",
    message: expect.stringContaining("SIGKILL"),
  });
  const other = new HranaClient(server);
  expect(await other.execute("INSERT INTO t VALUES (2)")).toMatchObject({ affected_row_count: 1 });
  expect(await other.execute("SELECT group_concat(a) FROM t")).toMatchObject({ rows: [[{ value: "2" }]] });
});

test.runIf(existsSync("/proc/self/oom_score_adj"))(
  "where memory runs out, what runs SQL is to go before the server",
  async () => {
    const server = openServer();
    await new HranaClient(server).execute("SELECT 1");
    const [worker] = children();
    expect(readFileSync(`/proc/${worker}/oom_score_adj`, "utf8").trim()).toBe("1000");
  },
);

test("temporary files of SQLite stay in the data directory", async () => {
  const dataDirectory = join(tempDirectory(), "data");
  const server = openServer({ dataDirectory });
  await server.databases.create("a");
  const response = await server.fetch(
    new Request("http://localhost/a/v2/pipeline", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ requests: [{ type: "execute", stmt: { sql: "SELECT 1" } }] }),
    }),
  );
  expect(response.status).toBe(200);
  const [worker] = children();
  const environment = readFileSync(`/proc/${worker}/environ`, "utf8").split("\0");
  expect(environment).toContain(`SQLITE_TMPDIR=${join(dataDirectory, "tmp")}`);
});

test("a host is kept alive until close is over", async () => {
  const program = fileURLToPath(new URL("fixtures/closing-host.mjs", import.meta.url));
  const host: ChildProcess = fork(program, [join(tempDirectory(), "test.db")], { execArgv: [] });
  onTestFinished(() => void host.kill("SIGKILL"));
  host.disconnect();
  // 13 is what Node says where it has nothing to wait for.
  expect(await once(host, "exit")).toEqual([0, null]);
});

test("a host without file descriptors answers with an error, and lives on", async () => {
  const program = fileURLToPath(new URL("fixtures/exhausted-host.mjs", import.meta.url));
  const command = 'ulimit -n 200 && exec "$0" "$@"';
  const path = join(tempDirectory(), "test.db");
  const host = spawn("sh", ["-c", command, process.execPath, program, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void host.kill("SIGKILL"));
  let said = "";
  host.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  expect(await once(host, "close")).toEqual([0, null]);
  const [exhausted, ...answers] = said.trim().split("\n");
  expect(exhausted).toBe("EMFILE");
  expect(answers).toEqual([
    expect.stringMatching(/^500 .*STREAM_CLOSED/),
    expect.stringMatching(/^500 .*STREAM_CLOSED/),
    "200",
  ]);
  // Where programs lie is nobody's business.
  expect(said).not.toContain(process.execPath);
});

test("a host that is killed leaves none behind, in the middle of a statement without an end", async () => {
  const program = fileURLToPath(new URL("fixtures/runaway-host.mjs", import.meta.url));
  const host: ChildProcess = fork(program, [join(tempDirectory(), "test.db"), ENDLESS], { execArgv: [] });
  onTestFinished(() => void host.kill("SIGKILL"));
  await once(host, "message");
  const workers = children(host.pid);
  expect(workers.length).toBeGreaterThan(0);
  host.kill("SIGKILL");
  await once(host, "exit");
  await until(() => workers.every((worker) => !existsSync(`/proc/${worker}`)));
});
