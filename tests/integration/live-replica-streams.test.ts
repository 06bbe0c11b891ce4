import { join } from "node:path";
import type { TableChanges } from "@tributary/replica";
import { openCapturedDatabase } from "@tributary/streams";
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

test("without the option it has none, and says how to get them", async () => {
  const replica = await replicaOf(null, { bootstrapIfEmpty: false });
  expect(() => replica.streams).toThrow(
    expect.objectContaining({ code: "invalid-state", message: expect.stringContaining("`streams`") }),
  );
});
