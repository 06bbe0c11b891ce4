// An embedded replica of libSQL, told by messages what to do: calls of `libsql` block the event loop until the server has
// answered, so that it cannot live in the process of the server. Each message is a call on the database, or on the client.
import { createClient } from "@libsql/client";
import Database from "libsql";

let database;
let client;
let transaction;
let turso;

const CALLS = {
  open: (path, options) => {
    database?.close();
    database = new Database(path, options);
    database.defaultSafeIntegers(true);
  },
  sync: () => database.sync(),
  syncUntil: (frame) => database.syncUntil(frame),
  exec: (sql) => database.exec(sql),
  run: (sql, ...args) => database.prepare(sql).run(...args),
  all: (sql, ...args) =>
    database
      .prepare(sql)
      .raw(true)
      .all(...args),
  objects: (sql, ...args) => database.prepare(sql).all(...args),
  inTransaction: () => database.inTransaction,
  maxWriteReplicationIndex: () => database.maxWriteReplicationIndex(),
  close: () => {
    database.close();
    database = undefined;
  },
  createClient: (options) => {
    client = createClient({ intMode: "bigint", ...options });
  },
  clientSync: () => client.sync(),
  execute: async (statement) => plain(await client.execute(statement)),
  batch: async (statements, mode) => (await client.batch(statements, mode)).map(plain),
  executeMultiple: (sql) => client.executeMultiple(sql),
  begin: async (mode) => {
    transaction = await client.transaction(mode);
  },
  inTransactionExecute: async (statement) => plain(await transaction.execute(statement)),
  commit: () => transaction.commit(),
  rollback: () => transaction.rollback(),
  closeClient: () => client.close(),
  // A client of Turso, which is another program on the same database.
  openTurso: async (path, url) => {
    const { connect } = await import("@tursodatabase/sync");
    turso = await connect({ path, url, clientName: "turso" });
  },
  tursoExec: (sql) => turso.exec(sql),
  tursoAll: async (sql) => await (await turso.prepare(sql)).all(),
  tursoPush: () => turso.push(),
  tursoPull: () => turso.pull(),
};

process.on("message", async ({ id, name, args }) => {
  try {
    process.send({ id, result: await CALLS[name](...args) });
  } catch (error) {
    process.send({ id, error: { message: String(error.message), code: error.code, rawCode: error.rawCode } });
  }
});

/** A result without what cannot be sent. */
function plain({ columns, columnTypes, rows, rowsAffected, lastInsertRowid }) {
  return { columns, columnTypes, rows: rows.map((row) => Array.from(row)), rowsAffected, lastInsertRowid };
}
