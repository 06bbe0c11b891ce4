import { firstAndLater } from "./first-and-later.js";
import { type Job, timed } from "./job.js";
import { openPlain } from "./open-plain.js";
import { CREATE_ITEMS, INSERT_ITEM, itemRows } from "./rows.js";

/** Plain better-sqlite3: the same rows in transactions of as many, without anybody who captures them. */
export const localInsert: Job<{ path: string; rows: number; times?: number }> = async ({
  path,
  rows,
  times = 1,
}) => {
  const db = openPlain(path);
  db.exec(CREATE_ITEMS);
  const statement = db.prepare(INSERT_ITEM);
  const inserts: number[] = [];
  for (let time = 0; time < times; time++) {
    const items = itemRows(1 + time * rows, rows);
    inserts.push(
      await timed(() =>
        db.transaction(() => {
          for (const item of items) statement.run(...item);
        })(),
      ),
    );
  }
  db.close();
  const { first, later } = firstAndLater(inserts);
  return {
    "insert, ms": later,
    "push, ms": later,
    "first push, ms": first,
    "rows/s": (rows / later) * 1000,
  };
};
