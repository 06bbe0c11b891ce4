import { join } from "node:path";
import { linkStreams } from "@tributary/live";
import type { TableChanges } from "@tributary/replica";
import { openCapturedDatabase, type SyncError } from "@tributary/streams";
import { createMemoryChannels } from "@tributary/transports";
import { expect, onTestFinished, test } from "vitest";
import { replicaOf } from "../support/replicas.js";
import { RestartableServer } from "../support/restartable-server.js";
import { untilLive, untilStatus } from "../support/status.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

test("a live replica has change streams: what they bring is told, and pushed like local changes", async () => {
  const server = await RestartableServer.start();
  await server.query("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)");
  const replica = await replicaOf(server.url, { live: true, streams: {} });
  await untilLive(replica);
  const told: TableChanges[] = [];
  replica.onChange((changes) => void told.push(changes));
  const other = openCapturedDatabase({ path: join(temporaryDirectory(), "other.db") });
  onTestFinished(() => other.close());
  other.db.exec(
    "CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT); INSERT INTO t VALUES (1, 'from elsewhere')",
  );
  const outbound = other.createOutboundStream();
  const inbound = replica.streams.createInboundStream({ from: other.site });
  for (let sent = outbound.next(); sent !== undefined; sent = outbound.next()) {
    inbound.apply(sent.payload);
    sent.ack();
  }
  await untilStatus(replica, ({ committed, acknowledged }) => committed > 0 && committed === acknowledged);
  expect(told[0]).toEqual({ source: "stream", tables: ["t"] });
  expect(await server.query("SELECT body FROM t")).toEqual([["from elsewhere"]]);
  const out = replica.streams.createOutboundStream();
  replica.db.exec("INSERT INTO t VALUES (2, 'own')");
  const back = other.createInboundStream({ from: replica.streams.site });
  for (let sent = out.next(); sent !== undefined; sent = out.next()) back.apply(sent.payload);
  expect(other.db.prepare("SELECT id FROM t ORDER BY id").pluck().all()).toEqual([1, 2]);
  expect(replica.db.prepare("SELECT count(*) > 0 FROM tributary_changes(0)").pluck().get()).toBe(1);
  await replica.close();
  expect(() => replica.streams.createOutboundStream()).toThrow(
    expect.objectContaining({ code: "invalid-state" }),
  );
});

test("a link goes on while the replica pulls and pushes, and ends when the replica is closed", async () => {
  const server = await RestartableServer.start();
  await server.query("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)");
  const replica = await replicaOf(server.url, { live: true, streams: {} });
  const other = openCapturedDatabase({ path: join(temporaryDirectory(), "other.db"), name: "other" });
  onTestFinished(() => other.close());
  const [left, right] = createMemoryChannels();
  const ends: (string | undefined)[] = [];
  const onEnd = (error: Error | undefined): void => void ends.push((error as SyncError | undefined)?.code);
  const link = linkStreams(left, { streams: replica.streams, onClose: onEnd });
  const back = linkStreams(right, { streams: other, onClose: onEnd });
  await link.flush();
  for (let id = 0; id < 20; id++) {
    other.db.exec(`INSERT INTO t VALUES (${id}, 'other')`);
    replica.db.exec(`INSERT INTO t VALUES (${100 + id}, 'replica')`);
    if (id % 5 === 0) await server.query(`INSERT INTO t VALUES (${200 + id}, 'remote')`);
  }
  await Promise.all([link.flush(), back.flush()]);
  await untilStatus(replica, ({ committed, acknowledged }) => committed === acknowledged);
  await replica.pull();
  expect(await server.query("SELECT body, count(*) FROM t GROUP BY body ORDER BY body")).toEqual([
    ["other", "20"],
    ["remote", "4"],
    ["replica", "20"],
  ]);
  expect(other.db.prepare("SELECT count(*) FROM t").pluck().get()).toBe(40);
  await replica.close();
  await untilStatus(replica, ({ state }) => state === "closed");
  await new Promise((resolve) => setImmediate(resolve));
  expect(ends.sort()).toEqual(["invalid-state", undefined]);
});

test("without the option it has none, and says how to get them", async () => {
  const replica = await replicaOf(null, { bootstrapIfEmpty: false });
  expect(() => replica.streams).toThrow(
    expect.objectContaining({ code: "invalid-state", message: expect.stringContaining("`streams`") }),
  );
});
