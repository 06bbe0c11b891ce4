import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import type { ProtocolIo, RemoteStep } from "@tributary/core";
import { createLiveClient, type LiveClient, type LiveClientOptions } from "@tributary/live";
import { expect, onTestFinished, test } from "vitest";
import { TestClock } from "../../packages/live/test/client/test-clock.js";
import { ChannelCutter } from "../support/cut-channel.js";
import { openLiveEngine } from "../support/live-engine.js";
import { type LiveServer, startLiveServer } from "../support/live-server.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const WAIT_MS = 60_000;
const PAGE = 4096;

function clientOf({ connect }: LiveServer, options: Partial<LiveClientOptions> = {}): LiveClient {
  const client = createLiveClient({ connect, endpoint: "memory:server", ...options });
  onTestFinished(() => client.close());
  return client;
}

/** Pulls to the end; gives the revision and how many pages came. */
async function pull(
  remote: ProtocolIo,
  clientRevision: string | undefined,
  longPollTimeoutMs: number,
): Promise<{ readonly revision: string; readonly pages: number }> {
  const request = { ...(clientRevision !== undefined && { clientRevision }), longPollTimeoutMs };
  const started = await remote.startPull(request);
  let pages = 0;
  for (;;) {
    const batch = await remote.receivePages(started.pull);
    if (batch === undefined) break;
    pages += batch.pageIds.length;
  }
  await remote.endPull(started.pull);
  return { revision: started.header.revision, pages };
}

const insert = (value: unknown, condition: RemoteStep["condition"] = "previous-ok"): RemoteStep => ({
  sql: "INSERT INTO t (a) VALUES (?)",
  params: [value as string],
  condition,
  wantRows: false,
});
const statement = (sql: string, condition: RemoteStep["condition"] = "previous-ok"): RemoteStep => ({
  sql,
  params: [],
  condition,
  wantRows: false,
});

