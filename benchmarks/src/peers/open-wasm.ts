import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Factory, SQLITE_OPEN_CREATE, SQLITE_OPEN_READWRITE } from "@vlcn.io/wa-sqlite";
import createModule from "@vlcn.io/wa-sqlite/dist/crsqlite-sync.mjs";
import { NodeVfs } from "./node-vfs.js";

/** A database in cr-sqlite's build of SQLite in wasm. */
export interface WasmDatabase {
  exec(sql: string): Promise<void>;
  /** Runs the statement with these values. */
  prepare(sql: string): Promise<(values: readonly (number | string)[]) => Promise<void>>;
  close(): Promise<void>;
}

/**
 * Opens a file with the pragmas of a replica: a write-ahead log, of which each commit is synced, and a cache as large as that of
 * better-sqlite3. The log's index is in memory, which SQLite allows to the only connection.
 */
export async function openWasm(path: string): Promise<WasmDatabase> {
  const wasm = createRequire(import.meta.url).resolve("@vlcn.io/wa-sqlite/dist/crsqlite-sync.wasm");
  const sqlite = Factory(await createModule({ wasmBinary: readFileSync(wasm) }));
  sqlite.vfs_register(new NodeVfs(`${path}-temporary`), false);
  const db = await sqlite.open_v2(path, SQLITE_OPEN_CREATE | SQLITE_OPEN_READWRITE, "node");
  await sqlite.exec(
    db,
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16000",
  );
  const ends: (() => Promise<unknown>)[] = [];
  return {
    exec: async (sql) => void (await sqlite.exec(db, sql)),
    async prepare(sql) {
      const text = sqlite.str_new(db, sql);
      const prepared = await sqlite.prepare_v2(db, sqlite.str_value(text));
      if (prepared === null) throw new Error(`not a statement: ${sql}`);
      const { stmt } = prepared;
      ends.push(() => sqlite.finalize(stmt));
      return async (values) => {
        sqlite.bind_collection(stmt, [...values]);
        await sqlite.step(stmt);
        await sqlite.reset(stmt);
      };
    },
    async close() {
      for (const end of ends) await end();
      await sqlite.exec(db, "SELECT crsql_finalize()");
      await sqlite.close(db);
    },
  };
}
