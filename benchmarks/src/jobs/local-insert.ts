import { type Job, timed } from "./job.js";
import { openPlain } from "./open-plain.js";
import { CREATE_ITEMS, INSERT_ITEM, itemRows } from "./rows.js";

/** Plain better-sqlite3: the same rows in one transaction, without anybody who captures them. */
export const localInsert: Job<{ path: string; rows: number }> = async ({ path, rows }) => {
  const db = openPlain(path);
  db.exec(CREATE_ITEMS);
  const items = itemRows(1, rows);
  const statement = db.prepare(INSERT_ITEM);
  const insert = await timed(() =>
    db.transaction(() => {
      for (const item of items) statement.run(...item);
    })(),
  );
  db.close();
  return { "insert, ms": insert, "push, ms": insert, "rows/s": (rows / insert) * 1000 };
};
