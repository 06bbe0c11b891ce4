import type { ReplicaOptions, ReplicaStatus } from "@tributary/replica";
import { expect, test } from "vitest";
import { contentsOf } from "../support/contents.js";
import { type Replica, replicaOf } from "../support/replicas.js";
import { RestartableServer } from "../support/restartable-server.js";
import { untilLive, untilRows, untilStatus } from "../support/status.js";

const SCHEMA = "CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)";

const liveOf = (server: RestartableServer, options: Partial<ReplicaOptions> = {}): Promise<Replica> =>
  replicaOf(server.url, { live: true, ...options });

const isSynced = ({ state, committed, acknowledged }: ReplicaStatus): boolean =>
  state === "live" && committed === acknowledged;

async function serverWithTable(): Promise<RestartableServer> {
  const server = await RestartableServer.start();
  await server.query(SCHEMA);
  return server;
}

test("what is committed on one replica is on the other a moment later, over sockets alone", async () => {
  const server = await serverWithTable();
  const [a, b] = await Promise.all([liveOf(server), liveOf(server)]);
  expect(await untilLive(a)).toMatchObject({ transport: "websocket", lastError: undefined });
  await untilLive(b);
  const times: number[] = [];
  for (let id = 1; id <= 11; id++) {
    const [from, to] = id % 2 === 0 ? [a, b] : [b, a];
    const there = untilRows(to, `SELECT body FROM t WHERE id = ${id}`, [[`row ${id}`]]);
    const begun = performance.now();
    from.db.prepare("INSERT INTO t VALUES (?, ?)").run(id, `row ${id}`);
    await there;
    times.push(performance.now() - begun);
  }
  times.sort((left, right) => left - right);
  // Some milliseconds on an idle machine.
  expect(times[5]).toBeLessThan(2_000);
  await Promise.all([untilStatus(a, isSynced), untilStatus(b, isSynced)]);
  expect(server.requests, "HTTP was not used").toBe(0);
  expect(server.upgrades).toBe(2);
});

test("a restarted server and cut sockets lose and double nothing", async () => {
  const server = await serverWithTable();
  await server.query("CREATE TABLE log (body)");
  const [a, b] = await Promise.all([liveOf(server), liveOf(server)]);
  await Promise.all([untilLive(a), untilLive(b)]);
  let n = 0;
  const write = (replica: Replica, name: string): void => {
    n += 1;
    replica.db.prepare("INSERT INTO log VALUES (?)").run(`${name} ${n}`);
  };
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  for (let round = 0; round < 6; round++) {
    for (let step = 0; step < 6; step++) {
      write(a, "a");
      await turn();
      write(b, "b");
      for (let turns = 0; turns < round; turns++) await turn();
    }
    if (round === 2) await server.restart();
    else server.cut();
  }
  for (const replica of [a, b]) {
    await untilRows(replica, "SELECT count(*), count(DISTINCT body) FROM log", [[n, n]]);
    await untilStatus(replica, isSynced);
  }
  expect(contentsOf(a.db)).toEqual(contentsOf(b.db));
  expect(await server.query("SELECT count(*), count(DISTINCT body) FROM log")).toEqual([
    [String(n), String(n)],
  ]);
});

test("the status tells how it goes: live, offline with the reason, live again, closed", async () => {
  const server = await serverWithTable();
  const replica = await liveOf(server);
  const seen: string[] = [];
  const watching = (async () => {
    for await (const { state, reason, lastError } of replica.watchStatus()) {
      if (seen.at(-1) !== state) seen.push(state);
      expect(state === "offline").toBe(reason !== undefined && lastError !== undefined);
    }
  })();
  await untilLive(replica);
  await server.stop();
  replica.db.exec("INSERT INTO t VALUES (1, 'while it is down')");
  expect(await untilStatus(replica, ({ state }) => state === "offline")).toMatchObject({
    lastError: { blame: "network" },
    committed: 1,
    acknowledged: 0,
  });
  await server.restart();
  await untilStatus(replica, isSynced);
  expect(await server.query("SELECT body FROM t")).toEqual([["while it is down"]]);
  await replica.close();
  await watching;
  expect(seen).toEqual(["connecting", "live", "offline", "live", "closed"]);
});

test("where sockets are refused, HTTP takes their place by itself, also for the first download", async () => {
  const server = await serverWithTable();
  await server.query("INSERT INTO t VALUES (1, 'first')");
  server.refusesSockets = true;
  const replica = await liveOf(server);
  expect(replica.db.prepare("SELECT body FROM t").pluck().get()).toBe("first");
  expect(await untilLive(replica)).toMatchObject({ transport: "http", lastError: undefined });
  await server.query("INSERT INTO t VALUES (2, 'second')");
  await untilRows(replica, "SELECT count(*) FROM t", [[2]]);
  replica.db.exec("INSERT INTO t VALUES (3, 'third')");
  await untilStatus(replica, isSynced);
  expect(await server.query("SELECT count(*) FROM t")).toEqual([["3"]]);
  expect(server.upgrades, "it does not ask every time").toBe(1);
});

test("the app's own calls work in a live replica, beside what it does by itself", async () => {
  const server = await serverWithTable();
  const replica = await liveOf(server);
  await untilLive(replica);
  await server.query("INSERT INTO t VALUES (1, 'theirs')");
  await Promise.all([replica.pull(), replica.sync(), replica.push()]);
  expect(replica.db.prepare("SELECT count(*) FROM t").pluck().get()).toBe(1);
  for (let id = 10; id < 20; id++) {
    replica.db.prepare("INSERT INTO t VALUES (?, 'mine')").run(id);
    await replica.sync();
    expect(await server.query("SELECT count(*) FROM t")).toEqual([[String(id - 8)]]);
  }
  expect(await replica.pull(), "it does not wait").toBe(false);
});

test("closing ends whatever goes on, and what was committed is there when it is opened again", async () => {
  const server = await serverWithTable();
  for (let round = 0; round < 8; round++) {
    const replica = await liveOf(server);
    if (round % 2 === 0) await untilLive(replica);
    replica.db.prepare("INSERT INTO t VALUES (?, 'kept')").run(round);
    for (let turns = 0; turns < round * 3; turns++) await new Promise((resolve) => setImmediate(resolve));
    await replica.close();
    expect(replica.status.state).toBe("closed");
    const again = await replicaOf(server.url, { path: replica.path });
    await again.sync();
    await again.close();
    expect(await server.query("SELECT count(*) FROM t")).toEqual([[String(round + 1)]]);
  }
});
