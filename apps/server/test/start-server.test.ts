import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@libsql/client";
import { expect, onTestFinished, test } from "vitest";
import { startServer } from "../src/index.js";
import { formatListenUrl, parseListenAddress } from "../src/listen-address.js";

function tempDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "tributary-app-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test("serves a database that it creates, until it is closed", async () => {
  const db = join(tempDirectory(), "app.db");
  const server = await startServer({ db, listen: "127.0.0.1:0" });
  expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9][0-9]*$/);
  const client = createClient({ url: server.url });
  await client.execute("CREATE TABLE t(a)");
  expect((await client.execute("SELECT count(*) AS n FROM t")).rows[0]?.n).toBe(0);
  client.close();
  await server.close();
  await expect(fetch(server.url)).rejects.toThrow();
  expect(existsSync(db)).toBe(true);
  expect(existsSync(`${db}-wal`)).toBe(false);
});

test("keeps idle connections for longer than clients and load balancers do", async () => {
  const server = await startServer({ db: join(tempDirectory(), "app.db") });
  onTestFinished(() => server.close());
  const { headers } = await fetch(`${server.url}/v2`);
  expect(headers.get("keep-alive")).toBe("timeout=65");
});

test("says so when the address is taken, and creates no file", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void other.close());
  const db = join(tempDirectory(), "app.db");
  const { port } = other.address() as AddressInfo;
  await expect(startServer({ db, listen: `127.0.0.1:${port}` })).rejects.toMatchObject({
    code: "EADDRINUSE",
  });
  expect(existsSync(db)).toBe(false);
});

test("lets the address go when the database cannot be opened", async () => {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const listen = `127.0.0.1:${port}`;
  const directory = tempDirectory();
  await expect(startServer({ db: directory, listen })).rejects.toMatchObject({ code: "cannot-open" });
  await (await startServer({ db: join(directory, "app.db"), listen })).close();
});

test.each([
  ["127.0.0.1:0", "http://127.0.0.1:0"],
  ["localhost:8080", "http://localhost:8080"],
  ["[::1]:80", "http://[::1]:80"],
])("the address %s is understood", (text, url) => {
  expect(formatListenUrl(parseListenAddress(text))).toBe(url);
});

test.each(["", "8080", "host", "host:", "host:70000", "::1:80", "host:12x"])(
  "the address %j is refused",
  (text) => {
    expect(() => parseListenAddress(text)).toThrow(/HOST:PORT/);
  },
);
