import { type ClientKind, openClient } from "../peers/client.js";
import { type Job, timed } from "./job.js";
import { CREATE_ITEMS, INSERT_ITEM, itemRows } from "./rows.js";

/** Pushes many rows that one local transaction inserted. */
export const pushRows: Job<{ client: ClientKind; path: string; url: string; rows: number }> = async ({
  client: kind,
  path,
  url,
  rows,
}) => {
  const client = await openClient(kind, path, url);
  await client.exec(CREATE_ITEMS);
  await client.push();
  const items = itemRows(1, rows);
  const insert = await timed(() => client.insert(INSERT_ITEM, items));
  const push = await timed(() => client.push());
  await client.close();
  return { "insert, ms": insert, "push, ms": push, "rows/s": (rows / push) * 1000 };
};
