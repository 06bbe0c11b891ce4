import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test, vi } from "vitest";
import { fromWebRequest } from "../../src/http/from-web-request.js";
import { RequestError } from "../../src/http/request-error.js";
import { toWebResponse } from "../../src/http/to-web-response.js";
import { adminScope, answerAdmin } from "../../src/routes/admin.js";
import { ServerError } from "../../src/server-error.js";
import { openRegistry, withDatabase } from "../support/open-registry.js";
import { createPages } from "../support/run-sql.js";
import { tempDirectory } from "../support/temp-directory.js";

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly json: unknown;
}

function setUp(options: Parameters<typeof openRegistry>[0] = {}) {
  const opened = openRegistry(options);
  const authorize = vi.fn();
  const letGo = vi.fn();
  const hold = () => letGo;
  const limits = { maxImportBytes: 1e6, bodyStallTimeoutMs: 1000, clock: opened.clock };
  const ask = async (method: string, path: string, body?: BodyInit): Promise<Answer> => {
    const init = { method, ...(body === undefined ? {} : { body, duplex: "half" }) };
    const request = fromWebRequest(new Request(`http://h/admin${path}`, init));
    const { pathname } = request.url;
    const answer = await answerAdmin(opened.registry, request, pathname, {
      options: limits,
      authorize,
      hold,
    });
    const response = toWebResponse(answer);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const type = response.headers.get("content-type");
    const json: unknown = type === "application/json" ? JSON.parse(Buffer.from(bytes).toString()) : undefined;
    return { status: response.status, type, headers: response.headers, bytes, json };
  };
  return { ...opened, ask, authorize, letGo };
}

test("databases are made, listed, copied, exported, uploaded, verified and deleted", async () => {
  const { ask, registry, authorize } = setUp();
  expect(await ask("GET", "/databases")).toMatchObject({ status: 200, json: { databases: [] } });
  expect(await ask("PUT", "/databases/acme")).toMatchObject({ status: 201, json: { name: "acme" } });
  withDatabase(registry, "acme", (database) => createPages(database, 30));
  expect(await ask("POST", "/databases/acme/fork", '{"to":"copy"}')).toMatchObject({
    status: 201,
    json: { name: "copy" },
  });
  expect(authorize.mock.calls).toEqual([["copy"]]);
  const { status, headers, bytes } = await ask("GET", "/databases/copy/export");
  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe("application/vnd.sqlite3");
  expect(headers.get("content-disposition")).toBe('attachment; filename="copy.db"');
  expect(headers.get("content-length")).toBe(String(bytes.length));
  expect(await ask("PUT", "/databases/uploaded", bytes)).toMatchObject({ status: 201 });
  expect(await ask("PUT", "/databases/empty", new Uint8Array())).toMatchObject({ status: 201 });
  expect((await ask("GET", "/databases/uploaded/export")).bytes).toEqual(bytes);
  expect(await ask("POST", "/databases/uploaded/verify")).toMatchObject({
    status: 200,
    json: { ok: true, problems: [] },
  });
  expect(await ask("GET", "/databases")).toMatchObject({
    json: { databases: ["acme", "copy", "empty", "uploaded"] },
  });
  expect(await ask("DELETE", "/databases/copy")).toMatchObject({ status: 204, bytes: new Uint8Array() });
  expect(await ask("GET", "/databases/copy")).toMatchObject({ status: 404 });
  const file = join(tempDirectory(), "exported.db");
  writeFileSync(file, bytes);
  const exported = new Database(file);
  expect(exported.prepare("SELECT count(*) FROM t").pluck().get()).toBe(30);
  exported.close();
});

test("the state of a database has every field, known or not", async () => {
  const { ask, registry } = setUp({ maxOpenDatabases: 1 });
  withDatabase(registry, "acme", (database) => createPages(database, 3));
  const fields = [
    "databaseBytes",
    "isOpen",
    "maintenanceError",
    "name",
    "revision",
    "streams",
    "waiters",
    "waitingWriters",
    "walBytes",
  ];
  const open = (await ask("GET", "/databases/acme")).json as object;
  expect(Object.keys(open).sort()).toEqual(fields);
  expect(open).toMatchObject({ name: "acme", isOpen: true, maintenanceError: null });
  registry.acquire("other", true).release();
  const closed = (await ask("GET", "/databases/acme")).json as object;
  expect(Object.keys(closed).sort()).toEqual(fields);
  expect(closed).toMatchObject({ isOpen: false, revision: null });
});

