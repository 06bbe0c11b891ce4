import { describe, expect, test } from "vitest";
import { compareImages } from "../../src/row-diff/compare-images.js";
import type { DatabaseImage } from "../../src/row-diff/database-image.js";
import type { ScratchSql } from "../../src/row-diff/scratch-sql.js";
import type { RowChange } from "../../src/tape/tape-change.js";
import { ChangingDatabase, imageOf, type State } from "./support/changing-database.js";
import { openScratch } from "./support/scratch.js";

const numbers = (to: number): string =>
  `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${to})`;

/** What statements change, and how many pages were read for it, of both images. */
function costOf(
  database: ChangingDatabase,
  sql: string,
): { readonly told: RowChange[]; readonly read: number } {
  const before = database.state();
  database.db.exec(sql);
  const after = database.state();
  let read = 0;
  const image = ({ bytes }: State): DatabaseImage =>
    imageOf(bytes, () => {
      read += 1;
    });
  const difference = compareImages({
    before: image(before),
    after: image(after),
    changedPages: database.changedPages(before, after),
    scratch: openScratch,
  });
  return { told: difference.tables.flatMap(({ rows }) => [...rows()]), read };
}

describe("the cost follows what has changed", () => {
  test("in tables with rowids and without, and in long rows", () => {
    const database = new ChangingDatabase();
    database.db.exec(`
      CREATE TABLE r (id INTEGER PRIMARY KEY, a); CREATE INDEX r_a ON r (a); CREATE TABLE w (id PRIMARY KEY, a) WITHOUT ROWID;
      CREATE TABLE k (id TEXT PRIMARY KEY, a); CREATE TABLE l (id INTEGER PRIMARY KEY, a);
      ${numbers(8000)} INSERT INTO r SELECT i, printf('%d %.*c', i, 100, 'x') FROM n; INSERT INTO w SELECT * FROM r; INSERT INTO k SELECT * FROM r;
      ${numbers(150)} INSERT INTO l SELECT i, zeroblob(9000) FROM n`);
    const pages = 2 * (database.state().bytes.length / 4096);
    expect(pages).toBeGreaterThan(2000);
    // One leaf on either side, page 1, and interior pages: of the state after, only those that were written.
    const interior = database.db
      .prepare("SELECT count(*) FROM dbstat WHERE pagetype = 'internal'")
      .pluck()
      .get() as number;
    for (const table of ["r", "w", "k"]) {
      const { told, read } = costOf(database, `UPDATE ${table} SET a = 'new' WHERE CAST(id AS INT) = 4000`);
      expect(told).toMatchObject([{ type: "update", shape: { table } }]);
      expect(read).toBeLessThan(interior + 40);
    }
    const long = costOf(database, "UPDATE l SET a = zeroblob(8000) WHERE id = 100");
    expect(long.told).toHaveLength(1);
    expect(long.read).toBeLessThan(interior + 45);
    expect(interior).toBeLessThan(pages / 15);
  });
});

describe("a long row that was written over where it lies", () => {
  /** Its third page differs, and the page that the row is in does not. */
  const inPlace = "UPDATE l SET a = 'x' || printf('%.*c', 9000, 'y') || id WHERE id = 70";

  test.each([
    ["id INTEGER PRIMARY KEY, a", ""],
    ["id TEXT PRIMARY KEY, a", ""],
    ["id PRIMARY KEY, a", "WITHOUT ROWID"],
  ])("is found in l (%s) %s", (columns, options) => {
    const database = new ChangingDatabase();
    database.db.exec(`
      CREATE TABLE r (id INTEGER PRIMARY KEY, a); CREATE INDEX r_a ON r (a); CREATE TABLE l (${columns}) ${options};
      ${numbers(3000)} INSERT INTO r SELECT i, printf('%d %.*c', i, 100, 'x') FROM n;
      ${numbers(120)} INSERT INTO l SELECT i, 'x' || printf('%.*c', 9000, 'y') || (100 - i) FROM n`);
    const { told, read } = costOf(
      database,
      `${inPlace}; UPDATE r SET a = printf('%.*c', 9000, 'z') WHERE id = 7`,
    );
    expect(told).toMatchObject([
      { type: "update", shape: { table: "r" } },
      { type: "update", shape: { table: "l" } },
    ]);
    // The pages of tables, but not what rows go on in.
    expect(read).toBeLessThan(350);
  });
});

test("defaults of many columns are asked of a schema with one table", () => {
  const columns = Array.from({ length: 1500 }, (_, index) => `c${index} DEFAULT ${index}`);
  const database = new ChangingDatabase();
  database.db.exec(`CREATE TABLE t (${columns.join()}); INSERT INTO t (c0) VALUES (1)`);
  const before = database.state();
  database.db.exec("UPDATE t SET c1 = 7");
  const after = database.state();
  let alterations = 0;
  const scratch = (): ScratchSql => {
    const sql = openScratch();
    return {
      query: sql.query,
      execute(text) {
        if (text.startsWith("ALTER")) {
          alterations += 1;
          // SQLite reads all of the schema anew with each.
          expect(sql.query("SELECT count(*) FROM sqlite_schema")).toEqual([[1n]]);
        }
        sql.execute(text);
      },
    };
  };
  const images = { before: imageOf(before.bytes), after: imageOf(after.bytes), changedPages: undefined };
  expect([...(compareImages({ ...images, scratch }).tables[0]?.rows() ?? [])]).toHaveLength(1);
  expect(alterations).toBe(1500);
});
