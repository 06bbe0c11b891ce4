import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test, vi } from "vitest";
import { type SyncServerOptions, toNodeListener } from "../src/index.js";
import { listen } from "./support/listen.js";
import { ManualClock } from "./support/manual-clock.js";
import { tempDirectory } from "./support/temp-directory.js";

async function setUp(options: Partial<SyncServerOptions> = {}) {
  const path = join(tempDirectory(), "large.db");
  const connection = new Database(path);
  connection.exec("CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(60000000))");
  connection.close();
  return listen({ ...options, path });
}

const download = (url: string) => fetch(`${url}/pull-updates`, { method: "POST", body: "" });

test("a long answer is streamed, and nothing global is changed", async () => {
  const [globalRequest, globalResponse] = [Request, Response];
  const { url } = await setUp();
  const response = await download(url);
  expect(response.headers.get("content-length")).toBeNull();
  expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(60_000_000);
  expect([Request, Response]).toEqual([globalRequest, globalResponse]);
});

test("an answer that cannot be finished ends the connection, without a word on the console", async () => {
  const spies = (["log", "info", "warn", "error"] as const).map((name) => vi.spyOn(console, name));
  onTestFinished(() => void vi.restoreAllMocks());
  const { server, url } = await setUp();
  const response = await download(url);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  await server.close();
  const readRest = async () => {
    while (!(await reader.read()).done);
  };
  await expect(readRest()).rejects.toThrow();
  for (const spy of spies) expect(spy).not.toHaveBeenCalled();
});

test("a client that never reads loses its connection", async () => {
  const clock = new ManualClock();
  const { server } = await setUp({ clock });
  const listener = toNodeListener(server);
  const http = createServer((incoming, outgoing) => {
    http.emit("begun", { closed: once(outgoing, "close") });
    void listener(incoming, outgoing);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  const begun = once(http, "begun");
  const { port } = http.address() as AddressInfo;
  const client = request({ port, host: "127.0.0.1", method: "POST", path: "/pull-updates" });
  client.on("error", () => {});
  const answered = once(client, "response");
  client.end();
  const [{ closed }] = (await begun) as [{ closed: Promise<unknown> }];
  await answered;
  clock.advance(30_000);
  await closed;
});

test("a client that goes away in the middle leaves the server in good order", async () => {
  const { url } = await setUp();
  const controller = new AbortController();
  const response = await fetch(`${url}/pull-updates`, {
    method: "POST",
    body: "",
    signal: controller.signal,
  });
  await (response.body as ReadableStream<Uint8Array>).getReader().read();
  controller.abort();
  expect((await fetch(`${url}/v2`)).status).toBe(200);
  const again = await download(url);
  expect((await again.arrayBuffer()).byteLength).toBeGreaterThan(60_000_000);
});
