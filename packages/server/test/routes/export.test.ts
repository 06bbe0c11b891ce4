import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createSyncServer, type SyncServer } from "../../src/index.js";
import { settle } from "../support/settle.js";
import { tempDirectory } from "../support/temp-directory.js";

async function openServer(options: { maxRequestsPerClient?: number } = {}): Promise<SyncServer> {
  const server = createSyncServer({
    dataDirectory: join(tempDirectory(), "data"),
    maxWorkers: 0,
    authorize: () => ({ access: "admin", client: "ada" }),
    ...options,
  });
  onTestFinished(() => server.close());
  await server.databases.create("acme");
  return server;
}

const exportOf = (name: string): Request => new Request(`http://h/admin/databases/${name}/export`);

test("a download of a database counts as a request until it ends, and is waited for", async () => {
  const server = await openServer({ maxRequestsPerClient: 1 });
  const response = await server.fetch(exportOf("acme"));
  expect(response.status).toBe(200);
  expect(server.status().requests).toBe(1);
  expect((await server.fetch(exportOf("acme"))).status).toBe(429);
  let isDrained = false;
  const drained = server.drain().then(() => {
    isDrained = true;
  });
  await settle();
  expect(isDrained).toBe(false);
  await response.arrayBuffer();
  await drained;
  expect(server.status().requests).toBe(0);
});

test("one that is given up, or cannot begin, leaves nothing", async () => {
  const server = await openServer();
  await (await server.fetch(exportOf("acme"))).body?.cancel();
  expect((await server.fetch(exportOf("none"))).status).toBe(404);
  expect(server.status().requests).toBe(0);
  await server.databases.remove("acme");
  expect(server.status().databases).toEqual([]);
});
