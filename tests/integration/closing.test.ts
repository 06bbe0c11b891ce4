import { expect, test } from "vitest";
import { type Remote, startTributary } from "../support/remotes.js";
import { replicaOf, rows } from "../support/replicas.js";

async function remoteWithTable(): Promise<Remote> {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)");
  return remote;
}

/** A `fetch` whose answers can be held back in the middle: `reached` resolves when one is. */
function haltingFetch(holds: (url: string) => boolean): { fetch: typeof fetch; reached: Promise<void> } {
  let reach: () => void = () => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const halting: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init);
    if (!holds(String(input)) || answer.body === null) return answer;
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(bytes.subarray(0, Math.floor(bytes.length / 2))),
      // The rest never comes.
      pull: () => {
        reach();
        return new Promise(() => {});
      },
    });
    return new Response(body, { status: answer.status, headers: answer.headers });
  };
  return { fetch: halting, reached };
}

test("after a close that failed the replica is open and usable, and can be closed later", async () => {
  const remote = await remoteWithTable();
  const replica = await replicaOf(remote.url, { lockTimeoutMs: 30 });
  replica.db.exec("INSERT INTO t VALUES (1, 'a'), (2, 'b')");
  const iterator = replica.db.prepare("SELECT id FROM t").pluck().iterate();
  iterator.next();
  const closing = replica.close();
  expect(replica.close()).toBe(closing);
  await expect(closing).rejects.toMatchObject({ code: "database-busy", blame: "host" });
  expect(replica.db.open).toBe(true);
  expect([...iterator]).toEqual([2]);
  replica.db.exec("INSERT INTO t VALUES (3, 'c')");
  expect(await replica.sync()).toEqual({ pushed: 3, pulled: true });
  await replica.checkpoint();
  await replica.close();
  await expect(replica.pull()).rejects.toMatchObject({ code: "invalid-state" });
  const again = await replicaOf(remote.url, { path: replica.path });
  expect(rows(again, "SELECT count(*) FROM t")).toEqual([[3]]);
});

test("a query that is iterated over inside a transaction keeps a replica from being closed", async () => {
  const remote = await remoteWithTable();
  const replica = await replicaOf(remote.url, { lockTimeoutMs: 30 });
  replica.db.exec("INSERT INTO t VALUES (1, 'a'), (2, 'b'); BEGIN; INSERT INTO t VALUES (3, 'c')");
  const iterator = replica.db.prepare("SELECT id FROM t").pluck().iterate();
  iterator.next();
  await expect(replica.close()).rejects.toMatchObject({ code: "database-busy" });
  expect([...iterator]).toEqual([2, 3]);
  await replica.close();
  const again = await replicaOf(remote.url, { path: replica.path });
  expect(rows(again, "SELECT count(*) FROM t")).toEqual([[2]]);
});

test("closing ends a pull that waits at the server", async () => {
  const remote = await remoteWithTable();
  let asked: (() => void) | undefined;
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  let isOpen = false;
  const watched: typeof fetch = (input, init) => {
    if (isOpen) asked?.();
    return fetch(input, init);
  };
  const replica = await replicaOf(remote.url, { longPollTimeoutMs: 60_000, fetch: watched });
  isOpen = true;
  replica.db.exec("INSERT INTO t VALUES (1, 'mine')");
  const waiting = expect(replica.pull()).rejects.toMatchObject({ code: "aborted" });
  await isAsked;
  await replica.close();
  await waiting;
  const again = await replicaOf(remote.url, { path: replica.path });
  expect((await again.stats()).pendingChanges).toBe(1);
  expect(await again.sync()).toEqual({ pushed: 1, pulled: true });
});

test("closing ends a download, and one that the app waits for the lock with", async () => {
  const remote = await remoteWithTable();
  let holds = false;
  const { fetch, reached } = haltingFetch((url) => holds && url.endsWith("/pull-updates"));
  const replica = await replicaOf(remote.url, { fetch });
  replica.db.exec("INSERT INTO t VALUES (1, 'mine')");
  await remote.query("INSERT INTO t VALUES (2, ?)", ["x".repeat(20_000)]);
  holds = true;
  const downloading = expect(replica.pull()).rejects.toMatchObject({ code: "aborted" });
  // Asked for behind it: it never begins.
  const queued = expect(replica.pull()).rejects.toMatchObject({ code: "invalid-state" });
  await reached;
  await replica.close();
  await Promise.all([downloading, queued]);
  const again = await replicaOf(remote.url, { path: replica.path, lockTimeoutMs: 60_000 });
  again.db.exec("BEGIN; INSERT INTO t VALUES (3, 'open')");
  const blocked = expect(again.pull()).rejects.toMatchObject({ code: "aborted" });
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  await again.close();
  await blocked;
  const last = await replicaOf(remote.url, { path: replica.path });
  expect((await last.stats()).pendingChanges).toBe(1);
  await last.sync();
  expect(rows(last, "SELECT id FROM t ORDER BY id")).toEqual([[1], [2]]);
  expect(await remote.query("SELECT count(*) FROM t")).toEqual([[2n]]);
});

test("closing ends a push; what the remote had committed is not pushed twice", async () => {
  const remote = await remoteWithTable();
  let holds = false;
  const { fetch, reached } = haltingFetch((url) => holds && url.endsWith("/batch"));
  const replica = await replicaOf(remote.url, { fetch });
  await remote.query("CREATE TABLE log (n INTEGER)");
  await replica.pull();
  for (let n = 0; n < 20; n++) replica.db.prepare("INSERT INTO log VALUES (?)").run(n);
  holds = true;
  const pushing = expect(replica.push()).rejects.toMatchObject({ code: "aborted" });
  const queued = expect(replica.push()).rejects.toMatchObject({ code: "invalid-state" });
  await reached;
  await replica.close();
  await Promise.all([pushing, queued]);
  const again = await replicaOf(remote.url, { path: replica.path });
  expect(rows(again, "SELECT count(*) FROM log")).toEqual([[20]]);
  await again.sync();
  expect(await remote.query("SELECT count(*) FROM log")).toEqual([[20n]]);
  expect(rows(again, "SELECT count(*) FROM log")).toEqual([[20]]);
});
