import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createLogger } from "../../src/logging/create-logger.js";
import { logRequest } from "../../src/logging/log-request.js";
import { runSql, serve, type TestServer, TOKENS } from "../support/serve.js";

/** Runs something of each kind with secrets in it. */
async function makeTraffic(server: TestServer): Promise<void> {
  await runSql(
    server,
    "acme",
    "CREATE TABLE planted_table(a); INSERT INTO planted_table VALUES ('planted-value')",
  );
  await runSql(server, "acme", "SELECT planted_syntax error", TOKENS.acme);
  await runSql(server, "acme", "SELECT 1", "planted-wrong-token");
  await runSql(server, "globex", "SELECT 1", TOKENS.acme);
  await fetch(`${server.url}/planted-path/x?token=planted-parameter`, {
    headers: { cookie: "planted-cookie" },
  });
  await fetch(`${server.url}/acme/v2/pipeline?planted=planted`, { method: "POST", body: "planted-body" });
}

function scrape({ url }: TestServer, token?: string): Promise<Response> {
  return fetch(
    `${url}/metrics`,
    token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
  );
}

test("the log has a line for each request, and nothing that is secret", async () => {
  const server = await serve({ createOnUse: true });
  await makeTraffic(server);
  const requests = server.log.filter(({ msg }) => msg === "request");
  expect(requests.length).toBe(6);
  expect(requests[0]).toMatchObject({
    level: "info",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    id: expect.any(String),
    method: "POST",
    route: "/v2/pipeline",
    database: "acme",
    client: expect.any(String),
    status: 200,
    ms: expect.any(Number),
    requestBytes: expect.any(Number),
  });
  expect(new Set(requests.map(({ id }) => id)).size).toBe(requests.length);
  expect(requests.map(({ status }) => status).slice(0, 4)).toEqual([200, 200, 401, 403]);
  // The one request whose path names a database that is not there has that name.
  const text = JSON.stringify(server.log).replaceAll("planted-path", "");
  expect(text).not.toContain("planted");
});

test("what the server is to blame for is logged as an error, with its causes and none of their properties", () => {
  const lines: string[] = [];
  const logger = createLogger("info", "json", { write: (line) => void lines.push(line) });
  const cause = Object.assign(new Error("disk"), { code: "SQLITE_IOERR", sql: "planted" });
  const error = Object.assign(new Error("cannot write", { cause }), { statement: "planted" });
  const report = {
    id: "1",
    method: "POST",
    route: "/v2/pipeline",
    database: "acme",
    client: undefined,
    status: 500,
    durationMs: 1.26,
    requestBytes: 1,
    responseBytes: undefined,
    error,
  };
  logRequest(logger, report);
  expect(lines.join("")).not.toContain("planted");
  expect(JSON.parse(lines[0] as string)).toMatchObject({
    level: "error",
    msg: "request failed",
    ms: 1.3,
    error: {
      message: "cannot write",
      stack: expect.stringMatching(/cannot write\n[\s\S]*caused by: Error: disk\n/),
    },
  });
});

test("the log for people has a line for each request, too", () => {
  const lines: string[] = [];
  const logger = createLogger("info", "text", { write: (line) => void lines.push(line) });
  logger.info({ route: "/v2", status: 200, note: "two words" }, "request");
  logger.debug("not this");
  expect(lines).toEqual([
    expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{3} info request route=\/v2 status=200 note="two words"\n$/),
  ]);
});

