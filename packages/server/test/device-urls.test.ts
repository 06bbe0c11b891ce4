import { expect, test } from "vitest";
import { openServer } from "./support/open-server.js";

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
