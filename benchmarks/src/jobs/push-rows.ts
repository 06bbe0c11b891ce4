import { type ClientKind, openClient } from "../peers/client.js";
import { firstAndLater } from "./first-and-later.js";
import { type Job, timed } from "./job.js";
import { CREATE_ITEMS, INSERT_ITEM, itemRows } from "./rows.js";

/**
 * Pushes many rows that one local transaction inserted: once, and then other ones again and again in the same process, whose
 * code and whose server's is warm by then.
 */
export const pushRows: Job<{
  client: ClientKind;
  path: string;
  url: string;
  rows: number;
  times?: number;
}> = async ({ client: kind, path, url, rows, times = 1 }) => {
  const client = await openClient(kind, path, url);
  await client.exec(CREATE_ITEMS);
  await client.push();
  const inserts: number[] = [];
  const pushes: number[] = [];
  for (let time = 0; time < times; time++) {
    const items = itemRows(1 + time * rows, rows);
    inserts.push(await timed(() => client.insert(INSERT_ITEM, items)));
    pushes.push(await timed(() => client.push()));
  }
  await client.close();
  const push = firstAndLater(pushes);
  return {
    "insert, ms": firstAndLater(inserts).later,
    "push, ms": push.later,
    "first push, ms": push.first,
    "rows/s": (rows / push.later) * 1000,
  };
};
