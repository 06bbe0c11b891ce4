// A device with libSQL's own clients on it, in a process of its own: their calls hold the event loop. Takes commands over
// IPC, `{ id, name, args }`, one after the other, and answers `{ id, value }` or `{ id, error }`. Values are sent by
// structured clone, so that bytes and bigints stay what they are.
import { createClient } from "@libsql/client";
import Database from "libsql";

// A single argument that is null or bytes would be taken for named ones: arguments are given as an array.
let db;
let client;

const commands = {
  /** `libsql`: a file and the options of the client. */
  open: (path, options) => {
    db = new Database(path, options);
    db.defaultSafeIntegers(true);
  },
  exec: (sql) => void db.exec(sql),
  run: (sql, args) => void db.prepare(sql).run(args),
  /** One transaction of one statement, run with many rows of arguments. */
  runAll: (sql, rows) => {
    const statement = db.prepare(sql);
    db.exec("BEGIN");
    for (const row of rows) statement.run(row);
    db.exec("COMMIT");
  },
  /** One transaction of many statements. */
  transact: (statements) => {
    db.exec("BEGIN");
    for (const { sql, args } of statements) db.prepare(sql).run(args);
    db.exec("COMMIT");
  },
  query: (sql, args) => db.prepare(sql).raw().all(args),
  /** Every table of the app and its rows, as `contentsByName` of libsql-offline-contents.ts gives them. */
  contents: () => {
    const all = (sql) => db.prepare(sql).raw().all();
    const tables =
      all(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
      AND name NOT LIKE 'tributary!_%' ESCAPE '!' AND name <> 'turso_sync_last_change_id' ORDER BY name`);
    return Object.fromEntries(
      tables.map(([table]) => {
        const columns = all(`SELECT name FROM pragma_table_info('${table}') ORDER BY name`).flat();
        const texts = columns.map((name) => `'${name}=' || quote("${name}")`).join(` || ' ' || `);
        return [table, all(`SELECT ${texts} FROM "${table}"`).flat().sort()];
      }),
    );
  },
  sync: () => db.sync(),
  close: () => db.close(),

  /** `@libsql/client`. */
  openClient: (options) => {
    client = createClient({ ...options, intMode: "bigint" });
  },
  execute: async (statement) => {
    const { rows, columns } = await client.execute(statement);
    return rows.map((row) => columns.map((_, index) => row[index]));
  },
  batch: async (statements, mode) => void (await client.batch(statements, mode)),
  transactWithClient: async (statements, ending) => {
    const transaction = await client.transaction("write");
    for (const statement of statements) await transaction.execute(statement);
    await transaction[ending]();
  },
  syncClient: async () => (await client.sync())?.frames_synced,
  closeClient: () => client.close(),
};

process.on("message", async ({ id, name, args }) => {
  try {
    process.send({ id, value: await commands[name](...args) });
  } catch (error) {
    process.send({ id, error: String(error?.message ?? error) });
  }
});
process.on("disconnect", () => process.exit(0));
process.send("ready");
