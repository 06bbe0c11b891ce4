import { once } from "node:events";
import { openReplica } from "@tributary/replica";
import { quantile } from "../measure/statistics.js";
import type { Job } from "./job.js";
import { CREATE_ITEMS, INSERT_ITEM, itemRows } from "./rows.js";

/** Commits on one live replica, and waits until each is seen on another one, over WebSocket. */
export const liveLatency: Job<{ directory: string; url: string; times: number }> = async ({
  directory,
  url,
  times,
}) => {
  const one = await openReplica({ path: `${directory}/a.db`, url, live: true });
  const other = await openReplica({ path: `${directory}/b.db`, url, live: true });
  one.db.exec(CREATE_ITEMS);
  const arrived = new EventTarget();
  other.onChange(() => arrived.dispatchEvent(new Event("change")));
  const has = (id: number): boolean => {
    try {
      return other.db.prepare("SELECT 1 FROM items WHERE id = ?").get(id) !== undefined;
    } catch {
      // The table has not come yet.
      return false;
    }
  };
  const insert = one.db.prepare(INSERT_ITEM);
  const taken: number[] = [];
  for (const row of itemRows(1, times + 20)) {
    const start = performance.now();
    insert.run(...row);
    while (!has(row[0])) await once(arrived, "change");
    taken.push(performance.now() - start);
  }
  await one.close();
  await other.close();
  const warm = taken.slice(20);
  return { "p50, ms": quantile(warm, 0.5), "p99, ms": quantile(warm, 0.99) };
};
