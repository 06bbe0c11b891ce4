import { type ClientKind, openClient } from "../peers/client.js";
import { startCountingProxy } from "../peers/counting-proxy.js";
import { insertStatements, runRemoteSql } from "../peers/run-remote-sql.js";
import type { Job } from "./job.js";
import { CREATE_ITEMS, INSERT_ITEM, itemRows } from "./rows.js";

/** What a pushed row and a pulled row take on the wire, headers of HTTP included. */
export const wireBytes: Job<{ client: ClientKind; path: string; url: string; rows: number }> = async ({
  client: kind,
  path,
  url,
  rows,
}) => {
  await runRemoteSql(url, [CREATE_ITEMS, ...insertStatements(1, 1_000)]);
  const proxy = await startCountingProxy(url);
  const client = await openClient(kind, path, proxy.url);
  await client.pull();
  await client.insert(INSERT_ITEM, itemRows(1_000_000, rows));
  const beforePush = proxy.sent + proxy.received;
  await client.push();
  const afterPush = proxy.sent + proxy.received;
  // What was pushed comes back as pages: that is not counted.
  await client.pull();
  const beforePull = proxy.sent + proxy.received;
  // Behind what was pushed: pages that are full of others' rows.
  await runRemoteSql(url, insertStatements(2_000_000, rows));
  await client.pull();
  const afterPull = proxy.sent + proxy.received;
  await client.close();
  proxy.close();
  return {
    "pushed row, bytes": (afterPush - beforePush) / rows,
    "pulled row, bytes": (afterPull - beforePull) / rows,
  };
};
