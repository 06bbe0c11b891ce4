import { expect, it } from "vitest";
import { compareImages } from "../../src/row-diff/compare-images.js";
import { createRandom } from "../pages/support/random.js";
import { ChangingDatabase, imageOf, openBytes, type State } from "./support/changing-database.js";
import { checkDifference } from "./support/replay-difference.js";
import { openScratch } from "./support/scratch.js";

// Any changes: the rows before, with what is told, must be the rows after, whichever pages are named as written.

type Random = (bound: number) => number;

const NAMES = ["a", "b", "c", "d"];
const KINDS = [
  (name: string): string => `CREATE TABLE ${name} (id INTEGER PRIMARY KEY, x, y TEXT)`,
  (name: string): string => `CREATE TABLE ${name} (id INTEGER PRIMARY KEY AUTOINCREMENT, x REAL, y)`,
  (name: string): string => `CREATE TABLE ${name} (y, x REAL, id INT, PRIMARY KEY (id DESC)) WITHOUT ROWID`,
  (name: string): string =>
    `CREATE TABLE ${name} (x, id TEXT COLLATE NOCASE, z AS (x || y) STORED, y, w AS (id), PRIMARY KEY (id COLLATE NOCASE, x)) WITHOUT ROWID`,
  (name: string): string => `CREATE TABLE ${name} (x REAL, id TEXT PRIMARY KEY COLLATE RTRIM, y)`,
  (name: string): string => `CREATE TABLE ${name} (w AS (x) STORED, id, x INT, y, CHECK (x <> -77))`,
  (name: string): string => `CREATE TABLE ${name} (id NUMERIC, x, y, PRIMARY KEY (id, x))`,
  (name: string): string =>
    `CREATE TABLE ${name} (id INT PRIMARY KEY, x ANY, y REAL NOT NULL DEFAULT 2) STRICT`,
];
const VIRTUAL = [
  "CREATE VIRTUAL TABLE v USING fts5(x, y)",
  "CREATE VIRTUAL TABLE v USING rtree(id, x, y)",
  "CREATE VIRTUAL TABLE v USING fts4(x, y)",
];

function statement(random: Random, tables: ReadonlySet<string>): string {
  const name = NAMES[random(NAMES.length)] as string;
  if (!tables.has(name)) return (KINDS[random(KINDS.length)] as (name: string) => string)(name);
  const start = random(600);
  const isLong = random(6) === 0;
  const rows = 1 + random(!isLong && random(3) === 0 ? 300 : 8);
  const size = isLong ? 3000 + random(7000) : random(40);
  const column = `n${random(3)}`;
  const insert = `WITH RECURSIVE n (i) AS (SELECT ${start} UNION ALL SELECT i + 1 FROM n WHERE i < ${start + rows})
    INSERT OR REPLACE INTO ${name} (id, x, y) SELECT i, i % 7, printf('%d%.*c', i * 7919 % 4001, ${size}, '${random(10)}') FROM n`;
  switch (random(15)) {
    case 0:
      return `DELETE FROM ${name} WHERE id % 3 = ${random(3)}`;
    case 1:
      return `DELETE FROM ${name} WHERE CAST(id AS INT) BETWEEN ${start} AND ${start + 200}`;
    case 2:
      return random(3) === 0
        ? `DROP TABLE ${name}`
        : `UPDATE OR REPLACE ${name} SET y = y || '1' WHERE id < ${start}`;
    case 3:
      // As long as it was: SQLite writes over a long row where it lies.
      return `UPDATE OR REPLACE ${name} SET y = replace(y, substr(y, -1), '${random(10)}') WHERE id % 5 = 1`;
    case 4:
      return random(4) === 0
        ? "VACUUM"
        : `UPDATE OR REPLACE ${name} SET id = CAST(id AS INT) + ${random(100)}`;
    case 5:
      return `CREATE INDEX IF NOT EXISTS ${name}_y ON ${name} (y)`;
    case 6:
      return `ALTER TABLE ${name} ADD COLUMN ${column} ${["", "REAL DEFAULT 1", "TEXT DEFAULT 'it''s'", "INT DEFAULT (-5)", "BLOB DEFAULT x'0102'"][random(5)]}`;
    case 7:
      return `ALTER TABLE ${name} DROP COLUMN ${column}`;
    case 8:
      return `ALTER TABLE ${name} RENAME COLUMN ${column} TO n${random(3)}`;
    case 9:
      return random(2) === 0
        ? `ALTER TABLE ${name} RENAME TO ${NAMES[random(NAMES.length)]}`
        : `UPDATE ${name} SET ${column} = id || 'n' WHERE id % 4 = 2`;
    case 10:
      return tables.has("v")
        ? (["DROP TABLE v", "DELETE FROM v WHERE rowid % 3 = 1", "UPDATE v SET x = 1 WHERE rowid % 2 = 1"][
            random(3)
          ] as string)
        : (VIRTUAL[random(VIRTUAL.length)] as string);
    case 11:
      return tables.has("v")
        ? `INSERT OR REPLACE INTO v (rowid, x, y) SELECT rowid, 0, rowid FROM ${name} LIMIT 40`
        : insert;
    default:
      return insert;
  }
}

/** Runs statements, of which SQLite refuses some. */
function change(database: ChangingDatabase, random: Random): void {
  const { db } = database;
  for (let count = 1 + random(4); count > 0; count--) {
    const tables = db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
      .pluck()
      .all() as string[];
    try {
      db.exec(statement(random, new Set(tables)));
    } catch (error) {
      expect((error as { code: string }).code).toMatch(/^SQLITE_(ERROR|CONSTRAINT.*|MISMATCH)$/);
    }
  }
}

function differentPages(before: State, after: State): Set<number> {
  const pages = new Set<number>();
  for (let page = 1; page <= after.bytes.length / 4096; page++) {
    const [one, other] = [before, after].map(({ bytes }) => bytes.subarray((page - 1) * 4096, page * 4096));
    if (!Buffer.from(one as Uint8Array).equals(other as Uint8Array)) pages.add(page);
  }
  return pages;
}

it.each([
  [1, []],
  [2, []],
  [3, []],
  [4, ["auto_vacuum = FULL"]],
  [5, ["encoding = 'UTF-16le'"]],
])("commit by commit, seed %i", (seed, pragmas) => {
  const random = createRandom(seed);
  const database = new ChangingDatabase(...pragmas);
  let before = database.state();
  for (let round = 0; round < 14; round++) {
    change(database, random);
    const after = database.state();
    const written = database.changedPages(before, after);
    const [one, other] = [openBytes(before.bytes), openBytes(after.bytes)];
    for (const changedPages of [written, differentPages(before, after), undefined]) {
      const images = { before: imageOf(before.bytes), after: imageOf(after.bytes) };
      checkDifference(compareImages({ ...images, changedPages, scratch: openScratch }), one, other);
    }
    one.close();
    other.close();
    if (random(3) > 0) before = after;
  }
});
