import { expect, onTestFinished, test } from "vitest";
import { createSyncServer } from "../src/index.js";
import { openServer } from "./support/open-server.js";
import { tempDirectory } from "./support/temp-directory.js";

const SELECT = JSON.stringify({ requests: [{ type: "execute", stmt: { sql: "SELECT 1" } }] });

test("everything of a database is also below its devices", async () => {
  const { server } = openServer();
  const post = (path: string): Promise<Response> =>
    server.fetch(
      new Request(`http://localhost${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: SELECT,
      }),
    );
  for (const path of ["/v3/pipeline", "/device/phone/v3/pipeline", "/device/phone//v3/pipeline"]) {
    expect((await post(path)).status, path).toBe(200);
  }
  expect((await server.fetch(new Request("http://localhost/device/phone/v3"))).status).toBe(200);
  const refused = await post("/device/a%20b/v3/pipeline");
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({ code: "invalid-name" });
});

test("what administers has no second path below a device", async () => {
  const { server } = openServer({ authorize: () => ({ access: "admin" }) });
  const status = async (path: string): Promise<number> =>
    (await server.fetch(new Request(`http://localhost${path}`))).status;
  expect(await status("/admin/status")).toBe(200);
  expect(await status("/device/phone/admin/status")).toBe(404);
  expect(await status("/device/phone/admin/databases/default/export")).toBe(404);
});

test("a device without a database is told what is missing", async () => {
  const server = createSyncServer({ dataDirectory: tempDirectory(), maxWorkers: 0, foreignCommitCheckMs: 0 });
  onTestFinished(() => server.close());
  const response = await server.fetch(new Request("http://localhost/device/phone/info"));
  expect([response.status, await response.text()]).toEqual([
    404,
    "name the database in front of the path, as /<name>/device/phone/info",
  ]);
});
