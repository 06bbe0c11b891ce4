import {
  compareImages,
  type DatabaseImage,
  ImageDamage,
  type ScratchSql,
  type SqlRow,
} from "@tributary/core";
import { mutateBytes, type SeededRandom } from "@tributary/testkit";
import Database from "better-sqlite3";
import { describe } from "vitest";
import { itSurvives } from "./support/fuzz.js";

const PAGE = 4096;

/** Tables of all kinds with some pages each, long rows, free pages. */
function makeDatabase(pragma: string): Uint8Array {
  const db = new Database(":memory:");
  db.pragma(pragma);
  db.exec(`
    CREATE TABLE i (id INTEGER PRIMARY KEY, x REAL DEFAULT 1); CREATE INDEX i_x ON i (x);
    CREATE TABLE w (x COLLATE NOCASE, y, PRIMARY KEY (x, y)) WITHOUT ROWID;
    CREATE TABLE k (x TEXT PRIMARY KEY, y DEFAULT 'a'); CREATE TABLE n (x, y);
    CREATE VIRTUAL TABLE f USING fts5(x);
    WITH RECURSIVE m (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM m WHERE i < 30)
      INSERT INTO i SELECT i, i || '.' || hex(zeroblob(300)) || 'x' FROM m;
    INSERT INTO w SELECT x, id FROM i LIMIT 15; INSERT INTO k SELECT x, id FROM i LIMIT 15; INSERT INTO n SELECT id, x FROM i;
    INSERT INTO f SELECT id FROM i;
    INSERT INTO i VALUES (100, zeroblob(10000)), (101, zeroblob(20000)); INSERT INTO w VALUES (zeroblob(10000), 1);
    DELETE FROM i WHERE id = 101;`);
  const bytes = new Uint8Array(db.serialize());
  db.close();
  return bytes;
}

const DATABASES = ["auto_vacuum = NONE", "auto_vacuum = FULL", "encoding = 'UTF-16'"].map(makeDatabase);

/** What is compared with what, and which pages are said to be others: the last byte of an input says it. */
const KINDS = 4;

/** Some pages are others: their heads, pointers and what lies at their ends; now and then those of another database. */
function damagedDatabase(random: SeededRandom): Uint8Array {
  const bytes = random.pick(DATABASES).slice();
  for (let count = 1 + random.below(3); count > 0; count--) {
    const page = random.below(bytes.length / PAGE) * PAGE;
    if (random.chance(0.1)) {
      const other = random.pick(DATABASES);
      const from = random.below(other.length / PAGE) * PAGE;
      bytes.set(other.subarray(from, from + PAGE), page);
      continue;
    }
    const start = page + random.pick([0, 0, PAGE - 200, random.below(PAGE - 200)]);
    const part = mutateBytes([bytes.subarray(start, start + 200)], random);
    bytes.set(part.subarray(0, Math.min(200, bytes.length - start)), start);
  }
  const input = new Uint8Array(bytes.length + 1);
  input.set(bytes);
  input[bytes.length] = random.below(KINDS);
  return input;
}

function scratch(): ScratchSql {
  const db = new Database(":memory:");
  return {
    execute: (sql) => {
      db.exec(sql);
    },
    query: (sql) => db.prepare(sql).safeIntegers().raw().all() as SqlRow[],
  };
}

describe("images of SQLite databases", () => {
  itSurvives("row-diff.test.ts", "rows that differ", {
    makeInput: damagedDatabase,
    decode(input) {
      const damaged = input.subarray(0, -1);
      const size = damaged.length / PAGE;
      const intact = DATABASES.find(({ length }) => length === damaged.length) as Uint8Array;
      let reads = 0;
      const imageOf = (bytes: Uint8Array): DatabaseImage => ({
        size,
        readPage(page) {
          // Nothing leads in circles: no error that a damaged image may end with.
          if (++reads > 20 * size) throw new Error(`${reads} pages read of ${size}`);
          return bytes.subarray((page - 1) * PAGE, page * PAGE);
        },
      });
      const half = new Set(Array.from({ length: size / 2 }, (_, index) => 1 + index * 2));
      const [before, after, changedPages] = [
        [intact, damaged, half] as const,
        [intact, damaged, undefined] as const,
        [damaged, intact, undefined] as const,
        [undefined, damaged, undefined] as const,
      ][input.at(-1) as number] as readonly [
        Uint8Array | undefined,
        Uint8Array,
        ReadonlySet<number> | undefined,
      ];
      const images = { before: before && imageOf(before), after: imageOf(after) };
      for (const { rows } of compareImages({ ...images, changedPages, scratch }).tables) {
        for (const change of rows()) if (change.changeId !== 0) throw new Error("a change with an id");
      }
    },
    isExpectedError: (error) => error instanceof ImageDamage,
    // Every page that is read is a copy of it, and some are read several times.
    maxBytes: (bytes) => 60 * bytes + 2 ** 22,
    count: 150,
  });
});
