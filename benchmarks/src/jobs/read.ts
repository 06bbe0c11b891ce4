import { openReplica } from "@tributary/replica";
import { quantile } from "../measure/statistics.js";
import { type Job, timed } from "./job.js";
import { openPlain } from "./open-plain.js";
import { CREATE_ITEMS, INSERT_ITEM, itemRows } from "./rows.js";

/** So often is everything read; the first times warm up. */
const TIMES = 7;
const WARM_UPS = 2;

/** Reads through a replica's connection, or through plain better-sqlite3. */
export const read: Job<{ writer: "plain" | "tributary"; path: string; rows: number }> = async ({
  writer,
  path,
  rows,
}) => {
  const replica =
    writer === "plain" ? undefined : await openReplica({ path, url: null, bootstrapIfEmpty: false });
  const db = replica?.db ?? openPlain(path);
  db.exec(CREATE_ITEMS);
  const insert = db.prepare(INSERT_ITEM);
  db.transaction(() => {
    for (const item of itemRows(1, rows)) insert.run(...item);
  })();
  const one = db.prepare("SELECT name, amount FROM items WHERE id = ?");
  const all = db.prepare("SELECT id, name, amount FROM items");
  const points: number[] = [];
  const scans: number[] = [];
  for (let time = 0; time < TIMES; time++) {
    points.push(
      await timed(() => {
        for (let id = 1; id <= rows; id++) one.get(id);
      }),
    );
    scans.push(await timed(() => all.all()));
  }
  if (replica === undefined) db.close();
  else await replica.close();
  return {
    "row by key, µs": (quantile(points.slice(WARM_UPS), 0.5) / rows) * 1000,
    "all rows, ms": quantile(scans.slice(WARM_UPS), 0.5),
  };
};
