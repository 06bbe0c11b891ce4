import { expect, test } from "vitest";
import { REMOTES } from "../support/remotes.js";
import { replicaOf } from "../support/replicas.js";

/** A fetch that lets requests through and then pretends that the connection broke, for as many pushes as told. */
function losingFetch(lose: { pushes: number }): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    const isPush =
      typeof init?.body === "string" ? init.body.includes("BEGIN") : await bodyHas(init?.body, "BEGIN");
    if (!isPush || lose.pushes === 0) return response;
    lose.pushes--;
    await response.arrayBuffer();
    throw new TypeError("fetch failed", {
      cause: Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }),
    });
  };
}

async function bodyHas(body: unknown, text: string): Promise<boolean> {
  return body instanceof Uint8Array && Buffer.from(body).includes(text);
}

test.each(REMOTES)("a push whose answer is lost is not applied twice by $name", async ({ start }) => {
  const remote = await start();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)");
  await remote.query("CREATE TABLE log (n INTEGER)");
  const lose = { pushes: 1 };
  const replica = await replicaOf(remote.url, { fetch: losingFetch(lose) });
  replica.db.exec("INSERT INTO t VALUES (1, 1); INSERT INTO log VALUES (1)");
  await replica.push();
  expect(lose.pushes).toBe(0);
  expect(await remote.query("SELECT * FROM log")).toEqual([[1n]]);
  // What someone else wrote in between is not overwritten by a repetition.
  await remote.query("UPDATE t SET n = 2");
  await replica.push();
  expect(await remote.query("SELECT * FROM t")).toEqual([[1n, 2n]]);
  await replica.pull();
  expect(replica.db.prepare("SELECT n FROM t").pluck().get()).toBe(2);
  expect((await replica.stats()).pendingChanges).toBe(0);
});

test.each(REMOTES)(
  "a lost answer between two replicas' pushes to $name overwrites nobody",
  async ({ start }) => {
    const remote = await start();
    await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)");
    await remote.query("INSERT INTO t VALUES (1, 0)");
    const lose = { pushes: 3 };
    const [a, b] = [await replicaOf(remote.url, { fetch: losingFetch(lose) }), await replicaOf(remote.url)];
    a.db.exec("UPDATE t SET n = 1");
    b.db.exec("UPDATE t SET n = 2");
    await a.push();
    await b.push();
    await a.push();
    expect(await remote.query("SELECT n FROM t")).toEqual([[2n]]);
  },
);
