import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Authorize, createSyncServer, type SyncServer } from "../../src/index.js";
import { HranaClient } from "../support/hrana-client.js";
import { openServer } from "../support/open-server.js";
import { tempDirectory } from "../support/temp-directory.js";
import { LibsqlReplica } from "./support/libsql-replica.js";

const FRAME = 4120;

const get = (server: SyncServer, path: string, headers = {}): Promise<Response> =>
  server.fetch(new Request(`http://h${path}`, { headers }));

const push = (
  server: SyncServer,
  path: string,
  body: Uint8Array<ArrayBuffer>,
  headers = {},
): Promise<Response> => server.fetch(new Request(`http://h${path}`, { method: "POST", body, headers }));

async function generationOf(server: SyncServer, path: string): Promise<number> {
  const response = await get(server, path);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
  return ((await response.json()) as { current_generation: number }).current_generation;
}

describe("answers", () => {
  test("have the form that the protocol wants", async () => {
    const { server } = openServer();
    await new HranaClient(server).execute("CREATE TABLE t(v)");
    expect(await generationOf(server, "/info")).toBe(1);
    const image = await get(server, "/export/1");
    expect([image.status, image.headers.get("content-type")]).toEqual([200, "application/octet-stream"]);
    const bytes = await image.arrayBuffer();
    expect(Number(image.headers.get("content-length"))).toBe(bytes.byteLength);
    expect(bytes.byteLength % 4096).toBe(0);
    const end = await get(server, "/sync/1/1/129");
    expect([end.status, await end.json()]).toEqual([400, { generation: 1 }]);
    await new HranaClient(server).execute("INSERT INTO t VALUES(1)");
    const frames = await get(server, "/sync/1/1/129");
    expect(frames.status).toBe(200);
    const body = await frames.arrayBuffer();
    expect(body.byteLength % FRAME).toBe(0);
    expect(Number(frames.headers.get("content-length"))).toBe(body.byteLength);
    // Two replicas that got the same of a cache would have one branch.
    for (const response of [await get(server, "/info"), image, end, frames])
      expect(response.headers.get("cache-control")).toBe("no-store");
    const count = body.byteLength / FRAME;
    const retried = await push(server, `/sync/1/1/${count + 1}`, new Uint8Array(body));
    expect([retried.status, await retried.json()]).toEqual([
      200,
      { status: "ok", generation: 1, max_frame_no: count },
    ]);
  });

  test("end where the range ends, and go on there", async () => {
    const { server } = openServer();
    await generationOf(server, "/info");
    await (await get(server, "/export/1")).arrayBuffer();
    const client = new HranaClient(server);
    await client.execute("CREATE TABLE t(v)");
    await client.execute("INSERT INTO t VALUES(zeroblob(20000))");
    const whole = Buffer.from(await (await get(server, "/sync/1/1/129")).arrayBuffer());
    const first = Buffer.from(await (await get(server, "/sync/1/1/3")).arrayBuffer());
    const rest = Buffer.from(await (await get(server, "/sync/1/3/131")).arrayBuffer());
    expect(first.length).toBe(2 * FRAME);
    expect(Buffer.concat([first, rest]).equals(whole)).toBe(true);
    // Only the last one ends a transaction.
    const sizes = Array.from({ length: whole.length / FRAME }, (_, index) =>
      whole.readUInt32BE(index * FRAME + 4),
    );
    expect(sizes.findIndex((size) => size > 0)).toBe(sizes.length - 1);
  });

  test.each([
    ["GET", "/sync/1/0/128"],
    ["GET", "/sync/0/1/129"],
    ["GET", "/sync/1/-1/5"],
    ["GET", "/sync/1/+1/5"],
    ["GET", "/sync/1/01/5"],
    ["GET", "/sync/1/1.5/5"],
    ["GET", "/sync/1/5/5"],
    ["GET", "/sync/1/5/4"],
    ["GET", "/sync/1/1/4099"],
    ["GET", "/sync/1/1/4294967296"],
    ["GET", "/sync/one/1/2"],
    ["GET", "/sync/1/1/129/baton"],
    ["GET", "/export/0"],
    ["GET", "/export/x"],
    ["GET", "/sync/1/1"],
    ["GET", "/sync"],
  ])("%s %s is 404: 400 would be the end of a generation", async (_, path) => {
    const { server } = openServer();
    await (await get(server, "/export/1")).arrayBuffer();
    const response = await get(server, path);
    expect(response.status).toBe(404);
    expect(await response.text()).not.toBe("");
  });

  test.each([
    ["/sync/1/2/1", 0],
    ["/sync/1/0/1", FRAME],
    ["/sync/x/1/2", FRAME],
    ["/sync/1/1/4100", FRAME],
    ["/sync/1/1/2", FRAME - 1],
    ["/sync/1/1/2", FRAME + 1],
    ["/sync/1/1/2", 8216],
    ["/sync/1/1/3", FRAME],
  ])("a push to %s of %i bytes is 400", async (path, length) => {
    const { server } = openServer();
    await (await get(server, "/export/1")).arrayBuffer();
    const announced = { "content-length": String(length) };
    const response = await push(server, path, new Uint8Array(length), announced);
    expect(response.status).toBe(400);
    expect(await response.text()).not.toBe("");
    // One that is not announced is read as far as it may be.
    expect([400, 413]).toContain((await push(server, path, new Uint8Array(length))).status);
  });

  test("other methods are not allowed", async () => {
    const { server } = openServer();
    for (const path of ["/info", "/export/1"])
      expect((await push(server, path, new Uint8Array(1))).status).toBe(405);
    const deleted = await server.fetch(new Request("http://h/sync/1/1/2", { method: "DELETE" }));
    expect(deleted.status).toBe(405);
  });

  test("reports have few names for the paths", async () => {
    const routes: string[] = [];
    const { server } = openServer({ onRequest: ({ route }) => routes.push(route) });
    for (const path of ["/info", "/export/1", "/sync/1/1/2", "/sync/1/5/6/baton", "/device/phone/info"])
      await (await get(server, path)).arrayBuffer();
    expect(routes).toEqual([
      "/info",
      "/export/:generation",
      "/sync/:generation",
      "/sync/:generation",
      "/info",
    ]);
  });
});

