import { expect, test } from "vitest";
import { ABANDONED_PUSH_MS } from "../../src/offline/pull-frames.js";
import { type OfflineHarness, openOffline } from "./support/open-offline.js";

const LOG = "SELECT entry FROM log ORDER BY entry";

function openServer(): OfflineHarness {
  const server = openOffline();
  server.exec("CREATE TABLE log(entry)");
  return server;
}

const LARGE =
  "INSERT INTO log SELECT zeroblob(3500) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i FROM n)";

test("replicas without a device have one log of frames", async () => {
  const server = openServer();
  const one = await server.replica();
  const two = await server.replica();
  expect([one.generation, two.generation]).toEqual([1, 1]);
  one.exec("INSERT INTO log VALUES('of one')");
  await one.sync();
  await two.sync();
  two.exec("INSERT INTO log VALUES('of two')");
  await two.sync();
  await one.sync();
  server.exec("INSERT INTO log VALUES('of the server')");
  await one.sync();
  await two.sync();
  for (const replica of [one, two]) {
    expect(replica.all(LOG)).toEqual([["of one"], ["of the server"], ["of two"]]);
    expect(replica.all("PRAGMA integrity_check")).toEqual([["ok"]]);
  }
  expect(one.frames).toBe(two.frames);
});

test("who pushes after another replica has written is in conflict", async () => {
  const server = openServer();
  const one = await server.replica();
  const two = await server.replica();
  one.exec("INSERT INTO log VALUES('of one')");
  two.exec("INSERT INTO log VALUES('of two')");
  await one.sync();
  await expect(two.sync()).rejects.toThrow("InvalidPushFrameConflict(1, 1)");
  await expect(two.sync()).rejects.toThrow("InvalidPushFrameConflict(1, 1)");
  expect(server.all(LOG)).toEqual([["of one"]]);
});

test("who pushes after somebody else has written is in conflict", async () => {
  const server = openServer();
  const one = await server.replica();
  one.exec("INSERT INTO log VALUES('of one')");
  server.exec("INSERT INTO log VALUES('of the server')");
  await expect(one.sync()).rejects.toThrow("InvalidPushFrameConflict");
  expect(server.all(LOG)).toEqual([["of the server"]]);
});

test("somebody who writes while a push is merged is noticed", async () => {
  const server = openServer();
  const one = await server.replica();
  one.exec("INSERT INTO log VALUES('of one')");
  const { merge } = server;
  server.merge = (work) => {
    server.exec("INSERT INTO log VALUES('of the server')");
    return merge(work);
  };
  await expect(one.sync()).rejects.toThrow("InvalidPushFrameConflict");
  expect(server.all(LOG)).toEqual([["of the server"]]);
});

test("a retry of what was acknowledged is no conflict", async () => {
  const server = openServer();
  let isLosing = true;
  const one = await server.replica(undefined, async (request) => {
    const response = await server.send(request);
    if (!isLosing || request.method === "GET") return response;
    isLosing = false;
    throw new Error("the connection was cut");
  });
  one.exec("INSERT INTO log VALUES('once')");
  await expect(one.sync()).rejects.toThrow("cut");
  await one.sync();
  await one.sync();
  expect(server.all(LOG)).toEqual([["once"]]);
});

test("a new replica begins with what there is, and may write before it has pulled", async () => {
  const server = openServer();
  const one = await server.replica();
  one.exec("INSERT INTO log VALUES('of one')");
  await one.sync();
  server.exec("INSERT INTO log VALUES('of the server')");
  const two = await server.replica();
  expect(two.all(LOG)).toEqual([["of one"], ["of the server"]]);
  two.exec("INSERT INTO log VALUES('of two')");
  await two.sync();
  await one.sync();
  expect(one.all(LOG)).toEqual(server.all(LOG));
});

test("to ask which generation there is begins none", async () => {
  const server = openServer();
  const one = await server.replica();
  one.exec("INSERT INTO log VALUES('of one')");
  await one.sync();
  expect([await server.replicas.info(undefined), await server.replicas.info(undefined)]).toEqual([2, 2]);
  await one.sync();
  expect(one.generation).toBe(1);
});

test("a replica in the middle of a push is waited for, unless it does not go on", async () => {
  const server = openServer();
  let posts = 0;
  const one = await server.replica(undefined, async (request) => {
    if (request.method === "POST") posts += 1;
    if (posts === 2) throw new Error("the connection was cut");
    return server.send(request);
  });
  const two = await server.replica();
  two.exec("INSERT INTO log VALUES('of two')");
  one.exec(LARGE);
  await expect(one.sync()).rejects.toThrow("cut");
  await two.all("SELECT 1");
  await expect(two.sync()).rejects.toThrow("PushFrame(503");
  // What others read does not wait.
  expect((await server.send(new Request("http://h/sync/1/1/129"))).status).toBe(400);
  server.clock.advance(ABANDONED_PUSH_MS);
  await two.sync();
  expect(server.all(LOG)).toEqual([["of two"]]);
});

test("frames that lie before what was rolled back are sent again", async () => {
  const server = openServer();
  const one = await server.replica();
  one.exec("INSERT INTO log VALUES('first')");
  await one.sync();
  // Beyond what there is, as after the server was restored.
  const body = new Uint8Array(4120);
  const response = await server.send(new Request("http://h/sync/1/50/51", { method: "POST", body }));
  expect(await response.json()).toEqual({ status: "ok", generation: 1, max_frame_no: 1 });
  const pulled = await server.send(new Request("http://h/sync/1/50/178"));
  expect([pulled.status, await pulled.text()]).toEqual([
    410,
    expect.stringContaining("restored from a backup"),
  ]);
});
