import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.js";

/** Size of the transaction, about; 500 in `npm run soak`. */
const MEGABYTES = Number(process.env.TRIBUTARY_LARGE_TRANSACTION_MIB ?? 30);
const ROWS = MEGABYTES * 1_000;
const PUSHED_ROWS = 10_000;
const MEBIBYTE = 1024 * 1024;
/** What either end may take beside what it has before. */
const BOUND = 150 * MEBIBYTE;

function child(script: string, entry: string, ...rest: string[]): ChildProcess {
  const built = new URL(`../../packages/${entry}/dist/index.js`, import.meta.url).pathname;
  const path = new URL(`../support/${script}`, import.meta.url).pathname;
  const process = fork(path, [pathToFileURL(built).href, ...rest], { execArgv: [] });
  onTestFinished(() => void process.kill("SIGKILL"));
  return process;
}

async function said<T>(process: ChildProcess): Promise<T> {
  const ended = once(process, "exit").then(() => {
    throw new Error("the process ended without a word");
  });
  const [message] = await Promise.race([once(process, "message"), ended]);
  return message as T;
}

async function run(url: string, sql: string): Promise<void> {
  const requests = [{ type: "execute", stmt: { sql } }, { type: "close" }];
  const answer = await fetch(`${url}/v2/pipeline`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ baton: null, requests }),
  });
  expect(await answer.json()).toMatchObject({ results: [{ type: "ok" }, { type: "ok" }] });
}

test("large transactions come to a live replica in a bounded amount of memory, and the server bears those that it pushes", {
  timeout: 60_000 + MEGABYTES * 1_000,
}, async () => {
  const directory = temporaryDirectory();
  const server = child("server-child.mjs", "server", join(directory, "server.db"));
  const url = `http://127.0.0.1:${await said<number>(server)}`;
  await run(url, "CREATE TABLE big (id INTEGER PRIMARY KEY, b)");
  const replica = child("live-child.mjs", "replica", join(directory, "replica.db"), url, String(ROWS));
  expect(await said(replica)).toBe("ready");
  const numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <";
  await run(url, `INSERT INTO big ${numbers} ${ROWS}) SELECT i, randomblob(980) FROM n`);
  expect(await said<number>(replica), "of the replica that pulls").toBeLessThan(BOUND);
  // It makes the batch in memory, some times what its values take: that is for the next message alone.
  replica.send(`${PUSHED_ROWS}`);
  expect(await said<number>(replica), "of the replica that pushes").toBeLessThan(BOUND);
  server.send("memory");
  expect(await said<number>(server), "of the server").toBeLessThan(BOUND);
});
