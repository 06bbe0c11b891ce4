import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { listen } from "../support/listen.js";
import { tempDirectory } from "../support/temp-directory.js";

const script = fileURLToPath(new URL("./turso-client.mjs", import.meta.url));

async function runClient(scenario: string, server: { url: string; directory: string }): Promise<unknown> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [script, scenario, server.url, server.directory],
    {
      timeout: 110_000,
    },
  );
  return JSON.parse(stdout);
}

function checkIntegrity(path: string): void {
  const connection = new Database(path, { readonly: true });
  expect(connection.pragma("integrity_check", { simple: true })).toBe("ok");
  connection.close();
}

test("two clients converge, through schema changes, checkpoints and reopening", async () => {
  const server = await listen({ walLimitBytes: 20 * 4120 });
  const rows = [{ id: 1, body: "changed by a", done: null }];
  expect(await runClient("converge", server)).toEqual({
    pulled: [true, true, false],
    rows: [rows, rows],
    afterReopen: [...rows, { id: 3, body: "after reopening", done: null }],
  });
  checkIntegrity(server.path);
});

test.each(["delete", "wal"])(
  "a database made by other means in %s mode bootstraps, whole and in chunks",
  async (mode) => {
    const path = join(tempDirectory(), "made.db");
    const connection = new Database(path);
    connection.pragma(`journal_mode = ${mode}`);
    connection.exec(
      "CREATE TABLE made(id INTEGER PRIMARY KEY, body); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO made SELECT i, hex(zeroblob(100)) FROM n",
    );
    connection.close();
    const server = await listen({ path });
    const expected = [{ n: 5000, s: 12_502_500 }];
    expect(await runClient("bootstrap", server)).toEqual([expected, expected]);
  },
);

test("a database with nothing in it bootstraps, and takes the first push", async () => {
  expect(await runClient("empty", await listen())).toEqual([{ a: 1 }]);
});

test("a push with a row that violates a constraint fails, stays pending, and leaves nothing behind", async () => {
  const server = await listen();
  const { failures, remote } = (await runClient("conflict", server)) as {
    failures: string[];
    remote: unknown;
  };
  expect(failures).toHaveLength(2);
  for (const failure of failures) expect(failure).toContain("UNIQUE constraint failed: u.name");
  expect(remote).toEqual([{ name: "same" }]);
});

test("a transform is honoured", async () => {
  expect(await runClient("transform", await listen())).toEqual([{ id: 1 }, { id: 2 }]);
});

test("a long-poll ends with the commit of another client", async () => {
  expect(await runClient("wait", await listen())).toBe(true);
});

test("60 000 rows arrive in one push", { timeout: 120_000 }, async () => {
  const server = await listen();
  expect(await runClient("large", server)).toEqual([{ n: 60_000 }]);
  checkIntegrity(server.path);
});
