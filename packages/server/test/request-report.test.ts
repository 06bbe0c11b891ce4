import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createClient } from "@libsql/client";
import { expect, onTestFinished, test } from "vitest";
import { createSyncServer, type RequestReport, staticTokens, toUpgradeListener } from "../src/index.js";
import { openServer } from "./support/open-server.js";
import { tempDirectory } from "./support/temp-directory.js";

const TOKEN = "secret-0123456789";

function reporting() {
  const reports: RequestReport[] = [];
  const authorize = staticTokens([{ token: TOKEN, access: "write", client: "app" }]);
  const { server } = openServer({ authorize, onRequest: (report) => reports.push(report) });
  return { server, reports };
}

test("each request is told once, with what it was, whose, and how it ended, and no secrets", async () => {
  const { server, reports } = reporting();
  const body = JSON.stringify({ requests: [{ type: "execute", stmt: { sql: "SELECT 'private'" } }] });
  const headers = {
    authorization: `Bearer ${TOKEN}`,
    "content-type": "application/json",
    "content-length": String(body.length),
  };
  const url = "http://localhost/v2/pipeline?token=private";
  const answer = await server.fetch(new Request(url, { method: "POST", headers, body }), {
    remoteAddress: "192.0.2.1",
  });
  await server.fetch(new Request("http://localhost/v2/pipeline", { method: "POST", body: "{}" }), {
    remoteAddress: "192.0.2.1",
  });
  await server.fetch(new Request("http://localhost/private/path"));
  expect(reports).toMatchObject([
    {
      id: answer.headers.get("x-request-id"),
      method: "POST",
      route: "/v2/pipeline",
      database: "default",
      client: "app",
      status: 200,
      requestBytes: body.length,
      responseBytes: (await answer.arrayBuffer()).byteLength,
      error: undefined,
    },
    { route: "/v2/pipeline", client: "192.0.2.1", status: 401, error: undefined },
    { route: "other", client: undefined, status: 404, error: undefined },
  ]);
  expect(new Set(reports.map(({ id }) => id)).size).toBe(3);
  expect(JSON.stringify(reports)).not.toMatch(/private|secret/);
});

test("what the server is to blame for is told with its cause, which the client does not hear", async () => {
  const reports: RequestReport[] = [];
  const cause = new Error("the directory of users is down");
  const { server } = openServer({
    authorize: () => Promise.reject(cause),
    onRequest: (report) => reports.push(report),
  });
  const response = await server.fetch(new Request("http://localhost/pull-updates", { method: "POST" }));
  expect(await response.text()).not.toContain("directory");
  expect(reports).toMatchObject([{ status: 500, error: { cause } }]);
});

test("of a socket each hello is told", async () => {
  const reports: RequestReport[] = [];
  const server = createSyncServer({
    path: join(tempDirectory(), "test.db"),
    maxWorkers: 0,
    authorize: staticTokens([{ token: TOKEN, access: "write", client: "app" }]),
    onRequest: (report) => reports.push(report),
  });
  const http = createServer();
  http.on("upgrade", toUpgradeListener(server));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    await server.close();
    await new Promise((resolve) => http.close(resolve));
  });
  const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const client = createClient({ url, authToken: TOKEN });
  await client.execute("SELECT 1");
  client.close();
  const stranger = createClient({ url, authToken: "wrong-0123456789" });
  await expect(stranger.execute("SELECT 1")).rejects.toMatchObject({ code: "AUTH_INVALID" });
  stranger.close();
  expect(reports).toMatchObject([
    { route: "websocket", database: "default", client: "app", status: 101 },
    { route: "websocket", client: "127.0.0.1", status: 401 },
  ]);
});
