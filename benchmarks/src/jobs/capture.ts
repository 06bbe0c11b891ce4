import { quantile } from "../measure/statistics.js";
import { type Job, timed } from "./job.js";
import { openPlain } from "./open-plain.js";
import { CREATE_ITEMS, INSERT_ITEM, itemRows } from "./rows.js";

/** Who writes locally: `wasm` is SQLite as it is in cr-sqlite's build, with a table that it does not capture. */
export type Writer = "plain" | "tributary" | "turso" | "wasm" | "cr-sqlite";

/** A database that is written to as its makers say. */
interface Writing {
  exec(sql: string): unknown;
  /** One statement for each row, in one transaction. */
  insertAll(sql: string, rows: readonly (readonly [number, string, number])[]): unknown;
  /** Runs the insert of one row, which is a transaction by itself. */
  insertOne(row: readonly [number, string, number]): unknown;
  close(): unknown;
}

/** Local writes, without anything being synced: what it costs that they are captured. */
export const capture: Job<{ writer: Writer; path: string; rows: number }> = async ({
  writer,
  path,
  rows,
}) => {
  const db = await OPEN[writer](path);
  const items = itemRows(1, rows);
  const insert = await timed(() => db.insertAll(INSERT_ITEM, items));
  const update = await timed(() => db.exec("UPDATE items SET amount = amount + 1"));
  const remove = await timed(() => db.exec(`DELETE FROM items WHERE id <= ${rows}`));
  await db.close();
  return {
    "insert, ms": insert,
    "update, ms": update,
    "delete, ms": remove,
  };
};

/** Transactions of one row each. */
export const commit: Job<{ writer: Writer; path: string; times: number }> = async ({
  writer,
  path,
  times,
}) => {
  const db = await OPEN[writer](path);
  const taken: number[] = [];
  for (const item of itemRows(1, times)) taken.push(await timed(() => db.insertOne(item)));
  await db.close();
  return { "p50, ms": quantile(taken, 0.5) };
};

const OPEN: Readonly<Record<Writer, (path: string) => Promise<Writing>>> = {
  plain: async (path) => {
    const db = openPlain(path);
    return sqliteWriting(db, () => db.close());
  },
  tributary: async (path) => {
    const { openReplica } = await import("@tributary/replica");
    const replica = await openReplica({ path, url: null, bootstrapIfEmpty: false });
    return sqliteWriting(replica.db, () => replica.close());
  },
  turso: openTurso,
  wasm: (path) => openInWasm(path, false),
  "cr-sqlite": (path) => openInWasm(path, true),
};

function sqliteWriting(db: ReturnType<typeof openPlain>, close: () => unknown): Writing {
  db.exec(CREATE_ITEMS);
  const one = db.prepare(INSERT_ITEM);
  return {
    exec: (sql) => db.exec(sql),
    insertAll: (sql, rows) => {
      const statement = db.prepare(sql);
      db.transaction(() => {
        for (const row of rows) statement.run(...row);
      })();
    },
    insertOne: (row) => one.run(...row),
    close,
  };
}

async function openTurso(path: string): Promise<Writing> {
  const { connect } = await import("@tursodatabase/sync");
  const db = await connect({ path, url: () => null });
  await db.exec(CREATE_ITEMS);
  const one = await db.prepare(INSERT_ITEM);
  return {
    exec: (sql) => db.exec(sql),
    async insertAll(sql, rows) {
      const statement = await db.prepare(sql);
      await db.exec("BEGIN");
      for (const row of rows) await statement.run(...row);
      await db.exec("COMMIT");
    },
    insertOne: (row) => one.run(...row),
    close: () => db.close(),
  };
}

async function openInWasm(path: string, isCaptured: boolean): Promise<Writing> {
  const { openWasm } = await import("../peers/open-wasm.js");
  const db = await openWasm(path);
  // cr-sqlite takes only tables whose key cannot be null.
  await db.exec("CREATE TABLE items(id INTEGER PRIMARY KEY NOT NULL, name TEXT, amount INTEGER)");
  if (isCaptured) await db.exec("SELECT crsql_as_crr('items')");
  const insertOne = await db.prepare(INSERT_ITEM);
  return {
    exec: (sql) => db.exec(sql),
    async insertAll(_, rows) {
      await db.exec("BEGIN");
      for (const row of rows) await insertOne(row);
      await db.exec("COMMIT");
    },
    insertOne,
    close: () => db.close(),
  };
}
