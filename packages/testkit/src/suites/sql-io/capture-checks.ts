import { deepEqual } from "node:assert/strict";
import type { Check } from "../check.js";
import { expectFailure } from "../expect-failure.js";
import type { SqlIoContext } from "./sql-io-context.js";
import { openCapturing, readTape, tapeTexts } from "./tape.js";

/** What is there, what the app does, and what is on the tape then. */
interface Capture {
  readonly name: string;
  readonly schema: string;
  readonly app: readonly string[];
  readonly tape: readonly string[];
}

const KEYED = "CREATE TABLE t (id INTEGER PRIMARY KEY, a)";

const CAPTURES: readonly Capture[] = [
  {
    name: "inserts, updates and deletes of the app's, in order",
    schema: KEYED,
    app: [
      "INSERT INTO t VALUES (1, 'x'), (2, NULL)",
      "UPDATE t SET a = 1.0 WHERE id = 1",
      "DELETE FROM t WHERE id = 2",
    ],
    tape: ["+t[1,'x']", "+t[2,NULL]", "~t[1,'x']>[1,1.0]", "-t[2,NULL]"],
  },
  {
    name: "an update that changes the key",
    schema: `${KEYED}; INSERT INTO t VALUES (1, 'x')`,
    app: ["UPDATE t SET id = 5"],
    tape: ["~t[1,'x']>[5,'x']"],
  },
  {
    name: "rows that REPLACE removes",
    schema: "CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE); INSERT INTO t VALUES (1, 'x'), (2, 'y')",
    app: ["INSERT OR REPLACE INTO t VALUES (3, 'y')"],
    tape: ["-t[2,'y']", "+t[3,'y']"],
  },
  {
    name: "upserts, as what they did",
    schema: KEYED,
    app: [
      "INSERT INTO t VALUES (1, 'x')",
      "INSERT INTO t VALUES (1, 'y') ON CONFLICT (id) DO UPDATE SET a = 'z'",
    ],
    tape: ["+t[1,'x']", "~t[1,'x']>[1,'z']"],
  },
  {
    name: "tables without a primary key, with the rowid",
    schema: "CREATE TABLE t (a)",
    app: ["INSERT INTO t (rowid, a) VALUES (7, 'x')", "UPDATE t SET a = 'y'", "DELETE FROM t"],
    tape: ["+t[7,'x']", "~t[7,'x']>[7,'y']", "-t[7,'y']"],
  },
  {
    name: "tables WITHOUT ROWID and with keys of several columns",
    schema: "CREATE TABLE t (a TEXT, b INTEGER, c, PRIMARY KEY (b, a)) WITHOUT ROWID",
    app: ["INSERT INTO t VALUES ('x', 1, 2)", "UPDATE t SET c = 3", "DELETE FROM t"],
    tape: ["+t['x',1,2]", "~t['x',1,2]>['x',1,3]", "-t['x',1,3]"],
  },
  {
    name: "names that want quotes",
    schema: `CREATE TABLE "a ""b"" c" ("select" INTEGER PRIMARY KEY, "x y")`,
    app: [`INSERT INTO "a ""b"" c" VALUES (1, 'z')`],
    tape: [`+a "b" c[1,'z']`],
  },
  {
    name: "what cascades from a foreign key",
    schema:
      "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE); INSERT INTO p VALUES (1); INSERT INTO c VALUES (10, 1)",
    app: ["PRAGMA foreign_keys = ON", "DELETE FROM p"],
    tape: ["-c[10,1]", "-p[1]"],
  },
  {
    name: "not what the schema's triggers do: they do it again where the change lands",
    schema: `${KEYED}; CREATE TABLE log (m); CREATE TRIGGER w AFTER INSERT ON t BEGIN INSERT INTO log VALUES (NEW.a); END`,
    app: ["INSERT INTO t VALUES (1, 'x')", "DELETE FROM log"],
    tape: ["+t[1,'x']", "-log[1,'x']"],
  },
];

/** Capture on the app's connection. */
export const captureChecks: readonly Check<SqlIoContext>[] = [
  ...CAPTURES.map(({ name, schema, app, tape }) => ({
    name: `capture: ${name}`,
    async run(context: SqlIoContext) {
      const sql = await openCapturing(context, schema);
      for (const statement of app) await context.execute(statement);
      deepEqual(await tapeTexts(sql), tape);
    },
  })),
  {
    name: "capture: nothing of what is rolled back, or fails",
    async run(context) {
      const { execute } = context;
      const sql = await openCapturing(context, "CREATE TABLE t (id INTEGER PRIMARY KEY, a NOT NULL)");
      await execute("BEGIN; INSERT INTO t VALUES (1, 'x'); ROLLBACK");
      await execute(
        "BEGIN; INSERT INTO t VALUES (2, 'x'); SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; RELEASE s; COMMIT",
      );
      await expectFailure(
        () => execute("INSERT INTO t VALUES (3, 'x'), (4, NULL)"),
        "a NULL that may not be",
      );
      deepEqual(await tapeTexts(sql), ["+t[2,'x']"]);
    },
  },
  {
    name: "capture: the writer's and the app's changes on one tape, with ids that ascend",
    async run(context) {
      const sql = await openCapturing(context, KEYED);
      await context.execute("INSERT INTO t VALUES (1, 'app')");
      await sql.executeSql("writer", "INSERT INTO t VALUES (2, 'writer')");
      await context.execute("INSERT INTO t VALUES (3, 'app')");
      const tape = await readTape(sql);
      deepEqual(
        tape.map(({ text }) => text),
        ["+t[1,'app']", "+t[2,'writer']", "+t[3,'app']"],
      );
      deepEqual([...new Set(tape.map(({ id }) => id))].length, 3);
    },
  },
];
