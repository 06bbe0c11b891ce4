import { expect, test } from "vitest";
import { REMOTES, startTributary } from "../support/remotes.js";
import { replicaOf, rows } from "../support/replicas.js";

async function bodyText(body: unknown): Promise<string> {
  return body instanceof Uint8Array ? Buffer.from(body).toString() : String(body);
}

test.each(REMOTES)(
  "a push that is still on its way when it is tried again is not applied twice by $name",
  async ({ start }) => {
    const remote = await start();
    await remote.query("CREATE TABLE log (who TEXT)");
    let late: Promise<unknown> | undefined;
    let held: (() => Promise<Response>) | undefined;
    const slow: typeof fetch = async (input, init) => {
      const text = await bodyText(init?.body);
      if (held === undefined && text.includes("BEGIN")) {
        // The first push sets out, and is given up before it arrives.
        held = () => fetch(input, { ...init, signal: null });
        throw new TypeError("fetch failed", {
          cause: Object.assign(new Error("reset"), { code: "ECONNRESET" }),
        });
      }
      // It arrives after the second attempt has asked how far the first one got.
      if (held !== undefined && late === undefined && text.includes("BEGIN")) {
        late = held();
        await late;
      }
      return await fetch(input, init);
    };
    const replica = await replicaOf(remote.url, { fetch: slow });
    replica.db.exec("INSERT INTO log VALUES ('mine')");
    await replica.push();
    expect(late).toBeDefined();
    expect(await remote.query("SELECT * FROM log")).toEqual([["mine"]]);
    await replica.pull();
    expect((await replica.stats()).pendingChanges).toBe(0);
    expect(rows(replica, "SELECT * FROM log")).toEqual([["mine"]]);
  },
);

test("a pull that a push overtakes does not send the pushed changes again", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE log (who TEXT)");
  let hold = false;
  let arrived: () => void = () => {};
  let release: () => void = () => {};
  const slowPull: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (!hold || !String(input).includes("pull-updates")) return response;
    hold = false;
    const bytes = await response.arrayBuffer();
    arrived();
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return new Response(bytes, { status: response.status, headers: response.headers });
  };
  const replica = await replicaOf(remote.url, { fetch: slowPull });
  await remote.query("INSERT INTO log VALUES ('other')");
  replica.db.exec("INSERT INTO log VALUES ('mine')");
  hold = true;
  const held = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const pulling = replica.pull();
  await held;
  await replica.push();
  release();
  expect(await pulling).toBe(true);
  await replica.sync();
  const expected = [["mine"], ["other"]];
  expect(await remote.query("SELECT who FROM log ORDER BY who")).toEqual(expected);
  expect(rows(replica, "SELECT who FROM log ORDER BY who")).toEqual(expected);
});

test("a push in its second form, as net changes, keeps a row that was deleted and made again", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE)");
  await remote.query("INSERT INTO t VALUES (1, 'one'), (2, 'two')");
  const replica = await replicaOf(remote.url);
  replica.db.exec("DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (1, 'mine')");
  replica.db.exec("INSERT INTO t VALUES (9, 'taken'); UPDATE t SET u = 'mended' WHERE id = 9");
  await remote.query("DELETE FROM t WHERE id = 1");
  await remote.query("INSERT INTO t VALUES (3, 'taken')");
  await replica.push();
  expect(await remote.query("SELECT * FROM t ORDER BY id")).toEqual([
    [1n, "mine"],
    [2n, "two"],
    [3n, "taken"],
    [9n, "mended"],
  ]);
});

test("a large tape of large rows goes in batches that fit", { timeout: 60_000 }, async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)");
  const sizes: number[] = [];
  const measuring: typeof fetch = async (input, init) => {
    if (init?.body instanceof Uint8Array) sizes.push(init.body.length);
    return await fetch(input, init);
  };
  const replica = await replicaOf(remote.url, { fetch: measuring });
  const insert = replica.db.prepare("INSERT INTO t VALUES (?, randomblob(100000))");
  for (let id = 1; id <= 300; id++) insert.run(id);
  await replica.push();
  expect(Math.max(...sizes)).toBeLessThan(16 * 1024 * 1024);
  expect(await remote.query("SELECT count(*), sum(length(body)) FROM t")).toEqual([[300n, 30_000_000n]]);
});
