import type { ReplicaOptions, ReplicaStatus } from "@tributary/replica";
import { describe, expect, test } from "vitest";
import { REMOTES, type Remote, startTributary } from "../support/remotes.js";
import { type Replica, replicaOf } from "../support/replicas.js";
import { untilLive, untilRows, untilStatus } from "../support/status.js";

const SCHEMA = "CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)";

/** A live replica that may use nothing but HTTP. */
function liveOf(remote: Remote, options: Partial<ReplicaOptions> = {}): Promise<Replica> {
  return replicaOf(remote.url, { live: true, webSocket: false, ...options });
}

describe.each(REMOTES)("live over HTTP, with $name", ({ start }) => {
  test("what one replica commits appears in the other, both ways, without a call", async () => {
    const remote = await start();
    await remote.query(SCHEMA);
    const [a, b] = await Promise.all([liveOf(remote), liveOf(remote)]);
    expect(await untilLive(a)).toMatchObject({ transport: "http", lastError: undefined });
    await untilLive(b);
    a.db.prepare("INSERT INTO t VALUES (1, 'from a')").run();
    await untilRows(b, "SELECT * FROM t", [[1, "from a"]]);
    b.db.prepare("UPDATE t SET body = 'from b'").run();
    await untilRows(a, "SELECT * FROM t", [[1, "from b"]]);
    await untilStatus(b, ({ committed, acknowledged }) => committed === acknowledged);
    expect(await remote.query("SELECT * FROM t")).toEqual([[1n, "from b"]]);
    await Promise.all([a.close(), b.close()]);
    expect(a.status).toMatchObject({ state: "closed", transport: undefined });
  });

  test("local writes without a pause starve neither pushes nor pulls", async () => {
    const remote = await start();
    await remote.query(SCHEMA);
    const replica = await liveOf(remote);
    await untilLive(replica);
    const insert = replica.db.prepare("INSERT INTO t VALUES (?, 'mine')");
    let id = 0;
    let isThere = false;
    const theirs = untilRows(replica, "SELECT count(*) FROM t WHERE body = 'theirs'", [[3]]).then(() => {
      isThere = true;
    });
    for (let theirId = -3; theirId < 0; theirId++) {
      await remote.query(`INSERT INTO t VALUES (${theirId}, 'theirs')`);
      for (let n = 0; n < 20; n++) {
        insert.run(++id);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    while (!isThere) {
      insert.run(++id);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await theirs;
    await untilStatus(replica, ({ committed, acknowledged }) => committed === acknowledged);
    expect(await remote.query("SELECT count(*) FROM t")).toEqual([[BigInt(id + 3)]]);
  });
});

test("a replica that was opened offline goes live when there is a way, with what was written meanwhile", async () => {
  const remote = await startTributary();
  await remote.query(SCHEMA);
  const first = await replicaOf(remote.url);
  const { path } = first;
  await first.close();
  let isUp = false;
  const network: typeof fetch = (input, init) =>
    isUp
      ? fetch(input, init)
      : Promise.reject(Object.assign(new Error("no network"), { code: "ENETUNREACH" }));
  const replica = await replicaOf(remote.url, { path, live: true, fetch: network });
  const seen: ReplicaStatus["state"][] = [];
  const watching = (async () => {
    for await (const { state } of replica.watchStatus()) if (seen.at(-1) !== state) seen.push(state);
  })();
  replica.db.exec("INSERT INTO t VALUES (1, 'offline')");
  expect(await untilStatus(replica, ({ state }) => state === "offline")).toMatchObject({
    reason: expect.stringContaining("ENETUNREACH"),
    lastError: { code: "unreachable" },
    transport: undefined,
    committed: 1,
    sent: 0,
    acknowledged: 0,
  });
  isUp = true;
  await untilLive(replica);
  await untilStatus(replica, ({ committed, acknowledged }) => committed === acknowledged);
  expect(await remote.query("SELECT * FROM t")).toEqual([[1n, "offline"]]);
  await replica.close();
  await watching;
  expect(seen).toEqual(["connecting", "offline", "live", "closed"]);
});