test("the metrics parse, count, and have nothing that is secret", async () => {
  const server = await serve({ createOnUse: true, metrics: true });
  await makeTraffic(server);
  const response = await scrape(server, TOKENS.admin);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  expect(text).not.toContain("planted");
  const samples = parseMetrics(text);
  const value = (name: string): number | undefined => samples.get(name);
  expect(value('tributary_requests_total{method="POST",route="/v2/pipeline",status="200"}')).toBe(2);
  expect(value('tributary_requests_total{method="POST",route="/v2/pipeline",status="401"}')).toBeGreaterThan(
    0,
  );
  expect(value('tributary_request_duration_seconds_bucket{le="+Inf",route="/v2/pipeline"}')).toBeGreaterThan(
    3,
  );
  expect(value('tributary_request_body_bytes_total{route="/v2/pipeline"}')).toBeGreaterThan(100);
  expect(value("tributary_network_received_bytes_total")).toBeGreaterThan(1_000);
  expect(value("tributary_network_sent_bytes_total")).toBeGreaterThan(1_000);
  expect(value("tributary_databases_open")).toBe(1);
  expect(value('tributary_database_wal_bytes{database="acme"}')).toBeGreaterThan(4_096);
  expect(value('tributary_database_revision_sequence{database="acme"}')).toBeGreaterThan(0);
  for (const name of ["streams", "waiters", "waiting_writers", "maintenance_failing"])
    expect(value(`tributary_database_${name}{database="acme"}`), name).toBe(0);
  expect(value("tributary_workers_running")).toBeGreaterThanOrEqual(0);
  for (const name of ["workers_busy", "workers_waiting", "sockets"])
    expect(value(`tributary_${name}`), name).toBe(0);
  expect(value("process_open_fds")).toBeGreaterThan(3);
  const manual = readFileSync(new URL("../../../../docs/SELF_HOSTING.md", import.meta.url), "utf8");
  const named = [...manual.matchAll(/\b((?:tributary|nodejs|process)_[a-z0-9_]+)/g)].map(([name]) => name);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !text.includes(`# TYPE ${name} `))).toEqual([]);
  expect(value('tributary_build_info{version="0.0.0"}')).toBe(1);
});

test("the metrics tell a bounded number of databases apart", async () => {
  const server = await serve({ createOnUse: true, metrics: true, metricsDatabases: "2" });
  for (const name of ["d1", "d2", "d3", "d4"]) await runSql(server, name, "CREATE TABLE t(a)");
  const samples = parseMetrics(await (await scrape(server, TOKENS.admin)).text());
  const labels = [...samples.keys()].filter((name) => name.startsWith("tributary_database_wal_bytes"));
  expect(labels.length).toBe(3);
  const one = samples.get(labels.find((label) => label.includes('"d')) as string) as number;
  expect(samples.get('tributary_database_wal_bytes{database="(others)"}')).toBe(2 * one);
});

test("metrics and status are for those with admin access", async () => {
  const server = await serve({ metrics: true });
  const authorized = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });
  for (const path of ["/metrics", "/admin/status"]) {
    const statusWith = async (init?: RequestInit): Promise<number> =>
      (await fetch(server.url + path, init)).status;
    expect(await statusWith(), path).toBe(401);
    expect(await statusWith(authorized("planted-wrong-token"))).toBe(401);
    expect(await statusWith(authorized(TOKENS.write))).toBe(403);
    expect(await statusWith(authorized(TOKENS.acme))).toBe(403);
    expect(await statusWith(authorized(TOKENS.admin))).toBe(200);
    expect(await statusWith({ ...authorized(TOKENS.admin), method: "POST" })).toBeGreaterThanOrEqual(404);
  }
});

test("there are no metrics unless they are asked for", async () => {
  expect((await scrape(await serve(), TOKENS.admin)).status).toBe(404);
});

/** Samples by name and labels. Throws where a line is not as Prometheus reads it. */
function parseMetrics(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const types = new Set<string>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("# HELP ")) continue;
    const type = /^# TYPE ([a-z0-9_]+) (counter|gauge|histogram|summary)$/.exec(line);
    if (type !== null) {
      if (types.has(type[1] as string)) throw new Error(`two types: ${line}`);
      types.add(type[1] as string);
      continue;
    }
    const sample =
      /^([a-z0-9_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})?) (-?[0-9.e+-]+|NaN|[+-]Inf)$/.exec(line);
    if (sample === null) throw new Error(`no sample: ${line}`);
    const name = sample[1] as string;
    if (samples.has(name)) throw new Error(`twice: ${name}`);
    samples.set(name, Number(sample[2]));
  }
  return samples;
}
