import { quantile } from "../measure/statistics.js";
import { type ClientKind, openClient } from "../peers/client.js";
import { type Job, timed } from "./job.js";
import { CREATE_ITEMS, INSERT_ITEM, itemRows } from "./rows.js";

const WARM_UPS = 5;

/**
 * Pushes single rows from a replica that has pushed many others before, and not pulled since: until it does, they are part of
 * what it keeps of its own changes.
 */
export const tapePush: Job<{
  client: ClientKind;
  path: string;
  url: string;
  rows: number;
  times: number;
}> = async ({ client: kind, path, url, rows, times }) => {
  const client = await openClient(kind, path, url);
  await client.exec(CREATE_ITEMS);
  await client.insert(INSERT_ITEM, itemRows(1, rows));
  await client.push();
  const taken: number[] = [];
  for (const row of itemRows(rows + 1, times + WARM_UPS)) {
    await client.insert(INSERT_ITEM, [row]);
    taken.push(await timed(() => client.push()));
  }
  await client.close();
  return { "push, p50, ms": quantile(taken.slice(WARM_UPS), 0.5) };
};
