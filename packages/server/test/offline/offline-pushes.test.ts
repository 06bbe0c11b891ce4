import { expect, test } from "vitest";
import { HranaRequestError } from "../../src/hrana/hrana-request-error.js";
import { ServerError } from "../../src/server-error.js";
import type { LibsqlReplica } from "./support/libsql-replica.js";
import { type OfflineHarness, openOffline } from "./support/open-offline.js";

const ALL = "SELECT * FROM t ORDER BY id";

function openServer(options: Parameters<typeof openOffline>[0] = {}): OfflineHarness {
  const server = openOffline(options);
  server.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v, w)");
  server.exec("INSERT INTO t VALUES(1, 'one', 0), (2, 'two', 0)");
  // Rows that have nothing to tell them by: what is merged twice is there twice.
  server.exec("CREATE TABLE log(entry)");
  return server;
}

const entriesOf = (server: OfflineHarness): unknown[] =>
  server.all("SELECT entry FROM log ORDER BY entry").flat();

async function converge(server: OfflineHarness, ...replicas: LibsqlReplica[]): Promise<void> {
  for (let round = 0; round < 3; round++) for (const replica of replicas) await replica.sync();
  for (const replica of replicas) {
    expect(replica.all("PRAGMA integrity_check")).toEqual([["ok"]]);
    // As texts: bytes take long to compare one by one.
    for (const sql of ["SELECT id, quote(v), w FROM t ORDER BY 1", "SELECT entry FROM log ORDER BY 1"])
      expect(replica.all(sql)).toEqual(server.all(sql));
  }
  expect(server.all("PRAGMA integrity_check")).toEqual([["ok"]]);
}

test("what a replica pushes is merged, and does not come back to it", async () => {
  const server = openServer();
  const replica = await server.replica("phone");
  replica.exec(
    "INSERT INTO t VALUES(3, 'three', 0); UPDATE t SET v = 'ONE' WHERE id = 1; DELETE FROM t WHERE id = 2",
  );
  await replica.sync();
  expect(server.all(ALL)).toEqual([
    [1, "ONE", 0],
    [3, "three", 0],
  ]);
  const { frames } = replica;
  await replica.sync();
  await replica.sync();
  expect(replica.frames).toBe(frames);
});

test("two devices that were offline at the same time end up the same", async () => {
  const server = openServer();
  const one = await server.replica("one");
  const two = await server.replica("two");
  one.exec("INSERT INTO t VALUES(10, 'of one', 1); UPDATE t SET v = 'by one' WHERE id = 1");
  two.exec(
    "INSERT INTO t VALUES(20, 'of two', 2); UPDATE t SET w = 2 WHERE id = 1; DELETE FROM t WHERE id = 2",
  );
  await converge(server, one, two);
  expect(server.all(ALL)).toEqual([
    [1, "by one", 2],
    [10, "of one", 1],
    [20, "of two", 2],
  ]);
});

test("two replicas of one device are two", async () => {
  const server = openServer();
  const one = await server.replica("phone");
  const two = await server.replica("phone");
  expect(one.generation).not.toBe(two.generation);
  one.exec("INSERT INTO log VALUES('one')");
  two.exec("INSERT INTO log VALUES('two')");
  await converge(server, one, two);
  expect(entriesOf(server)).toEqual(["one", "two"]);
});

test("a transaction that takes several batches is merged as one, when its end has come", async () => {
  const server = openServer();
  const seen: unknown[] = [];
  const replica = await server.replica("phone", async (request) => {
    const response = await server.send(request);
    if (request.method === "POST") seen.push(server.all("SELECT count(*) FROM t")[0]);
    return response;
  });
  replica.exec(
    "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 359) INSERT INTO t SELECT i, zeroblob(3500), 0 FROM n",
  );
  expect(replica.frames).toBeGreaterThan(256);
  await replica.sync();
  expect(seen).toEqual([[2], [2], [262]]);
  const posts = replica.requests.filter((request) => request.startsWith("POST"));
  expect(posts[0]).toMatch(/^POST \/sync\/\d+\/1\/129$/);
  expect(posts[1]).toMatch(/^POST \/sync\/\d+\/129\/257\/[\w-]+$/);
  await converge(server, replica);
});

test("a push whose answer was lost is not merged twice", async () => {
  const server = openServer();
  let isLosing = true;
  const replica = await server.replica("phone", async (request) => {
    const response = await server.send(request);
    if (!isLosing || request.method === "GET") return response;
    isLosing = false;
    throw new Error("the connection was cut");
  });
  replica.exec("INSERT INTO log VALUES('once')");
  await expect(replica.sync()).rejects.toThrow("cut");
  replica.exec("INSERT INTO log VALUES('then')");
  await converge(server, replica);
  expect(entriesOf(server)).toEqual(["once", "then"]);
});

