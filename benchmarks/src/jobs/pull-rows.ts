import { type ClientKind, openClient } from "../peers/client.js";
import { insertStatements, runRemoteSql } from "../peers/run-remote-sql.js";
import { firstAndLater } from "./first-and-later.js";
import { type Job, timed } from "./job.js";
import { CREATE_ITEMS, INSERT_ITEM, itemRows } from "./rows.js";

const LOCAL_CHANGES = 1_000;

/**
 * Pulls many rows that others inserted, into a replica that has changes of its own: once, and then again and again in the
 * same process, which is warm by then.
 */
export const pullRows: Job<{
  client: ClientKind;
  path: string;
  url: string;
  rows: number;
  times?: number;
}> = async ({ client: kind, path, url, rows, times = 4 }) => {
  await runRemoteSql(url, [CREATE_ITEMS, ...insertStatements(1, 1_000)]);
  const client = await openClient(kind, path, url);
  await client.pull();
  await client.insert(INSERT_ITEM, itemRows(100_000_000, LOCAL_CHANGES));
  const taken: number[] = [];
  for (let time = 0; time < times; time++) {
    await runRemoteSql(url, insertStatements(10_000 + time * rows, rows));
    taken.push(await timed(() => client.pull()));
  }
  const count = Number(await client.value("SELECT count(*) FROM items"));
  if (count !== 1_000 + times * rows + LOCAL_CHANGES) throw new Error(`${count} rows are there`);
  await client.close();
  const { first, later } = firstAndLater(taken);
  return { "pull, ms": later, "first pull, ms": first, "rows/s": (rows / later) * 1000 };
};
