import { expect, test } from "vitest";
import { copyOffline } from "./support/copy-offline.js";
import type { LibsqlReplica, Send } from "./support/libsql-replica.js";
import { type OfflineHarness, openOffline } from "./support/open-offline.js";

const entriesOf = (server: OfflineHarness): unknown[] =>
  server.all("SELECT entry FROM log ORDER BY entry").flat();

/** A server with a replica, of a device or in strict mode, that can be led to another one. */
async function openPair({ device }: { device: string | undefined } = { device: "phone" }): Promise<{
  server: OfflineHarness;
  replica: LibsqlReplica;
  way: { send: Send };
}> {
  const server = openOffline();
  server.exec("CREATE TABLE log(entry)");
  const way = { send: server.send };
  const replica = await server.replica(device, (request) => way.send(request));
  replica.exec("INSERT INTO log VALUES('first')");
  await replica.sync();
  return { server, replica, way };
}

/** Whatever is asked is done, and nobody hears of it. */
function answerNothing(server: OfflineHarness): Send {
  return async (request) => {
    await server.send(request);
    throw new Error("the server was killed");
  };
}

/** Gives a copy of what the server has at its next merge: before it is made, or just behind it. */
function copyAtMerge(server: OfflineHarness, moment: "before" | "behind"): () => string {
  const { merge } = server;
  let copy = "";
  server.merge = async (work) => {
    if (moment === "behind") {
      const outcome = await merge(work);
      copy = copyOffline(server.path);
      return outcome;
    }
    copy = copyOffline(server.path);
    throw new Error("the server was killed");
  };
  return () => copy;
}

async function converge(server: OfflineHarness, replica: LibsqlReplica, entries: string[]): Promise<void> {
  for (let round = 0; round < 3; round++) await replica.sync();
  expect(entriesOf(server)).toEqual(entries);
  expect(replica.all("SELECT entry FROM log ORDER BY entry").flat()).toEqual(entries);
  expect(replica.all("PRAGMA integrity_check")).toEqual([["ok"]]);
}

test.each(["prepare", "merge", "commit"])("a server that ends after the %s of a push", async (point) => {
  const { server, replica, way } = await openPair();
  replica.exec("INSERT INTO log VALUES('second')");
  let copy = "";
  const { merge } = server;
  server.merge = async (work) => {
    if (point === "prepare") copy = copyOffline(server.path);
    const outcome = await merge(work);
    if (point === "merge") copy = copyOffline(server.path);
    return outcome;
  };
  way.send = async (request) => {
    const response = await server.send(request);
    if (point === "commit") copy = copyOffline(server.path);
    if (request.method === "POST") throw new Error("the server was killed");
    return response;
  };
  await expect(replica.sync()).rejects.toThrow("killed");
  const restarted = openOffline({ path: copy });
  expect(entriesOf(restarted)).toEqual(point === "prepare" ? ["first"] : ["first", "second"]);
  way.send = restarted.send;
  // What came meanwhile goes on behind it.
  replica.exec("INSERT INTO log VALUES('third')");
  await converge(restarted, replica, ["first", "second", "third"]);
});

test("a server that ends after a push it has acknowledged", async () => {
  const { server, replica, way } = await openPair();
  replica.exec("INSERT INTO log VALUES('second')");
  await replica.sync();
  const restarted = openOffline({ path: copyOffline(server.path) });
  expect(entriesOf(restarted)).toEqual(["first", "second"]);
  way.send = restarted.send;
  await converge(restarted, replica, ["first", "second"]);
});

test.each([true, false])(
  "a server that ends after an offer, which the replica has got: %s",
  async (hasGot) => {
    const { server, replica, way } = await openPair();
    server.exec("INSERT INTO log VALUES('second')");
    way.send = async (request) => {
      const response = await server.send(request);
      if (hasGot) return response;
      throw new Error("the server was killed");
    };
    if (hasGot) await replica.sync();
    else await expect(replica.sync()).rejects.toThrow("killed");
    const restarted = openOffline({ path: copyOffline(server.path) });
    way.send = restarted.send;
    replica.exec("INSERT INTO log VALUES('third')");
    await converge(restarted, replica, ["first", "second", "third"]);
  },
);

test("a server that ends after it has taken back an offer", async () => {
  const { server, replica, way } = await openPair();
  server.exec("INSERT INTO log VALUES('second')");
  way.send = async (request) => {
    await server.send(request);
    throw new Error("the connection was cut");
  };
  await expect(replica.sync()).rejects.toThrow("cut");
  replica.exec("INSERT INTO log VALUES('third')");
  const copy = copyAtMerge(server, "before");
  way.send = answerNothing(server);
  await expect(replica.sync()).rejects.toThrow("killed");
  const restarted = openOffline({ path: copy() });
  way.send = restarted.send;
  await converge(restarted, replica, ["first", "second", "third"]);
});

test("a server that ends while a replica from a backup is merged", async () => {
  const { server, replica, way } = await openPair();
  const backup = replica.save();
  replica.exec("INSERT INTO log VALUES('second')");
  await replica.sync();
  const { frames } = replica;
  replica.restore(backup);
  replica.exec("INSERT INTO log VALUES('third')");
  // They end at the same position as those whose place they take.
  expect(replica.frames).toBe(frames);
  const copy = copyAtMerge(server, "before");
  way.send = answerNothing(server);
  await expect(replica.sync()).rejects.toThrow("killed");
  const restarted = openOffline({ path: copy() });
  expect(entriesOf(restarted)).toEqual(["first", "second"]);
  way.send = restarted.send;
  await converge(restarted, replica, ["first", "second", "third"]);
});

test("in strict mode, a server that ends before it has noted a merge: a replica that has written more is in no conflict", async () => {
  const { server, replica, way } = await openPair({ device: undefined });
  replica.exec("CREATE INDEX entries ON log(entry)");
  replica.exec("INSERT INTO log VALUES('second')");
  const copy = copyAtMerge(server, "behind");
  way.send = answerNothing(server);
  await expect(replica.sync()).rejects.toThrow("killed");
  replica.exec("INSERT INTO log VALUES('third')");
  const restarted = openOffline({ path: copy() });
  way.send = restarted.send;
  await converge(restarted, replica, ["first", "second", "third"]);
});

test("in strict mode, what others wrote while a merge was not noted yet is told from it", async () => {
  const { server, replica, way } = await openPair({ device: undefined });
  replica.exec("INSERT INTO log VALUES('second')");
  const copy = copyAtMerge(server, "behind");
  await replica.sync();
  const restarted = openOffline({ path: copy() });
  restarted.exec("INSERT INTO log VALUES('of others')");
  way.send = restarted.send;
  replica.exec("INSERT INTO log VALUES('third')");
  await expect(replica.sync()).rejects.toThrow(/Conflict/);
});
