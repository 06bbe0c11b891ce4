import { renameSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import type { Connection } from "../src/database/open-connection.js";
import { WalTracker } from "../src/wal/wal-tracker.js";
import { HranaClient } from "./support/hrana-client.js";
import { openServer, post, settle } from "./support/open-server.js";
import { pull, pullAnswer } from "./support/pull-client.js";
import { tempDirectory } from "./support/temp-directory.js";

/** What fails at present: opening a connection, or checkpointing. */
const failing = vi.hoisted(() => ({ open: false, checkpoint: false, attempts: 0 }));

vi.mock(import("../src/database/open-connection.js"), async (importOriginal) => {
  const original = await importOriginal();
  return {
    openConnection(path: string, walLimitBytes: number): Connection {
      if (failing.open) throw Object.assign(new Error("unable to open"), { code: "SQLITE_CANTOPEN" });
      const connection = original.openConnection(path, walLimitBytes);
      const pragma = connection.pragma.bind(connection);
      connection.pragma = (source, options) => {
        if (source.startsWith("wal_checkpoint(PASSIVE")) {
          failing.attempts += 1;
          if (failing.checkpoint) throw new Error("database or disk is full");
        }
        return pragma(source, options);
      };
      return connection;
    },
  };
});

afterEach(() => {
  Object.assign(failing, { open: false, checkpoint: false, attempts: 0 });
});

const LARGE = "INSERT INTO t VALUES (randomblob(100000))";

async function setUp() {
  const opened = openServer({
    walLimitBytes: 8 * 4120,
    foreignCommitCheckMs: 1000,
    streamIdleTimeoutMs: 1e9,
  });
  const client = new HranaClient(opened.server);
  await client.execute("CREATE TABLE t(a)");
  return { ...opened, client };
}

test("a checkpoint that fails ends neither the server nor a request, and is tried again later", async () => {
  const { server, clock, client } = await setUp();
  failing.checkpoint = true;
  expect(await client.execute(LARGE)).toMatchObject({ affected_row_count: 1 });
  expect(server.maintenanceError).toMatchObject({ message: "database or disk is full" });
  clock.advance(10_000);
  // One, then after 1, 2 and 4 s.
  expect(failing.attempts).toBeLessThan(7);
  expect((await pullAnswer(server, {})).pages.size).toBeGreaterThan(20);
  failing.checkpoint = false;
  clock.advance(120_000);
  expect(server.maintenanceError).toBeUndefined();
});

test("a write whose commit cannot be looked at is answered all the same, and holds no lock", async () => {
  const { server, client } = await setUp();
  const scan = vi.spyOn(WalTracker.prototype, "scan").mockImplementation(() => {
    throw new Error("EIO: i/o error, read");
  });
  onTestFinished(() => void scan.mockRestore());
  expect(await client.execute("INSERT INTO t VALUES (1)")).toMatchObject({ affected_row_count: 1 });
  expect(server.maintenanceError).toMatchObject({ message: "EIO: i/o error, read" });
  scan.mockRestore();
  expect(await new HranaClient(server).execute("INSERT INTO t VALUES (2)")).toMatchObject({
    affected_row_count: 1,
  });
});

test("the file is looked at again after a look that failed", async () => {
  const { server, client, clock } = await setUp();
  const { revision } = await pullAnswer(server, {});
  const waiting = pullAnswer(server, { clientRevision: revision, longPollTimeoutMs: 250_000 });
  await settle();
  const scan = vi.spyOn(WalTracker.prototype, "scan").mockImplementation(() => {
    throw new Error("EIO: i/o error, read");
  });
  onTestFinished(() => void scan.mockRestore());
  await client.execute("INSERT INTO t VALUES (1)");
  clock.advance(10_000);
  scan.mockRestore();
  clock.advance(60_000);
  expect((await waiting).pages.size).toBe(1);
});

test("a pin that cannot be renewed is replaced later", async () => {
  const { server, clock, client } = await setUp();
  await client.execute(LARGE);
  clock.advance(100_000);
  failing.open = true;
  const { revision } = await pullAnswer(server, {});
  clock.advance(100_000);
  await client.execute(LARGE);
  expect((await pullAnswer(server, { clientRevision: revision })).pages.size).toBeGreaterThan(20);
  expect(server.maintenanceError).toMatchObject({ code: "SQLITE_CANTOPEN" });
  failing.open = false;
  clock.advance(100_000);
  await client.execute(LARGE);
  await pullAnswer(server, {});
  expect(server.maintenanceError).toBeUndefined();
});

test("a stream that cannot be opened is refused for now", async () => {
  const { server } = await setUp();
  failing.open = true;
  const response = await post(server, "/v2/pipeline", '{"requests": []}');
  expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
});

test("a database moved over the live file is told, not served as if nothing had happened", async () => {
  const { server, clock, client, path } = await setUp();
  const { revision } = await pullAnswer(server, {});
  const other = join(tempDirectory(), "other.db");
  new Database(other).exec("CREATE TABLE other(a)").close();
  const waiting = pull(server, { clientRevision: revision, longPollTimeoutMs: 60_000 });
  await settle();
  renameSync(path, `${path}.kept`);
  renameSync(other, path);
  // A new stream would open the other file: found out at once.
  expect((await new HranaClient(server).post([])).status).toBe(500);
  expect((await waiting).status).toBe(500);
  clock.advance(1000);
  expect((await client.post([])).status).toBe(500);
  const response = await pull(server, {});
  expect([response.status, await response.text()]).toEqual([
    500,
    expect.stringContaining("no longer the file"),
  ]);
  renameSync(`${path}.kept`, path);
  clock.advance(1000);
  expect((await pull(server, {})).status).toBe(200);
});