test("a push that breaks off in the middle of a transaction begins again", async () => {
  const server = openServer();
  let posts = 0;
  const replica = await server.replica("phone", async (request) => {
    if (request.method === "POST") posts += 1;
    if (posts === 2) throw new Error("the connection was cut");
    return server.send(request);
  });
  replica.exec("INSERT INTO log VALUES('first')");
  replica.exec(
    "INSERT INTO t SELECT value, zeroblob(3500), 0 FROM generate_series(100, 300)".replace(
      "generate_series(100, 300)",
      "(WITH RECURSIVE n(value) AS (SELECT 100 UNION ALL SELECT value + 1 FROM n WHERE value < 240) SELECT * FROM n)",
    ),
  );
  await expect(replica.sync()).rejects.toThrow("cut");
  // It goes on behind what was acknowledged, without the baton, and is told where the server is.
  expect(replica.durable).toBe(128);
  posts = 10;
  await replica.sync();
  expect(server.all("SELECT count(*) FROM t")).toEqual([[143]]);
  await converge(server, replica);
  expect(entriesOf(server)).toEqual(["first"]);
});

test("a replica that wrote before it took what was offered is merged first", async () => {
  const server = openServer();
  let isLosing = false;
  const replica = await server.replica("phone", async (request) => {
    const response = await server.send(request);
    if (isLosing) throw new Error("the connection was cut");
    return response;
  });
  server.exec("INSERT INTO t VALUES(3, 'of the server', 0)");
  isLosing = true;
  await expect(replica.sync()).rejects.toThrow("cut");
  isLosing = false;
  replica.exec("INSERT INTO t VALUES(4, 'of the phone', 0); INSERT INTO log VALUES('once')");
  await converge(server, replica);
  expect(server.all("SELECT id FROM t")).toEqual([[1], [2], [3], [4]]);
  expect(entriesOf(server)).toEqual(["once"]);
});

test("a replica that does not know any more that it took what was offered sends it back", async () => {
  const server = openServer();
  const replica = await server.replica("phone");
  server.exec("INSERT INTO t VALUES(3, 'of the server', 0)");
  const before = replica.save();
  await replica.sync();
  const after = replica.save();
  // Its metadata were written before, its log was not.
  replica.restore({ ...after, durable: before.durable });
  replica.exec("INSERT INTO log VALUES('once')");
  await converge(server, replica);
  expect(entriesOf(server)).toEqual(["once"]);
});

test("a replica from a backup pushes what it did since, and gets back what it had pushed", async () => {
  const server = openServer();
  const replica = await server.replica("phone");
  replica.exec("INSERT INTO log VALUES('before')");
  await replica.sync();
  const backup = replica.save();
  replica.exec("INSERT INTO log VALUES('after'); UPDATE t SET v = 'after' WHERE id = 1");
  await replica.sync();
  replica.restore(backup);
  replica.exec("INSERT INTO log VALUES('again'); UPDATE t SET w = 'again' WHERE id = 2");
  await converge(server, replica);
  expect(entriesOf(server)).toEqual(["after", "again", "before"]);
  expect(server.all(ALL)).toEqual([
    [1, "after", 0],
    [2, "two", "again"],
  ]);
});

