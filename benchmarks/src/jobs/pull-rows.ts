import { type ClientKind, openClient } from "../peers/client.js";
import { insertStatements, runRemoteSql } from "../peers/run-remote-sql.js";
import { type Job, timed } from "./job.js";
import { CREATE_ITEMS, INSERT_ITEM, itemRows } from "./rows.js";

const LOCAL_CHANGES = 1_000;

/** Pulls many rows that others inserted, into a replica that has changes of its own. */
export const pullRows: Job<{ client: ClientKind; path: string; url: string; rows: number }> = async ({
  client: kind,
  path,
  url,
  rows,
}) => {
  await runRemoteSql(url, [CREATE_ITEMS, ...insertStatements(1, 1_000)]);
  const client = await openClient(kind, path, url);
  await client.pull();
  await client.insert(INSERT_ITEM, itemRows(10_000_000, LOCAL_CHANGES));
  await runRemoteSql(url, insertStatements(10_000, rows));
  const pull = await timed(() => client.pull());
  const count = Number(await client.value("SELECT count(*) FROM items"));
  if (count !== 1_000 + rows + LOCAL_CHANGES) throw new Error(`${count} rows are there`);
  await client.close();
  return { "pull, ms": pull, "rows/s": (rows / pull) * 1000 };
};
