import { quantile } from "../measure/statistics.js";
import { type ClientKind, openClient } from "../peers/client.js";
import { type Job, timed } from "./job.js";
import { CREATE_ITEMS, INSERT_ITEM, itemRows } from "./rows.js";

/** Commits one row and pushes it, again and again: how long the pushes take. */
export const pushOne: Job<{ client: ClientKind; path: string; url: string; times: number }> = async ({
  client: kind,
  path,
  url,
  times,
}) => {
  const client = await openClient(kind, path, url);
  await client.exec(CREATE_ITEMS);
  await client.push();
  const taken: number[] = [];
  for (const row of itemRows(1, times + 20)) {
    await client.insert(INSERT_ITEM, [row]);
    taken.push(await timed(() => client.push()));
  }
  await client.close();
  const warm = taken.slice(20);
  return { "p50, ms": quantile(warm, 0.5), "p99, ms": quantile(warm, 0.99) };
};
