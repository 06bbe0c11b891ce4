import { existsSync } from "node:fs";
import { join } from "node:path";
import { ImageDamage } from "@tributary/core";
import { expect, test } from "vitest";
import { tempDirectory } from "../support/temp-directory.js";
import { MergeSite } from "./merge-site.js";

// Frames come from anybody: what a schema says in them is run on the database, which is one of many on its server.

/** Puts a row into the schema that SQLite would not write. */
function smuggle(type: string, name: string, sql: string): string {
  const table = type === "view" || type === "table" ? name : "t";
  const quoted = [type, name, table, sql].map((text) => `'${text.replaceAll("'", "''")}'`);
  return `PRAGMA writable_schema = ON; INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql)
    VALUES (${quoted[0]}, ${quoted[1]}, ${quoted[2]}, 0, ${quoted[3]}); INSERT INTO t VALUES ('smuggled')`;
}

const OTHER = "ATTACH '$' AS other; CREATE TABLE other.x (a)";

test.each([
  ["view", "v", `CREATE VIEW v AS SELECT 1; ${OTHER}`],
  ["view", "v", `CREATE VIEW v AS SELECT "no name" FROM t; ${OTHER}`],
  ["trigger", "v", `CREATE TRIGGER v AFTER INSERT ON t BEGIN SELECT 1; END; ${OTHER}`],
  ["index", "v", `CREATE INDEX v ON t (a); ${OTHER}`],
  ["table", "v", `CREATE VIRTUAL TABLE v USING fts5(a); ${OTHER}`],
  ["table", "v", `CREATE TABLE v (a); ${OTHER}`],
  ["table", "v", "CREATE TABLE v AS SELECT 1"],
  ["table", "v", "VACUUM INTO '$'"],
  ["view", "v", "CREATE VIEW w AS SELECT 1"],
  ["view", "v", "CREATE TRIGGER v AFTER INSERT ON t BEGIN SELECT 1; END"],
  ["view", "v", "CREATE TEMP VIEW v AS SELECT 1"],
  ["view", "v", "DROP TABLE t"],
  ["table IF EXISTS t; DROP TABLE t; --", "v", "CREATE VIEW v AS SELECT 1"],
])("a schema with a row of type %j, named %j, that says %j is refused", async (type, name, sql) => {
  const path = join(tempDirectory(), "other.db");
  const site = new MergeSite("CREATE TABLE t (a)");
  const replica = site.replica();
  replica.run(smuggle(type, name, sql.replace("$", path)));
  await expect(replica.push()).rejects.toThrow(ImageDamage);
  expect(existsSync(path)).toBe(false);
  expect(site.rows("SELECT name FROM sqlite_schema")).toEqual([["t"]]);
  expect(site.rows("SELECT a FROM t")).toEqual([]);
});

test("a row that was there before is no reason to refuse a push", async () => {
  const site = new MergeSite("CREATE TABLE t (a)");
  site.main.unsafeMode(true);
  site.main.exec(`${smuggle("view", "v", "CREATE VIEW IF NOT EXISTS v AS SELECT 1")}; DELETE FROM t`);
  const replica = site.replica();
  replica.run("INSERT INTO t VALUES (1)");
  expect(await replica.push()).toMatchObject({ changes: 1, refused: 0 });
  replica.run("DROP VIEW v; INSERT INTO t VALUES (2)");
  expect(await replica.push()).toMatchObject({ changes: 1, refused: 0 });
});

test("a table of as many columns as SQLite allows, without a key", async () => {
  const columns = Array.from({ length: 2000 }, (_, index) => `c${index}`);
  const site = new MergeSite(
    `CREATE TABLE t (${columns.join()}); INSERT INTO t (c0, c1999) VALUES (1, 'a'), (2, 'b'), (3, 'c')`,
  );
  const replica = site.replica();
  replica.run(
    "DELETE FROM t WHERE c0 = 1; UPDATE t SET c1000 = 'new' WHERE c0 = 2; INSERT INTO t (c0) VALUES (4)",
  );
  expect(await replica.push()).toEqual({ changes: 3, refused: 0, isExact: true });
  expect(site.rows("SELECT c0, c1000, c1999 FROM t ORDER BY c0")).toEqual([
    [2, "new", "b"],
    [3, null, "c"],
    [4, null, null],
  ]);
});
