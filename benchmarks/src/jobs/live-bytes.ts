import { once } from "node:events";
import { openReplica, type Replica } from "@tributary/replica";
import { startCountingProxy } from "../peers/counting-proxy.js";
import { insertStatements, runRemoteSql } from "../peers/run-remote-sql.js";
import type { Job } from "./job.js";
import { CREATE_ITEMS, INSERT_ITEM, itemRows } from "./rows.js";

/** What a row takes on the WebSocket of a live replica, frames and all. */
export const liveBytes: Job<{ path: string; url: string; rows: number }> = async ({ path, url, rows }) => {
  await runRemoteSql(url, [CREATE_ITEMS, ...insertStatements(1, 1_000)]);
  const proxy = await startCountingProxy(url);
  const replica = await openReplica({ path, url: proxy.url, live: true });
  await until(replica, () => count(replica) === 1_000);
  const beforePush = proxy.sent + proxy.received;
  const insert = replica.db.prepare(INSERT_ITEM);
  replica.db.transaction(() => {
    for (const row of itemRows(1_000_000, rows)) insert.run(...row);
  })();
  await replica.push();
  const afterPush = proxy.sent + proxy.received;
  // What was pushed comes back as pages: that is not counted.
  await replica.pull();
  const beforePull = proxy.sent + proxy.received;
  await runRemoteSql(url, insertStatements(2_000_000, rows));
  await until(replica, () => count(replica) === 1_000 + 2 * rows);
  const afterPull = proxy.sent + proxy.received;
  await replica.close();
  proxy.close();
  return {
    "pushed row, bytes": (afterPush - beforePush) / rows,
    "pulled row, bytes": (afterPull - beforePull) / rows,
  };
};

function count(replica: Replica): unknown {
  return replica.db.prepare("SELECT count(*) FROM items").pluck().get();
}

async function until(replica: Replica, holds: () => boolean): Promise<void> {
  const changes = new EventTarget();
  const end = replica.onChange(() => changes.dispatchEvent(new Event("change")));
  while (!holds()) await once(changes, "change");
  end();
}
