import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { checkRemoteFirstPage, localFirstPage } from "../../src/sqlite-format/database-header.js";
import { PAGE_SIZE } from "../../src/values/page.js";
import { createRandom } from "../pages/support/random.js";

const SMALL = "CREATE TABLE t (x); CREATE TABLE u (x)";
const MANY_TABLES = Array.from({ length: 200 }, (_, i) => `CREATE TABLE t${i} (x)`).join(";");
const REFUSAL = expect.objectContaining({ code: "invalid-page-stream" });

function database(sql: string): Uint8Array {
  const db = new Database(":memory:");
  db.exec(sql);
  const bytes = new Uint8Array(db.serialize());
  db.close();
  return bytes;
}

/** The database with bytes from `offset` on replaced. */
function changed(bytes: Uint8Array, offset: number, ...values: number[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(values, offset);
  return copy;
}

function check(bytes: Uint8Array): void {
  checkRemoteFirstPage(bytes.subarray(0, PAGE_SIZE), bytes.length / PAGE_SIZE);
}

function accepts(bytes: Uint8Array): boolean {
  try {
    check(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Whether SQLite reads its schema. */
function sqliteReads(bytes: Uint8Array): boolean {
  const db = new Database(Buffer.from(bytes));
  try {
    db.prepare("SELECT rootpage FROM sqlite_schema").all();
    return true;
  } catch {
    return false;
  } finally {
    db.close();
  }
}

describe("page 1 of a remote", () => {
  it.each([
    ["with a few tables", SMALL],
    ["with a schema of several pages", MANY_TABLES],
    ["with nothing in it", "CREATE TABLE t (x); DROP TABLE t"],
    ["with gaps in it", `${MANY_TABLES}; DROP TABLE t3; DROP TABLE t9; DROP TABLE t11`],
    ["with freeblocks", "CREATE TABLE a (x); CREATE TABLE b (x); CREATE TABLE c (x); DROP TABLE b"],
    ["in UTF-16", `PRAGMA encoding = 'UTF-16be'; ${SMALL}`],
    ["with auto-vacuum", `PRAGMA auto_vacuum = 1; ${MANY_TABLES}`],
    ["in the oldest schema format", `PRAGMA legacy_file_format = 1; ${SMALL}`],
  ])("is accepted %s", (_, sql) => {
    const bytes = database(sql);
    expect(() => check(bytes)).not.toThrow();
    const inWalMode = Uint8Array.from(bytes);
    inWalMode.set(localFirstPage(bytes.subarray(0, PAGE_SIZE)), 0);
    expect(() => check(inWalMode)).not.toThrow();
  });

  it.each([
    ["a page that is none of a b-tree", SMALL, 100, [0]],
    ["an index leaf", SMALL, 100, [10]],
    ["an index interior", MANY_TABLES, 100, [2]],
    ["a leaf said to be an interior page", SMALL, 100, [5]],
    ["more cells than fit before the content", SMALL, 103, [0xff, 0xff]],
    ["cells whose pointers lead nowhere", SMALL, 103, [0, 9]],
    ["a pointer into the header", SMALL, 108, [0, 1]],
    ["a pointer beyond the page", SMALL, 108, [0x0f, 0xff]],
    ["content that begins in the header", SMALL, 105, [0, 50]],
    ["content that begins beyond the page", SMALL, 105, [0x10, 1]],
    ["content that begins at 65536", SMALL, 105, [0, 0]],
    ["a freeblock before the content", SMALL, 101, [0, 200]],
    ["a freeblock beyond the page", SMALL, 101, [0x0f, 0xff]],
    ["a right child that is missing", MANY_TABLES, 108, [0, 0, 0, 0]],
    ["a right child beyond the database", MANY_TABLES, 108, [0, 1, 0, 0]],
    ["content in what it reserves", SMALL, 20, [255]],
    ["payload fractions that SQLite does not know", SMALL, 21, [65]],
    ["the schema format 5", SMALL, 44, [0, 0, 0, 5]],
    ["the text encoding 4", SMALL, 56, [0, 0, 0, 4]],
  ])("is refused with %s", (_, sql, offset, values) => {
    const bytes = database(sql);
    expect(() => check(bytes)).not.toThrow();
    expect(() => check(changed(bytes, offset, ...values))).toThrow(REFUSAL);
  });

  it("is refused with more cells than a page can have", () => {
    const bytes = database("CREATE TABLE t (x); DROP TABLE t");
    const cells = changed(bytes, 103, 0x02, 0xaa, 0x0f, 0xf0);
    for (let cell = 0; cell < 0x02aa; cell++) cells.set([0x0f, 0xf0], 108 + 2 * cell);
    expect(sqliteReads(cells)).toBe(false);
    expect(() => check(cells)).toThrow(REFUSAL);
  });

  it("is refused whenever SQLite could not read it", () => {
    const random = createRandom(5);
    const missed: string[] = [];
    for (const bytes of [database(SMALL), database(MANY_TABLES)]) {
      // Not the low byte of the text encoding, nor child and cell pointers: those can be wrong and look right.
      const offsets = [16, 17, 20, 21, 22, 23, 44, 45, 46, 47, 56, 57, 58];
      offsets.push(100, 101, 102, 103, 104, 105, 106, 107);
      for (const offset of offsets) {
        for (let value = 0; value < 256; value += 1 + random(3)) {
          const junk = changed(bytes, offset, value);
          if (accepts(junk) && !sqliteReads(junk)) missed.push(`${offset}: ${value}`);
        }
      }
    }
    expect(missed).toEqual([]);
  });
});
