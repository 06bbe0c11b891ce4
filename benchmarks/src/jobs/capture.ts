import { openReplica } from "@tributary/replica";
import { connect } from "@tursodatabase/sync";
import Database from "better-sqlite3";
import { type Job, timed } from "./job.js";
import { CREATE_ITEMS, INSERT_ITEM, itemRows } from "./rows.js";

/** Who writes locally. */
export type Writer = "plain" | "tributary" | "turso";

const COMMITS = 200;

/** Local writes, without anything being synced: what it costs that they are captured. */
export const capture: Job<{ writer: Writer; path: string; rows: number }> = async ({ writer, path, rows }) =>
  writer === "turso" ? captureTurso(path, rows) : captureSqlite(writer, path, rows);

async function captureSqlite(
  writer: "plain" | "tributary",
  path: string,
  rows: number,
): Promise<Record<string, number>> {
  const replica =
    writer === "plain" ? undefined : await openReplica({ path, url: null, bootstrapIfEmpty: false });
  const db = replica?.db ?? new Database(path);
  if (writer === "plain") {
    db.pragma("journal_mode = WAL");
    // As a replica has it: what is committed is on the disk.
    db.pragma("synchronous = FULL");
  }
  db.exec(CREATE_ITEMS);
  const items = itemRows(1, rows);
  const insertOne = db.prepare(INSERT_ITEM);
  const insert = await timed(() =>
    db.transaction(() => {
      for (const item of items) insertOne.run(...item);
    })(),
  );
  const update = await timed(() => db.exec("UPDATE items SET amount = amount + 1"));
  const commits = await timed(() => {
    for (const item of itemRows(rows + 1, COMMITS)) insertOne.run(...item);
  });
  const remove = await timed(() => db.exec(`DELETE FROM items WHERE id <= ${rows}`));
  if (replica === undefined) db.close();
  else await replica.close();
  return figures(insert, update, remove, commits);
}

async function captureTurso(path: string, rows: number): Promise<Record<string, number>> {
  const db = await connect({ path, url: () => null });
  await db.exec(CREATE_ITEMS);
  const items = itemRows(1, rows);
  const insertOne = await db.prepare(INSERT_ITEM);
  const insert = await timed(async () => {
    await db.exec("BEGIN");
    for (const item of items) await insertOne.run(...item);
    await db.exec("COMMIT");
  });
  const update = await timed(() => db.exec("UPDATE items SET amount = amount + 1"));
  const commits = await timed(async () => {
    for (const item of itemRows(rows + 1, COMMITS)) await insertOne.run(...item);
  });
  const remove = await timed(() => db.exec(`DELETE FROM items WHERE id <= ${rows}`));
  await db.close();
  return figures(insert, update, remove, commits);
}

function figures(insert: number, update: number, remove: number, commits: number): Record<string, number> {
  return {
    "insert, ms": insert,
    "update, ms": update,
    "delete, ms": remove,
    "one commit, ms": commits / COMMITS,
  };
}