describe("what cannot be done is told in JSON", () => {
  test.each<[string, string, string | number | undefined, number, string]>([
    ["PUT", "/databases/there", undefined, 409, "database-exists"],
    ["PUT", "/databases/there", "x", 409, "database-exists"],
    ["PUT", "/databases/Bad", undefined, 400, "invalid-name"],
    ["PUT", "/databases/admin", undefined, 400, "invalid-name"],
    ["PUT", "/databases/%2e%2e%2fx", undefined, 400, "invalid-name"],
    ["PUT", "/databases/x", "no database", 400, "not-a-database"],
    ["PUT", "/databases/x", 1e6 + 1, 413, "too-large"],
    ["GET", "/databases/", undefined, 400, "invalid-name"],
    ["GET", "/databases/none", undefined, 404, "no-such-database"],
    ["GET", "/databases/none/export", undefined, 404, "no-such-database"],
    ["POST", "/databases/none/verify", undefined, 404, "no-such-database"],
    ["POST", "/databases/none/fork", '{"to":"x"}', 404, "no-such-database"],
    ["POST", "/databases/there/fork", '{"to":"there"}', 409, "database-exists"],
    ["POST", "/databases/there/fork", '{"to":"../x"}', 400, "invalid-name"],
    ["POST", "/databases/there/fork", '{"to":5}', 400, "malformed"],
    ["POST", "/databases/there/fork", "null", 400, "malformed"],
    ["POST", "/databases/there/fork", "{", 400, "malformed"],
    ["POST", "/databases/there/fork", undefined, 400, "malformed"],
    ["POST", "/databases/there/fork", 5000, 413, "too-large"],
    ["DELETE", "/databases/none", undefined, 404, "no-such-database"],
    ["POST", "/databases", undefined, 405, "method-not-allowed"],
    ["POST", "/databases/there", undefined, 405, "method-not-allowed"],
    ["GET", "/databases/there/fork", undefined, 405, "method-not-allowed"],
    ["DELETE", "/databases/there/export", undefined, 405, "method-not-allowed"],
    ["GET", "/databases/there/constructor", undefined, 404, "not-found"],
    ["GET", "/databases/there/export/", undefined, 404, "not-found"],
    ["GET", "/elsewhere", undefined, 404, "not-found"],
    ["GET", "", undefined, 404, "not-found"],
  ])("%s %s with %j: %i %s", async (method, path, body, status, code) => {
    const { ask, registry } = setUp();
    await registry.create("there");
    const answer = await ask(method, path, typeof body === "number" ? "x".repeat(body) : body);
    expect(answer).toMatchObject({
      status,
      type: "application/json",
      json: { code, error: expect.stringMatching(/./) },
    });
    expect(answer.headers.has("allow")).toBe(status === 405);
    expect(await registry.list()).toEqual(["there"]);
  });

  test("by a server of a single file too", async () => {
    const { ask } = setUp({ path: join(tempDirectory(), "one.db") });
    expect(await ask("PUT", "/databases/x")).toMatchObject({
      status: 409,
      json: { code: "single-database" },
    });
    expect(await ask("DELETE", "/databases/default")).toMatchObject({
      status: 409,
      json: { code: "single-database" },
    });
    expect(await ask("GET", "/databases")).toMatchObject({ status: 200, json: { databases: ["default"] } });
  });

  test("and an upload that stops is given up", async () => {
    const { ask, clock, registry } = setUp();
    const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(10)) });
    const asked = ask("PUT", "/databases/x", body);
    const answered = vi.fn();
    void asked.then(answered);
    await vi.waitFor(() => {
      clock.advance(500);
      expect(answered).toHaveBeenCalled();
    });
    expect(await asked).toMatchObject({ status: 408, json: { code: "timeout" } });
    expect(await registry.list()).toEqual([]);
  });

  test("when too many are in use", async () => {
    const { ask, registry } = setUp({ maxOpenDatabases: 1 });
    await registry.create("other");
    const lease = registry.acquire("busy", true);
    const answer = await ask("GET", "/databases/other/export");
    expect(answer).toMatchObject({ status: 503, json: { code: "too-many-databases" } });
    expect(answer.headers.get("retry-after")).toBe("1");
    lease.release();
  });

  test("but what the server is to blame for is thrown", async () => {
    const { ask, registry, fileOf } = setUp();
    await registry.create("damaged");
    writeFileSync(fileOf("damaged"), "x".repeat(5000));
    await expect(ask("GET", "/databases/damaged/export")).rejects.toMatchObject({ code: "not-a-database" });
    vi.spyOn(registry, "list").mockRejectedValue(new Error("EIO"));
    await expect(ask("GET", "/databases")).rejects.toThrow("EIO");
    vi.spyOn(registry, "list").mockRejectedValue(new ServerError("database-changed", "moved"));
    await expect(ask("GET", "/databases")).rejects.toMatchObject({ code: "database-changed" });
  });
});

test("a copy is not made where its name is somebody else's", async () => {
  const { ask, registry, authorize } = setUp();
  await registry.create("mine");
  authorize.mockRejectedValue(new RequestError(403, "not yours", { code: "FORBIDDEN" }));
  expect(await ask("POST", "/databases/mine/fork", '{"to":"yours"}')).toMatchObject({
    status: 403,
    json: { code: "FORBIDDEN", error: "not yours" },
  });
  expect(await registry.list()).toEqual(["mine"]);
});

test.each([
  ["/admin/databases", undefined],
  ["/admin/status", undefined],
  ["/admin", undefined],
  ["/admin/databases/acme", "acme"],
  ["/admin/databases/acme/export", "acme"],
  ["/admin/databases/acme/anything", "acme"],
  // Nothing is answered there.
  ["/admin/databases/acme/export/x", undefined],
  ["/adminx/databases/acme", undefined],
])("%s is about the database %s", (pathname, name) => {
  expect(adminScope(pathname)).toBe(name);
});

test.each([
  "/admin/databases/",
  "/admin/databases/Acme",
  "/admin/databases/a%62/export",
  "/admin/databases/../x",
])("%s is about none that there can be", (pathname) => {
  expect(() => adminScope(pathname)).toThrow(expect.objectContaining({ code: "invalid-name" }));
});
