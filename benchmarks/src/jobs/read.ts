import { openReplica } from "@tributary/replica";
import Database from "better-sqlite3";
import { type Job, timed } from "./job.js";
import { CREATE_ITEMS, INSERT_ITEM, itemRows } from "./rows.js";

/** Reads through a replica's connection, or through plain better-sqlite3. */
export const read: Job<{ writer: "plain" | "tributary"; path: string; rows: number }> = async ({
  writer,
  path,
  rows,
}) => {
  const replica =
    writer === "plain" ? undefined : await openReplica({ path, url: null, bootstrapIfEmpty: false });
  const db = replica?.db ?? new Database(path);
  db.pragma("journal_mode = WAL");
  db.exec(CREATE_ITEMS);
  const insert = db.prepare(INSERT_ITEM);
  db.transaction(() => {
    for (const item of itemRows(1, rows)) insert.run(...item);
  })();
  const one = db.prepare("SELECT name, amount FROM items WHERE id = ?");
  const all = db.prepare("SELECT id, name, amount FROM items");
  const look = (): void => {
    for (let id = 1; id <= rows; id++) one.get(id);
  };
  // Warm, then measured.
  look();
  all.all();
  const points = await timed(look);
  const scan = await timed(() => {
    for (let time = 0; time < 5; time++) all.all();
  });
  if (replica === undefined) db.close();
  else await replica.close();
  return { "rows by key, µs": (points / rows) * 1000, "all rows, ms": scan / 5 };
};
