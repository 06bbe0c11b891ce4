import { expect, test } from "vitest";
import { connectRaw, pipelineHead, type RawConnection } from "../support/raw-request.js";
import { runSql, serve, type TestServer, TOKENS } from "../support/serve.js";

const BODY = JSON.stringify({
  requests: [
    { type: "execute", stmt: { sql: "INSERT INTO t VALUES (1) RETURNING 'inserted'" } },
    { type: "close" },
  ],
});

async function served(): Promise<TestServer> {
  const server = await serve({ createOnUse: true });
  expect((await runSql(server, "acme", "CREATE TABLE t(a)")).status).toBe(200);
  return server;
}

/** A request whose body is half there, and which the server has begun to read. */
async function halfSent(server: TestServer): Promise<RawConnection> {
  const connection = await connectRaw(server.url);
  connection.socket.write(pipelineHead("/acme/v2/pipeline", BODY.length, TOKENS.write) + BODY.slice(0, 20));
  await untilRunning(server);
  return connection;
}

/** Resolves once a request beside the one that asks is being served. */
async function untilRunning(server: TestServer): Promise<void> {
  for (;;) {
    const response = await fetch(`${server.url}/admin/status`, {
      headers: { authorization: `Bearer ${TOKENS.admin}` },
    });
    const { requests } = (await response.json()) as { requests: number };
    if (requests > 1) return;
  }
}

test("requests under way finish, and new ones are turned away", async () => {
  const server = await served();
  const running = await halfSent(server);
  const kept = await connectRaw(server.url);
  kept.socket.write("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
  await new Promise((resolve) => kept.socket.once("data", resolve));
  // Not idle any more, so that it is not closed with those that are.
  kept.socket.write("GET /ready HTTP/1.1\r\nHost: a\r\n");
  await untilRunning(server);
  const ending = server.server.shutdown(30_000);
  kept.socket.write("\r\n");
  expect(await kept.answer).toMatch(/HTTP\/1\.1 503 [\s\S]*connection: close[\s\S]*shutting down/i);
  await expect(fetch(server.url)).rejects.toThrow();
  running.socket.write(BODY.slice(20));
  expect(await ending).toBe(true);
  expect(await running.answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*inserted/);
});

test("requests that wait for a commit end at once", async () => {
  const server = await served();
  const headers = { authorization: `Bearer ${TOKENS.write}` };
  const first = await fetch(`${server.url}/acme/pull-updates`, { method: "POST", headers });
  const bytes = new Uint8Array(await first.arrayBuffer());
  // The header comes first: its length, then field 1, the revision.
  const revision = bytes.subarray(3, 3 + (bytes[2] as number));
  const body = Buffer.concat([Buffer.of(0x1a, revision.length), revision, Buffer.of(0x20, 0xff, 0xff, 0x03)]);
  const poll = fetch(`${server.url}/acme/pull-updates`, { method: "POST", headers, body });
  await untilWaiting(server);
  expect(await server.server.shutdown(30_000)).toBe(true);
  const { status, headers: answered } = await poll;
  expect([status, answered.get("retry-after")]).toEqual([503, "1"]);
});

async function untilWaiting(server: TestServer): Promise<void> {
  for (;;) {
    const response = await fetch(`${server.url}/admin/status`, {
      headers: { authorization: `Bearer ${TOKENS.admin}` },
    });
    const { databases } = (await response.json()) as { databases: { waiters: number }[] };
    if (databases[0]?.waiters === 1) return;
  }
}

test("requests that do not finish are cut off when their time is over", async () => {
  const server = await served();
  const running = await halfSent(server);
  expect(await server.server.shutdown(20)).toBe(false);
  expect(await running.answer).not.toContain("inserted");
});

test("closing twice is closing", async () => {
  const server = await served();
  await Promise.all([server.server.close(), server.server.close()]);
});
