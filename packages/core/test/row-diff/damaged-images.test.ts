import { expect, test } from "vitest";
import { compareImages } from "../../src/row-diff/compare-images.js";
import { ImageDamage } from "../../src/row-diff/image-difference.js";
import { PAGE_SIZE } from "../../src/values/page.js";
import { ChangingDatabase, imageOf, type State } from "./support/changing-database.js";
import { openScratch } from "./support/scratch.js";

/** A table whose root has leaves below it, and one with a long row. */
function makeDatabase(): { readonly database: ChangingDatabase; readonly state: State } {
  const database = new ChangingDatabase();
  database.db.exec(`
    CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE TABLE l (id INTEGER PRIMARY KEY, a);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT i, zeroblob(100) FROM n;
    INSERT INTO l VALUES (1, zeroblob(20000))`);
  return { database, state: database.state() };
}

function readAll({ bytes }: { readonly bytes: Uint8Array }): number {
  const { tables } = compareImages({
    before: undefined,
    after: imageOf(bytes),
    changedPages: undefined,
    scratch: openScratch,
  });
  return tables.reduce((count, { rows }) => count + [...rows()].length, 0);
}

/** A page of a tree, and its bytes in a copy of the database. */
function pageOf({ database, state }: ReturnType<typeof makeDatabase>, name: string, type: string) {
  const page = database.db
    .prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = ? ORDER BY path LIMIT 1")
    .pluck()
    .get(name, type) as number;
  const bytes = state.bytes.slice();
  return { page, bytes, view: new DataView(bytes.buffer, (page - 1) * PAGE_SIZE, PAGE_SIZE) };
}

test("an intact image is read", () => {
  expect(readAll(makeDatabase().state)).toBe(301);
});

test.each<[string, (made: ReturnType<typeof makeDatabase>) => { readonly bytes: Uint8Array }]>([
  ["a header that is none", ({ state }) => ({ bytes: state.bytes.map((byte, at) => (at < 4 ? 0 : byte)) })],
  [
    "a leaf that is none",
    (made) => {
      const { bytes, view } = pageOf(made, "t", "leaf");
      view.setUint8(0, 7);
      return { bytes };
    },
  ],
  [
    "rows out of their order",
    (made) => {
      const { bytes, view } = pageOf(made, "t", "leaf");
      const first = view.getUint16(8);
      view.setUint16(8, view.getUint16(10));
      view.setUint16(10, first);
      return { bytes };
    },
  ],
  [
    "a page that is its own child",
    (made) => {
      const { bytes, page, view } = pageOf(made, "t", "internal");
      view.setUint32(8, page);
      return { bytes };
    },
  ],
  [
    "a long row that goes on where there is nothing",
    (made) => {
      const { bytes, view } = pageOf(made, "l", "overflow");
      view.setUint32(0, 1_000_000);
      return { bytes };
    },
  ],
  [
    "a table that SQLite does not know how to make",
    ({ database }) => {
      database.db.unsafeMode();
      database.db.pragma("writable_schema = ON");
      database.db.exec("UPDATE sqlite_schema SET sql = 'CREATE TABLE l (id, id)' WHERE name = 'l'");
      return database.state();
    },
  ],
])("%s is damage", (_, damage) => {
  const made = makeDatabase();
  expect(() => readAll(damage(made))).toThrow(ImageDamage);
});

test("an index of an old format is ascending, whatever it was made as", () => {
  const database = new ChangingDatabase();
  database.db.unsafeMode();
  database.db.exec("CREATE TABLE w (id INT, PRIMARY KEY (id)) WITHOUT ROWID; INSERT INTO w VALUES (1), (2)");
  database.db.pragma("writable_schema = ON");
  database.db.exec("UPDATE sqlite_schema SET sql = replace(sql, '(id))', '(id DESC))')");
  const { bytes } = database.state();
  expect(() => readAll({ bytes })).toThrow(ImageDamage);
  new DataView(bytes.buffer).setUint32(44, 1);
  expect(readAll({ bytes })).toBe(2);
});

test("what reading a page throws is thrown as it is", () => {
  const { state } = makeDatabase();
  const failure = new Error("the disk");
  const image = {
    ...imageOf(state.bytes),
    readPage: () => {
      throw failure;
    },
  };
  const compare = () =>
    compareImages({ before: undefined, after: image, changedPages: undefined, scratch: openScratch });
  expect(compare).toThrow(failure);
});
