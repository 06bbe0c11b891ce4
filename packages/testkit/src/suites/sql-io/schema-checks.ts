import { deepEqual, equal, match } from "node:assert/strict";
import type { SqlIo } from "@tributary/core";
import Database from "better-sqlite3";
import type { Check } from "../check.js";
import { runInOtherProcess } from "../other-process.js";
import type { SqlIoContext } from "./sql-io-context.js";
import { beginCapture, beginWrite, openCapturing, tapeTexts } from "./tape.js";

const OBJECTS =
  "SELECT type, name, tbl_name FROM sqlite_schema WHERE tbl_name NOT LIKE 'tributary\\_%' ESCAPE '\\' ORDER BY name";
const COLUMNS =
  "SELECT m.name, c.name, c.type, c.\"notnull\", c.pk FROM sqlite_schema AS m, pragma_table_xinfo(m.name) AS c WHERE m.type = 'table' AND m.name NOT LIKE 'tributary\\_%' ESCAPE '\\' ORDER BY m.name, c.cid";

const SCHEMA_CHANGES = [
  "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT NOT NULL DEFAULT 'd')",
  "CREATE TABLE IF NOT EXISTS a (other)",
  "CREATE INDEX a_x ON a (x)",
  "ALTER TABLE a ADD COLUMN y REAL",
  "ALTER TABLE a RENAME COLUMN x TO z",
  "CREATE VIEW v AS SELECT z FROM a",
  "CREATE TRIGGER tr AFTER INSERT ON a BEGIN UPDATE a SET y = 1 WHERE id = NEW.id; END",
  "CREATE TABLE gone (a); DROP TABLE gone",
  "DROP INDEX a_x",
  "ALTER TABLE b RENAME TO c",
  "PRAGMA user_version = 7",
];

/** Capture and changes of the schema. */
export const schemaChecks: readonly Check<SqlIoContext>[] = [
  {
    name: "capture: schema changes of the app's, as SQL that makes the same schema elsewhere",
    async run(context) {
      const schema = "CREATE TABLE b (id INTEGER PRIMARY KEY)";
      const sql = await openCapturing(context, schema);
      for (const change of SCHEMA_CHANGES) await context.execute(change);
      const elsewhere = new Database(":memory:");
      elsewhere.exec(schema);
      for (const text of await tapeTexts(sql)) {
        match(text, /^!/, "only schema changes are on the tape");
        elsewhere.exec(text.slice(1));
      }
      for (const query of [OBJECTS, COLUMNS, "PRAGMA user_version"]) {
        deepEqual(await sql.querySql("guard", query), elsewhere.prepare(query).safeIntegers().raw().all());
      }
      elsewhere.close();
    },
  },
  {
    name: "capture: changes of rows of a table that was just made or altered",
    async run(context) {
      const { execute } = context;
      const sql = await openCapturing(context, "");
      await execute("BEGIN; CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1); COMMIT");
      await execute("ALTER TABLE t ADD COLUMN a DEFAULT 'd'; INSERT INTO t VALUES (2, 'e')");
      await execute("BEGIN; ALTER TABLE t ADD COLUMN b; ROLLBACK; INSERT INTO t VALUES (3, 'f')");
      const rows = (await tapeTexts(sql)).filter((text) => !text.startsWith("!"));
      deepEqual(rows, ["+t[1]", "+t[2,'e']", "+t[3,'f']"]);
    },
  },
  {
    name: "refreshCapture makes capture fit a schema that changed underneath, and a tape made anew",
    async run(context) {
      const { execute } = context;
      const sql = await openCapturing(
        context,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE TABLE gone (x)",
      );
      await execute("INSERT INTO t VALUES (1, 'x'); INSERT INTO gone VALUES (1)");
      await pull(
        context,
        "ALTER TABLE t ADD COLUMN b DEFAULT 3; DROP TABLE gone; CREATE TABLE fresh (y PRIMARY KEY)",
      );
      await beginCapture(sql);
      await execute("INSERT INTO t (id, a) VALUES (2, 'y'); INSERT INTO fresh VALUES (5)");
      await beginWrite(sql);
      equal(await sql.runSql([{ sql: "UPDATE t SET b = 4 WHERE id = ?", params: [1n] }]), undefined);
      await sql.executeSql("writer", "COMMIT");
      deepEqual(await tapeTexts(sql), ["+t[2,'y',3]", "+fresh[5]", "~t[1,'x',3]>[1,'x',4]"]);
    },
  },
  {
    name: "refreshCapture writes nothing where nothing changed",
    async run(context) {
      const sql = await openCapturing(context, "CREATE TABLE t (a)");
      const frames = async (port: SqlIo): Promise<unknown> =>
        (await port.querySql("writer", "PRAGMA wal_checkpoint(PASSIVE)"))[0]?.[1];
      await context.execute("INSERT INTO t VALUES (1)");
      const before = await frames(sql);
      await sql.refreshCapture("app");
      equal(await frames(sql), before);
    },
  },
];

/** What a pull does from the connections' point of view: other pages, and no tape. */
async function pull(context: SqlIoContext, sql: string): Promise<void> {
  const drop = "DROP TABLE tributary_tape; DROP TABLE tributary_shape; DROP TABLE tributary_local";
  await (await runInOtherProcess(context.path, `${drop}; ${sql}`))();
}