test("frames that were damaged on the way are refused, and taken when they come whole", async () => {
  const server = openServer();
  let isDamaging = true;
  const replica = await server.replica("phone", async (request) => {
    if (!isDamaging || request.method === "GET") return server.send(request);
    const body = new Uint8Array(await request.arrayBuffer());
    body[4000] = (body[4000] as number) ^ 1;
    return server.send(new Request(request.url, { method: "POST", body }));
  });
  replica.exec("INSERT INTO log VALUES('once')");
  await expect(replica.sync()).rejects.toThrow(/PushFrame\(400, .*Keep a copy of the file/);
  expect(entriesOf(server)).toEqual([]);
  isDamaging = false;
  await converge(server, replica);
  expect(entriesOf(server)).toEqual(["once"]);
});

test("frames without checksums are taken if they make an intact database", async () => {
  const server = openServer();
  let damage = false;
  const replica = await server.replica("phone", async (request) => {
    if (request.method === "GET") return server.send(request);
    const body = new Uint8Array(await request.arrayBuffer());
    for (let at = 0; at < body.length; at += 4120) body.fill(0, at + 8, at + 24);
    if (damage) body.fill(0xee, body.length - 2000);
    return server.send(new Request(request.url, { method: "POST", body }));
  });
  replica.exec("INSERT INTO log VALUES('first')");
  await replica.sync();
  expect(entriesOf(server)).toEqual(["first"]);
  damage = true;
  replica.exec("INSERT INTO log VALUES('second')");
  await expect(replica.sync()).rejects.toThrow("PushFrame(400");
  damage = false;
  await converge(server, replica);
  expect(entriesOf(server)).toEqual(["first", "second"]);
});

test("page numbers and sizes that are out of reach are refused", async () => {
  const server = openServer();
  for (const [offset, problem] of [
    [0, "is page"],
    [4, "makes"],
  ] as const) {
    const replica = await server.replica("phone", async (request) => {
      if (request.method === "GET") return server.send(request);
      const body = new Uint8Array(await request.arrayBuffer());
      body.set([0x7f, 0xff], body.length - 4120 + offset);
      return server.send(new Request(request.url, { method: "POST", body }));
    });
    replica.exec("INSERT INTO log VALUES('no')");
    await expect(replica.sync()).rejects.toThrow(problem);
  }
  expect(entriesOf(server)).toEqual([]);
});

test("a push that cannot be merged now is answered so that it is tried again", async () => {
  const server = openServer();
  const replica = await server.replica("phone");
  replica.exec("INSERT INTO log VALUES('once')");
  const { merge } = server;
  let attempts = 0;
  server.merge = (work) => {
    attempts += 1;
    if (attempts < 3) throw new HranaRequestError("the worker was ended", { code: "STREAM_CLOSED" });
    return merge(work);
  };
  await replica.sync();
  expect(attempts).toBe(3);
  expect(entriesOf(server)).toEqual(["once"]);
});

test("a merge that was committed, though it failed, is not repeated", async () => {
  const server = openServer();
  const replica = await server.replica("phone");
  replica.exec("INSERT INTO log VALUES('once')");
  const { merge } = server;
  server.merge = async (work) => {
    await merge(work);
    throw new Error("the worker was killed before it could tell");
  };
  await replica.sync();
  server.merge = merge;
  replica.exec("INSERT INTO log VALUES('then')");
  await converge(server, replica);
  expect(entriesOf(server)).toEqual(["once", "then"]);
});

test("requests of one replica are carried out in their order, and those of another do not wait for them", async () => {
  const server = openServer();
  const order: string[] = [];
  const slow = await server.replica("slow", async (request) => {
    const response = await server.send(request);
    if (request.method === "POST") order.push("slow push");
    return response;
  });
  const quick = await server.replica("quick");
  slow.exec("INSERT INTO log VALUES('slow')");
  const { merge } = server;
  let begun = (): void => {};
  let goOn = (): void => {};
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const gate = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  server.merge = async (work) => {
    begun();
    await gate;
    return merge(work);
  };
  const pushed = slow.sync();
  await hasBegun;
  const pulled = server
    .send(new Request(`http://h/device/slow/sync/${slow.generation}/1/129`))
    .then(() => order.push("slow pull"));
  await quick.sync().then(() => order.push("quick pull"));
  goOn();
  await Promise.all([pushed, pulled]);
  expect(order).toEqual(["quick pull", "slow push", "slow pull"]);
});

test("a transaction that is longer than the limit is refused", async () => {
  const server = openServer({ maxBodyBytes: 100 * 4120 });
  const replica = await server.replica("phone");
  replica.exec(
    "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT i, zeroblob(3500), 0 FROM n",
  );
  await expect(replica.sync()).rejects.toThrow("PushFrame(413");
});

test("what could not be kept is not acknowledged when it comes again", async () => {
  const server = openServer();
  const replica = await server.replica("phone");
  replica.exec("INSERT INTO log VALUES('once')");
  const { merge } = server;
  let failures = 2;
  server.merge = (work) => {
    failures -= 1;
    if (failures < 0) return merge(work);
    throw new ServerError("cannot-open", "no descriptors are left");
  };
  await replica.sync();
  expect(failures).toBe(-1);
  expect(entriesOf(server)).toEqual(["once"]);
});

test("what a replica has had is not taken back for frames that do not show where they come from", async () => {
  const server = openServer();
  const replica = await server.replica("phone");
  replica.exec("INSERT INTO log VALUES('first')");
  await replica.sync();
  const url = `http://h/device/phone/sync/${replica.generation}/1/2`;
  const body = new Uint8Array(4120);
  body.set([0, 0, 0, 1, 0, 0, 0, 3]);
  const response = await server.send(new Request(url, { method: "POST", body }));
  expect(response.status).toBe(400);
  replica.exec("INSERT INTO log VALUES('second')");
  await converge(server, replica);
  expect(entriesOf(server)).toEqual(["first", "second"]);
});