test("after a first pull that waits, commits come without being asked for", async () => {
  const server = startLiveServer();
  await server.query("CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
  const cutter = new ChannelCutter({ at: 0, arrives: true });
  const client = clientOf(server, { connect: async (signal) => cutter.wrap(await server.connect(signal)) });
  const remote = client.replica();
  let { revision } = await pull(remote, undefined, 0);
  await server.query("INSERT INTO t (a) VALUES (0)");
  ({ revision } = await pull(remote, revision, WAIT_MS));
  for (let commit = 1; commit <= 5; commit++) {
    const before = cutter.sent.length;
    await server.query(`INSERT INTO t (a) VALUES (${commit})`);
    const next = await pull(remote, revision, WAIT_MS);
    expect(next.pages).toBeGreaterThan(0);
    expect(next.revision).not.toBe(revision);
    // One message: that it would like the next one.
    expect(cutter.sent.length - before).toBe(1);
    revision = next.revision;
  }
});

test("a pull that may not wait has every commit that was acknowledged before it began", async () => {
  const server = startLiveServer();
  await server.query("CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
  const client = clientOf(server);
  const engine = await openLiveEngine(join(temporaryDirectory(), "replica.db"), client.replica());
  onTestFinished(() => engine.close());
  await server.query("INSERT INTO t (a) VALUES (0)");
  await engine.pull(WAIT_MS);
  for (let commit = 1; commit <= 10; commit++) {
    await server.query(`INSERT INTO t (a) VALUES (${commit})`);
    // The first of two may have been answered ahead already.
    if (commit % 2 === 0) {
      await engine.pull(0);
      expect(engine.db.prepare("SELECT max(a) FROM t").pluck().get()).toBe(commit);
    }
  }
});

test("an app that does not take its pages is sent no more than the credit, and gets all when it does", async () => {
  const server = startLiveServer();
  await server.query("CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
  await server.query(`INSERT INTO t (a) VALUES ${"(zeroblob(1000000)),".repeat(8).slice(0, -1)}`);
  const creditBytes = 256 * 1024;
  const remote = clientOf(server, { creditBytes }).replica();
  const started = await remote.startPull({ longPollTimeoutMs: 0 });
  for (let turns = 0; turns < 200; turns++) await turn();
  expect(remote.bytesReceived).toBeGreaterThan(creditBytes / 2);
  expect(remote.bytesReceived).toBeLessThan(creditBytes + 8_192);
  let pages = 0;
  for (;;) {
    const batch = await remote.receivePages(started.pull);
    if (batch === undefined) break;
    pages += batch.pageIds.length;
    expect(remote.bytesReceived - pages * PAGE).toBeLessThan(creditBytes + 8_192);
  }
  await remote.endPull(started.pull);
  expect(pages).toBe(started.header.databaseSize);
});

test("a batch that is longer than any message is one transaction", async () => {
  const server = startLiveServer({ maxMessageBytes: 128 * 1024 });
  await server.query("CREATE TABLE t (id INTEGER PRIMARY KEY, a NOT NULL)");
  const remote = clientOf(server).replica();
  const inserts = Array.from({ length: 200 }, () => insert("x".repeat(5_000)));
  const end = [statement("COMMIT"), statement("ROLLBACK", "in-transaction")];
  const begin = statement("BEGIN IMMEDIATE", "always");
  const good = await remote.runRemoteBatch({ steps: [begin, ...inserts, ...end], repeatable: false });
  expect(good.map(({ type }) => type)).toEqual([...Array(202).fill("ok"), "skipped"]);
  expect(await server.query("SELECT count(*) FROM t")).toEqual([[200n]]);
  for (const at of [0, 60, 199]) {
    const broken = inserts.with(at, insert(null));
    const bad = await remote.runRemoteBatch({ steps: [begin, ...broken, ...end], repeatable: false });
    expect(bad.map(({ type }) => type)).toEqual([
      ...Array(at + 1).fill("ok"),
      "error",
      ...Array(200 - at).fill("skipped"),
      "ok",
    ]);
    expect(await server.query("SELECT count(*) FROM t")).toEqual([[200n]]);
  }
  // Nothing is left open: another writer gets its turn.
  await server.query("INSERT INTO t (a) VALUES ('last')");
});

test("a transaction that idles too long between two parts is rolled back, and nothing of it stays", async () => {
  const clock = new TestClock();
  const server = startLiveServer({ maxMessageBytes: 128 * 1024, clock, streamIdleTimeoutMs: 5_000 });
  await server.query("CREATE TABLE t (id INTEGER PRIMARY KEY, a NOT NULL)");
  let push = 0;
  const held: (() => void)[] = [];
  const client = clientOf(server, {
    connect: async (signal) => {
      const channel = await server.connect(signal);
      return {
        listen: (events) => channel.listen(events),
        close: (reason) => channel.close(reason),
        send: (message) => {
          if (message.length > 50_000 && ++push === 2) {
            held.push(() => channel.send(message));
            return "sent";
          }
          return channel.send(message);
        },
      };
    },
  });
  const inserts = Array.from({ length: 60 }, () => insert("x".repeat(5_000)));
  const steps = [statement("BEGIN IMMEDIATE", "always"), ...inserts, statement("COMMIT")];
  const pushing = Promise.resolve(client.replica().runRemoteBatch({ steps, repeatable: false }));
  pushing.catch(() => {});
  while (held.length === 0) await turn();
  await clock.advance(6_000);
  for (const release of held) release();
  await expect(pushing).rejects.toMatchObject({ code: "unreachable" });
  expect(await server.query("SELECT count(*) FROM t")).toEqual([[0n]]);
  await server.query("INSERT INTO t (a) VALUES ('free')");
});

test("a pull that waits outlives its token, which is renewed on the open channel", async () => {
  const clock = new TestClock();
  const server = startLiveServer({
    clock,
    authorize: ({ token }) => ({
      access: "write",
      expiresAt: Date.now() + (token === "good 1" ? 100_000 : 10_000_000),
    }),
  });
  let tokens = 0;
  const client = clientOf(server, { clock, authToken: () => `good ${++tokens}` });
  const states: string[] = [];
  client.onStateChange(({ state }) => states.push(state));
  const remote = client.replica();
  await remote.runRemoteBatch({ steps: [statement("CREATE TABLE t (a)", "always")], repeatable: false });
  const { revision } = await pull(remote, undefined, 0);
  const waiting = pull(remote, revision, 1_000_000);
  await clock.advance(150_000);
  expect(tokens).toBe(2);
  const writer = clientOf(server, { clock, authToken: "good writer" }).replica();
  await writer.runRemoteBatch({ steps: [insert(1, "always")], repeatable: false });
  expect((await waiting).pages).toBeGreaterThan(0);
  expect(states).toEqual(["connecting", "open"]);
});

test("a server that is closed and started again is found again", async () => {
  const first = startLiveServer();
  let server = first;
  await server.query("CREATE TABLE t (a)");
  const client = clientOf(server, { connect: (signal) => server.connect(signal) });
  const engine = await openLiveEngine(join(temporaryDirectory(), "replica.db"), client.replica());
  onTestFinished(() => engine.close());
  const waiting = engine.pull(WAIT_MS);
  const lost = expect(waiting).rejects.toMatchObject({ code: "unreachable" });
  while (client.state.state !== "open") await turn();
  await first.close();
  await lost;
  await expect(engine.pull(0)).rejects.toMatchObject({ code: "unreachable" });
  engine.db.exec("INSERT INTO t (a) VALUES ('ours')");
  server = startLiveServer({ path: first.file });
  await server.query("INSERT INTO t (a) VALUES ('theirs')");
  await engine.push();
  await engine.pull(WAIT_MS);
  expect(engine.db.prepare("SELECT a FROM t ORDER BY a").pluck().all()).toEqual(["ours", "theirs"]);
});
