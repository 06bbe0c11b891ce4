import { expect, test } from "vitest";
import { replicaOf } from "../support/replicas.js";
import { RestartableServer } from "../support/restartable-server.js";

test("a push after one that was taken does not ask the remote how far it is, and is refused if that has changed", async () => {
  const server = await RestartableServer.start();
  await server.query("CREATE TABLE log (body)");
  const replica = await replicaOf(server.url);
  const requestsOfPush = async (body: string): Promise<number> => {
    replica.db.prepare("INSERT INTO log VALUES (?)").run(body);
    const before = server.requests;
    expect((await replica.push()).changes).toBe(1);
    return server.requests - before;
  };
  expect(await requestsOfPush("first"), "it asks, and sends").toBeGreaterThanOrEqual(2);
  expect(await requestsOfPush("second"), "it sends").toBe(1);
  await replica.pull();
  expect(await requestsOfPush("on another tape"), "it sends").toBe(1);
  // As after a batch that was given up elsewhere.
  await server.query(
    `INSERT INTO turso_sync_last_change_id (client_id, pull_gen, change_id) VALUES ('${replica.clientId}#fence', 0, 1)`,
  );
  expect(await requestsOfPush("fenced"), "it is refused, asks, and sends").toBe(3);
  expect(await requestsOfPush("last")).toBe(1);
  const before = server.requests;
  expect((await replica.push()).changes).toBe(0);
  expect(server.requests - before, "what has nothing to send looks after the remote").toBe(1);
  expect(await server.query("SELECT body FROM log")).toEqual(
    ["first", "second", "on another tape", "fenced", "last"].map((body) => [body]),
  );
});

test("a remote that has lost the table of positions is asked, and given what it does not have", async () => {
  const server = await RestartableServer.start();
  await server.query("CREATE TABLE log (body)");
  const replica = await replicaOf(server.url);
  const push = async (body: string): Promise<void> => {
    replica.db.prepare("INSERT INTO log VALUES (?)").run(body);
    expect((await replica.push()).changes).toBe(1);
  };
  await push("first");
  await replica.pull();
  await server.query("DROP TABLE turso_sync_last_change_id");
  await push("second");
  await push("third");
  expect(await server.query("SELECT body FROM log")).toEqual([["first"], ["second"], ["third"]]);
});
