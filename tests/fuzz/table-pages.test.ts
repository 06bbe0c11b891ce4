import { runSync, TablePages } from "@tributary/core";
import { mutateBytes, type SeededRandom } from "@tributary/testkit";
import Database from "better-sqlite3";
import { describe } from "vitest";
import { itSurvives } from "./support/fuzz.js";

const PAGE = 4096;

/** Some interior pages, long rows, free pages, and a schema of several pages. */
function makeDatabase(pragma: string): Uint8Array {
  const db = new Database(":memory:");
  db.pragma(pragma);
  db.exec(`
    CREATE TABLE t (id INTEGER PRIMARY KEY, x); CREATE INDEX t_x ON t (x);
    CREATE TABLE u (x PRIMARY KEY, y) WITHOUT ROWID;
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
      INSERT INTO t SELECT i, i || hex(zeroblob(400)) FROM n;
    INSERT INTO u SELECT x, id FROM t LIMIT 15;
    INSERT INTO t VALUES (100, zeroblob(10000)), (101, zeroblob(20000));
    DELETE FROM t WHERE id = 101;
    CREATE TABLE v (${Array.from({ length: 300 }, (_, column) => `a_long_column_name_${column}`).join()});
    CREATE TABLE w (${Array.from({ length: 100 }, (_, column) => `a_long_column_name_${column}`).join()});`);
  const bytes = new Uint8Array(db.serialize());
  db.close();
  return bytes;
}

const DATABASES = ["auto_vacuum = NONE", "auto_vacuum = FULL", "encoding = 'UTF-16'"].map(makeDatabase);

/** The head of some pages, their pointers and what lies at their end, is other. */
function damagedDatabase(random: SeededRandom): Uint8Array {
  const bytes = random.pick(DATABASES).slice();
  for (let count = 1 + random.below(3); count > 0; count--) {
    const start = random.below(bytes.length / PAGE) * PAGE + (random.chance(0.5) ? 0 : PAGE - 200);
    const part = mutateBytes([bytes.subarray(start, start + 200)], random);
    bytes.set(part.subarray(0, Math.min(200, bytes.length - start)), start);
  }
  return bytes;
}

describe("pages of SQLite", () => {
  itSurvives("table-pages.test.ts", "tables of changed pages", {
    makeInput: damagedDatabase,
    decode(damaged) {
      const size = damaged.length / PAGE;
      let image = DATABASES.find(({ length }) => length === damaged.length) as Uint8Array;
      let reads = 0;
      // biome-ignore lint/correctness/useYield: answers without asking the host.
      const pages = new TablePages(function* (page) {
        reads++;
        return image.slice((page - 1) * PAGE, page * PAGE);
      });
      const all = Uint32Array.from({ length: size }, (_, index) => index + 1);
      runSync(pages.load(size), {} as never);
      image = damaged;
      for (const changed of [all.subarray(size / 2), all]) {
        reads = 0;
        runSync(pages.changedTables(changed, size), {} as never);
        if (reads > 5 * size) throw new Error(`${reads} pages read of ${size}`);
      }
    },
    isExpectedError: () => false,
    refuses: false,
    // Every page that is read is a copy of it.
    maxBytes: (bytes) => 40 * bytes + 2 ** 21,
    count: 400,
  });
});
