import { execFile } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { createClient } from "@libsql/client";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import * as express from "../../examples/embed-express.js";
import * as fastify from "../../examples/embed-fastify.js";
import * as hono from "../../examples/embed-hono.js";
import * as nodeHttp from "../../examples/embed-node-http.js";
import * as wsApp from "../../examples/embed-ws-app.js";
import { startTributary } from "../support/remotes.js";
import { replicaOf, rows } from "../support/replicas.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

test("the README's first replica runs, and keeps what it had", async () => {
  const remote = await startTributary();
  const example = new URL("../../examples/first-replica.mjs", import.meta.url).pathname;
  const args = [example, remote.url, join(temporaryDirectory(), "app.db")];
  await promisify(execFile)(process.execPath, args);
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout.match(/written offline/g)).toHaveLength(2);
  expect(await remote.query("SELECT count(*) FROM notes")).toEqual([[2n]]);
});

const TOKEN = "a-long-secret-of-ada";
const EXAMPLES = [
  { name: "node-http", start: nodeHttp.start, asksForToken: false, parsesBodies: false },
  { name: "hono", start: hono.start, asksForToken: true, parsesBodies: false },
  { name: "express", start: express.start, asksForToken: true, parsesBodies: true },
  { name: "fastify", start: fastify.start, asksForToken: false, parsesBodies: true },
  { name: "ws-app", start: wsApp.start, asksForToken: true, parsesBodies: false },
];

async function startExample(start: typeof nodeHttp.start): Promise<{ url: string; close(): Promise<void> }> {
  const app = await start(join(temporaryDirectory(), "app.db"), 0);
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= app.close());
  onTestFinished(close);
  return { url: `http://127.0.0.1:${app.port}`, close };
}

describe.each(EXAMPLES.map((example) => [example.name, example] as const))(
  "the example embed-%s",
  (_name, example) => {
    const { start, asksForToken, parsesBodies } = example;
    const auth = asksForToken ? { authToken: TOKEN } : {};

    test("clients and replicas are served below /sync, and the app goes on", async () => {
      const { url, close } = await startExample(start);
      const client = createClient({ url: `${url}/sync/`, ...auth });
      onTestFinished(() => client.close());
      await client.batch([
        "CREATE TABLE t (id INTEGER PRIMARY KEY, body)",
        "INSERT INTO t VALUES (1, 'sql')",
      ]);

      const replica = await replicaOf(`${url}/sync`, { ...auth, longPollTimeoutMs: 30_000 });
      replica.db.prepare("INSERT INTO t VALUES (2, ?)").run(Buffer.alloc(300_000, 7));
      await replica.push();
      expect((await client.execute("SELECT id, length(body) AS l FROM t")).rows).toMatchObject([
        { id: 1, l: 3 },
        { id: 2, l: 300_000 },
      ]);
      await replica.pull();
      expect(rows(replica, "SELECT id FROM t")).toEqual([[1], [2]]);

      expect(await (await fetch(url)).text()).toBe("the app");
      if (parsesBodies) {
        const [method, body] = ["POST", JSON.stringify({ parsed: true })];
        const response = await fetch(`${url}/echo`, {
          method,
          body,
          headers: { "content-type": "application/json" },
        });
        expect(await response.json()).toEqual({ parsed: true });
      }

      // A client that waits for a commit, connections that are kept: none of that holds up the end.
      const waiting = replica.pull().catch((error: unknown) => error);
      await close();
      await waiting;
      await expect(fetch(url)).rejects.toThrow();
    });

    if (!asksForToken) return;

    test("who shows no token or a wrong one is turned away", async () => {
      const { url } = await startExample(start);
      const ask = async (headers: Record<string, string>): Promise<number> => {
        const body = JSON.stringify({ requests: [{ type: "execute", stmt: { sql: "SELECT 1" } }] });
        const response = await fetch(`${url}/sync/v2/pipeline`, {
          method: "POST",
          body,
          headers: { "content-type": "application/json", ...headers },
        });
        await response.arrayBuffer();
        return response.status;
      };
      expect(await ask({})).toBe(401);
      expect(await ask({ authorization: "Bearer a-long-secret-of-eve" })).toBe(401);
      expect(await ask({ authorization: `Bearer ${TOKEN}` })).toBe(200);
      expect(await ask({ cookie: `session=${TOKEN}` })).toBe(start === express.start ? 200 : 401);
      expect((await fetch(url)).status).toBe(200);
    });
  },
);

test("an app with sockets of its own keeps them beside those of the server", async () => {
  const { url } = await startExample(wsApp.start);
  const wsUrl = url.replace("http", "ws");
  const chat = new WebSocket(`${wsUrl}/chat`);
  onTestFinished(() => chat.close());
  await once(chat, "open");

  const client = createClient({ url: `${wsUrl}/sync`, authToken: TOKEN });
  onTestFinished(() => client.close());
  await client.batch(["CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"]);
  expect((await client.execute("SELECT a FROM t")).rows).toMatchObject([{ a: 1 }]);

  const heard = once(chat, "message");
  chat.send("hello, everybody");
  expect(String((await heard)[0])).toBe("hello, everybody");

  const stranger = createClient({ url: `${wsUrl}/sync` });
  onTestFinished(() => stranger.close());
  await expect(stranger.execute("SELECT 1")).rejects.toThrow();
  const elsewhere = new WebSocket(`${wsUrl}/elsewhere`);
  const [error] = await once(elsewhere, "error");
  expect(String(error)).toContain("socket hang up");
});