describe("access", () => {
  const authorize: Authorize = ({ token }) => {
    if (token === undefined)
      return {
        denied: "unauthenticated",
        code: "AUTH_HEADER_NOT_FOUND",
        message: "an access token is needed",
      };
    return { access: token === "writer" ? "write" : "read", device: "of-the-token" };
  };

  test("whoever reads may download and pull, and not push", async () => {
    const { server } = openServer({ authorize });
    const headers = { authorization: "Bearer reader" };
    expect((await get(server, "/info")).status).toBe(401);
    const { current_generation: generation } = (await (await get(server, "/info", headers)).json()) as {
      current_generation: number;
    };
    expect((await get(server, `/export/${generation}`, headers)).status).toBe(200);
    expect((await get(server, `/sync/${generation}/1/129`, headers)).status).toBe(400);
    const body = new Uint8Array(FRAME);
    expect((await push(server, `/sync/${generation}/1/2`, body, headers)).status).toBe(403);
    expect((await push(server, `/sync/${generation}/1/2`, body)).status).toBe(401);
    // Let in, and found to be no frame.
    const writer = { authorization: "Bearer writer" };
    expect((await push(server, `/sync/${generation}/1/2`, body, writer)).status).toBe(400);
  });

  test("the device of a token is merged", async () => {
    const { server } = openServer({ authorize });
    const response = await get(server, "/info", { authorization: "Bearer writer" });
    expect(((await response.json()) as { current_generation: number }).current_generation).toBeGreaterThan(1);
  });

  test("pages of others cannot have downloads made", async () => {
    const { server } = openServer();
    const headers = { "sec-fetch-site": "cross-site" };
    expect((await get(server, "/export/1", headers)).status).toBe(403);
  });
});

describe("the options", () => {
  test("strict: devices have the same generation as everybody", async () => {
    const { server } = openServer({ libsql: { offline: "strict" } });
    expect(await generationOf(server, "/device/phone/info")).toBe(1);
    expect((await get(server, "/device/phone/export/2048")).status).toBe(404);
  });

  test("embedded: only a URL with a device is answered", async () => {
    const { server } = openServer({ libsql: { probe: "embedded" } });
    const response = await get(server, "/info");
    expect([response.status, await response.text()]).toEqual([
      404,
      expect.stringContaining("/device/<name>"),
    ]);
    expect(await generationOf(server, "/device/phone/info")).toBeGreaterThan(1);
  });
});

describe("many databases", () => {
  async function openMany(): Promise<{ server: SyncServer; directory: string }> {
    const directory = join(tempDirectory(), "data");
    const server = createSyncServer({
      dataDirectory: directory,
      maxWorkers: 0,
      authorize: () => ({ access: "admin" }),
    });
    onTestFinished(() => server.close());
    await server.databases.create("acme");
    return { server, directory };
  }

  test("have offline replicas of their own, which go with them and not to their copies", async () => {
    const { server, directory } = await openMany();
    const send = (request: Request): Promise<Response> => server.fetch(request);
    const replica = await LibsqlReplica.open(send, "http://h/acme/device/phone", tempDirectory());
    replica.exec("CREATE TABLE t(v); INSERT INTO t VALUES(1)");
    await replica.sync();
    await server.databases.fork("acme", "copy");
    const kept = (name: string): string => join(directory, "databases", name, "database.db-offline");
    expect([existsSync(kept("acme")), existsSync(kept("copy"))]).toEqual([true, false]);
    const other = await get(server, `/copy/sync/${replica.generation}/2/130`);
    expect(other.status).toBe(404);
    await server.databases.remove("acme");
    expect(existsSync(kept("acme"))).toBe(false);
    await expect(replica.sync()).rejects.toThrow("PullFrame(404");
    await server.databases.create("acme");
    await expect(replica.sync()).rejects.toThrow("PullFrame(404");
  });

  test("without a name there is nothing to ask", async () => {
    const { server } = await openMany();
    for (const path of ["/info", "/export/1", "/sync/1/1/129"])
      expect((await get(server, path)).status).toBe(404);
  });
});

test("a download holds its place until it is read, or given up", async () => {
  const { server } = openServer();
  const response = await get(server, "/export/1");
  expect(server.status().requests).toBe(1);
  await response.body?.cancel();
  expect(server.status().requests).toBe(0);
  await (await get(server, "/export/1")).arrayBuffer();
  expect(server.status().requests).toBe(0);
});
