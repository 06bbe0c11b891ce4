import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { openReplica, SyncError } from "@tributary/replica";
import { expect, onTestFinished, test } from "vitest";
import { startTributary } from "../support/remotes.js";
import { replicaOf, rows } from "../support/replicas.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

test("while the url is null the replica is paused: local work goes on, sync fails, and works once there is one", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  let url: string | null = null;
  const replica = await replicaOf(() => url, { bootstrapIfEmpty: false });
  replica.db.exec("CREATE TABLE local (id INTEGER PRIMARY KEY); INSERT INTO local VALUES (1)");
  for (const operation of [() => replica.pull(), () => replica.push(), () => replica.sync()]) {
    await expect(operation()).rejects.toMatchObject({ code: "paused", blame: "caller" });
  }
  url = remote.url;
  await replica.sync();
  expect(rows(replica, "SELECT name FROM sqlite_schema WHERE name IN ('t', 'local') ORDER BY name")).toEqual([
    ["local"],
    ["t"],
  ]);
  expect(await remote.query("SELECT * FROM local")).toEqual([[1n]]);
});

test("a deferred bootstrap keeps what was written before the first pull", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
  await remote.query("INSERT INTO t VALUES (1, 'remote')");
  const replica = await replicaOf(remote.url, { bootstrapIfEmpty: false });
  replica.db.exec(
    "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (2, 'local')",
  );
  await replica.pull();
  expect(rows(replica, "SELECT * FROM t ORDER BY id")).toEqual([
    [1, "remote"],
    [2, "local"],
  ]);
});

/** Passes requests on to a server, and lets a test see and refuse them. */
async function proxyOf(target: string, allow: (request: IncomingMessage) => boolean): Promise<string> {
  const server = createServer(async (request, response) => {
    if (!allow(request)) {
      response.writeHead(401, { "content-type": "text/plain" }).end("who are you?");
      return;
    }
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk as Buffer);
    const answer = await fetch(target + (request.url ?? ""), {
      method: request.method ?? "GET",
      headers: { "content-type": request.headers["content-type"] ?? "" },
      ...(body.length > 0 && { body: Buffer.concat(body) }),
    });
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("the token function is asked for every request, and once more after a refusal", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  let valid = "token-1";
  const seen: (string | undefined)[] = [];
  const url = await proxyOf(remote.url, ({ headers }) => {
    seen.push(headers.authorization);
    expect(headers["x-app"]).toBe("demo");
    return headers.authorization === `Bearer ${valid}`;
  });
  let asked = 0;
  let current = "token-1";
  const replica = await replicaOf(url, {
    headers: { "x-app": "demo" },
    authToken: async () => {
      asked++;
      return current;
    },
  });
  const afterOpen = asked;
  await replica.pull();
  expect(asked).toBeGreaterThan(afterOpen);
  valid = "token-2";
  const authToken = async (): Promise<string> => (++asked % 2 === 0 ? "token-2" : "token-1");
  const second = await replicaOf(url, { headers: { "x-app": "demo" }, authToken });
  await second.pull();
  current = "wrong";
  const failure: unknown = await replica.pull().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(SyncError);
  expect(failure).toMatchObject({ code: "unauthorized", blame: "remote" });
  expect(String((failure as Error).stack)).not.toContain("wrong");
  expect(seen.at(-1)).toBe("Bearer wrong");
});

test("libsql: and turso: urls mean https", async () => {
  const asked: string[] = [];
  const fetchNothing: typeof fetch = async (input) => {
    asked.push(String(input instanceof Request ? input.url : input));
    return new Response("no", { status: 404 });
  };
  const path = join(temporaryDirectory(), "replica.db");
  for (const url of ["libsql://db.example.org", "turso://db.example.org/app"]) {
    await expect(openReplica({ path, url, fetch: fetchNothing })).rejects.toMatchObject({
      code: "remote-rejected",
      details: { status: 404 },
    });
  }
  expect(asked).toEqual(["https://db.example.org/pull-updates", "https://db.example.org/app/pull-updates"]);
});

test("options that cannot be are refused together, before anything is made", async () => {
  const options = { path: "", url: "ftp://example.org", lockTimeoutMs: -1, clientName: "no spaces please" };
  await expect(openReplica(options)).rejects.toMatchObject({
    code: "invalid-option",
    message: expect.stringMatching(/`path`.*`clientName`.*`lockTimeoutMs`/),
  });
  await expect(openReplica({ path: "/nowhere/at/all.db", url: null })).rejects.toMatchObject({
    code: "invalid-option",
  });
});

test("a file that is no replica is left alone", async () => {
  const { default: Database } = await import("better-sqlite3");
  const path = join(temporaryDirectory(), "mine.db");
  const mine = new Database(path);
  mine.exec("CREATE TABLE precious (x); INSERT INTO precious VALUES (1)");
  mine.close();
  await expect(openReplica({ path, url: null })).rejects.toMatchObject({
    code: "not-a-replica",
    details: { path },
  });
  const again = new Database(path);
  expect(again.prepare("SELECT * FROM precious").all()).toEqual([{ x: 1 }]);
  again.close();
});

test("a replica is open once in a process, and closed replicas say so", async () => {
  const remote = await startTributary();
  const replica = await replicaOf(remote.url);
  await expect(openReplica({ path: replica.path, url: remote.url })).rejects.toMatchObject({
    code: "replica-in-use",
  });
  await replica.close();
  await replica.close();
  await expect(replica.pull()).rejects.toMatchObject({ code: "invalid-state" });
  const again = await replicaOf(remote.url, { path: replica.path });
  expect(again.clientId).toBe(replica.clientId);
});

test("a pull waits at the server for a change, and can be aborted", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  const replica = await replicaOf(remote.url, { longPollTimeoutMs: 20_000 });
  const waiting = replica.pull();
  await remote.query("INSERT INTO t VALUES (1)");
  expect(await waiting).toBe(true);
  expect(rows(replica, "SELECT * FROM t")).toEqual([[1]]);
  const abort = new AbortController();
  const aborted = replica.pull({ signal: abort.signal });
  abort.abort();
  await expect(aborted).rejects.toMatchObject({ code: "aborted" });
});
