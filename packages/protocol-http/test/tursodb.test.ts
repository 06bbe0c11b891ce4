import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { RemoteStep } from "@tributary/core";
import { createHttpProtocol } from "@tributary/protocol-http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const binary = findTursodb();

/** The package `turso` brings it for the platforms it knows; on others this fails. */
function findTursodb(): string {
  const platform = { linux: "-gnu", win32: "-msvc" }[process.platform as string] ?? "";
  const turso = createRequire(import.meta.url).resolve("turso/package.json");
  const cli = `@tursodatabase/cli-${process.platform}-${process.arch}${platform}/package.json`;
  return join(
    dirname(createRequire(turso).resolve(cli)),
    process.platform === "win32" ? "tursodb.exe" : "tursodb",
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

const step = (sql: string, more: Partial<RemoteStep> = {}): RemoteStep => ({
  sql,
  params: [],
  condition: "always",
  wantRows: false,
  ...more,
});

describe("with tursodb --sync-server", () => {
  let directory: string;
  let server: ChildProcess;
  let url: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "tributary-"));
    const address = `127.0.0.1:${await freePort()}`;
    url = `http://${address}`;
    server = spawn(binary, [join(directory, "remote.db"), "--sync-server", address], {
      stdio: "ignore",
    });
    // Another process: when it listens can only be found out by asking.
    for (let attempt = 0; attempt < 200; attempt++) {
      if (
        await fetch(url).then(
          () => true,
          () => false,
        )
      )
        break;
      await wait(25);
    }
  });

  afterAll(async () => {
    server.kill("SIGKILL");
    await rm(directory, { recursive: true, force: true });
  });

  it("runs batches and pulls pages", async () => {
    const protocol = createHttpProtocol({ url });
    const results = await protocol.runRemoteBatch({
      repeatable: false,
      steps: [
        step("BEGIN IMMEDIATE"),
        step("CREATE TABLE notes (id INTEGER PRIMARY KEY, a, b, c, d)", { condition: "in-transaction" }),
        step("INSERT INTO notes VALUES (?, ?, ?, ?, ?)", {
          condition: "previous-ok",
          params: [2n ** 62n, -0, "ü", new Uint8Array([1, 2, 3, 4]), null],
        }),
        step("COMMIT", { condition: "previous-ok" }),
        step("SELECT 1", { condition: "in-transaction" }),
        step("SELECT *, 1.0 / b FROM notes", { wantRows: true }),
        step("SELECT nonsense"),
        step("SELECT 1", { condition: "previous-ok" }),
      ],
    });
    expect(results.map(({ type }) => type)).toEqual([
      "ok",
      "ok",
      "ok",
      "ok",
      "skipped",
      "ok",
      "error",
      "skipped",
    ]);
    expect(results[5]).toMatchObject({
      rows: [[2n ** 62n, -0, "ü", new Uint8Array([1, 2, 3, 4]), null, null]],
    });
    expect(results[6]).toMatchObject({ message: expect.stringContaining("nonsense") });

    const { pull, header } = await protocol.startPull({ longPollTimeoutMs: 0 });
    const batch = await protocol.receivePages(pull);
    expect(batch?.pageIds.length).toBe(header.databaseSize);
    expect(await protocol.receivePages(pull)).toBeUndefined();
    expect(new TextDecoder().decode(batch?.bytes.subarray(0, 15))).toBe("SQLite format 3");
    await protocol.endPull(pull);

    const again = await protocol.startPull({ clientRevision: header.revision, longPollTimeoutMs: 0 });
    expect(again.header).toEqual(header);
    expect(await protocol.receivePages(again.pull)).toBeUndefined();

    const some = await protocol.startPull({ pages: { from: 1, to: 100_000 }, longPollTimeoutMs: 0 });
    expect((await protocol.receivePages(some.pull))?.pageIds.length).toBe(header.databaseSize - 1);
    await protocol.close();
  });
});
