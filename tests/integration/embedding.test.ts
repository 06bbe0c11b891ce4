import { join } from "node:path";
import { createSyncServer, type SyncServer } from "@tributary/server";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.js";

function open(options: Partial<Parameters<typeof createSyncServer>[0]> = {}): SyncServer {
  const server = createSyncServer({ path: join(temporaryDirectory(), "app.db"), ...options });
  onTestFinished(() => server.close());
  return server;
}

const pipeline = (sql: string, path = "/v2/pipeline"): Request =>
  new Request(`http://localhost${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ requests: [{ type: "execute", stmt: { sql } }] }),
  });

/** Runs SQL without a socket, and gives the first value. The stream is left open. */
async function query(server: SyncServer, sql: string, path?: string): Promise<unknown> {
  const response = await server.fetch(pipeline(sql, path));
  const { results } = (await response.json()) as {
    results: { response?: { result: { rows: { value: unknown }[][] } }; error?: { message: string } }[];
  };
  const [result] = results;
  if (result?.response === undefined) throw new Error(result?.error?.message);
  return result.response.result.rows[0]?.[0]?.value;
}

/** What a library may leave a mark on: handlers of the process, and what keeps it alive. */
function marks(): { handlers: Record<string, number>; resources: Record<string, number> } {
  const handlers = Object.fromEntries(
    process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
  );
  const resources: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) {
    // Work that ends by itself: files being removed, sockets of others being closed.
    if (!/Req|Immediate|TickObject|CloseReq/.test(name)) resources[name] = (resources[name] ?? 0) + 1;
  }
  return { handlers, resources };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test("two servers in one process know nothing of each other", async () => {
  const [first, second] = [open(), open()];
  await Promise.all([first, second].map((server) => query(server, "CREATE TABLE t (a)")));
  await query(first, "INSERT INTO t VALUES ('first')");
  let heard = 0;
  first.subscribe(() => heard++);
  await query(second, "INSERT INTO t VALUES ('second')");
  expect(await query(first, "SELECT group_concat(a) FROM t")).toBe("first");
  expect(heard).toBe(0);
  await first.close();
  expect(await query(second, "SELECT group_concat(a) FROM t")).toBe("second");
  await query(second, "INSERT INTO t VALUES ('again')");
});

test("many databases in one server and a single one in another", async () => {
  const many = createSyncServer({ dataDirectory: join(temporaryDirectory(), "data"), createOnUse: true });
  onTestFinished(() => many.close());
  const single = open();
  await query(many, "CREATE TABLE t (a)", "/acme/v2/pipeline");
  await query(single, "CREATE TABLE u (a)");
  expect(await query(many, "SELECT group_concat(name) FROM sqlite_schema", "/acme/v2/pipeline")).toBe("t");
  expect(await query(single, "SELECT group_concat(name) FROM sqlite_schema")).toBe("u");
});

test("a server leaves no mark on the process: no handlers while it runs, nothing open once it is closed", async () => {
  const before = marks();
  const { Request: globalRequest, Response: globalResponse, fetch: globalFetch } = globalThis;
  const servers = [open(), open({ maxWorkers: 1 })];
  for (const server of servers) {
    await query(server, "CREATE TABLE t (a)");
    await query(server, "INSERT INTO t VALUES (1)");
    // Nobody goes on with it.
    await query(server, "BEGIN IMMEDIATE");
    server.subscribe(() => {});
  }
  expect(marks().handlers).toEqual(before.handlers);
  await Promise.all(servers.map((server) => server.close()));
  await settle();
  const { handlers, resources } = marks();
  expect(handlers).toEqual(before.handlers);
  const left = Object.entries(resources).filter(([name, count]) => count > (before.resources[name] ?? 0));
  expect(left).toEqual([]);
  expect({ Request, Response, fetch }).toEqual({
    Request: globalRequest,
    Response: globalResponse,
    fetch: globalFetch,
  });
});

test("closing again, and asking a closed server, does no harm", async () => {
  const server = open();
  await query(server, "CREATE TABLE t (a)");
  await Promise.all([server.close(), server.close()]);
  await server.close();
  expect((await server.fetch(pipeline("SELECT 1"))).status).toBe(503);
  expect(() => server.subscribe(() => {})).toThrow(expect.objectContaining({ code: "closed" }));
});
