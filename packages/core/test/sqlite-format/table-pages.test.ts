import { describe, expect, it } from "vitest";
import type { TablePages } from "../../src/sqlite-format/table-pages.js";
import { PAGE_SIZE } from "../../src/values/page.js";
import { MemoryDatabase, run } from "./support/memory-database.js";

function tablesOf(pages: TablePages, memory: MemoryDatabase, ...numbers: number[]): readonly string[] {
  return run(pages.changedTables(Uint32Array.from(numbers), memory.size));
}

function loaded(memory: MemoryDatabase, reads: number[] = []): TablePages {
  const pages = memory.open((page) => reads.push(page));
  run(pages.load(memory.size));
  return pages;
}

/** Every sort of page that there is. */
function fill(memory: MemoryDatabase): void {
  const { db } = memory;
  db.exec(`
    CREATE TABLE deep (id INTEGER PRIMARY KEY, body TEXT);
    CREATE INDEX deep_body ON deep (body);
    CREATE TABLE keyed (key TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID;
    CREATE TABLE long (id INTEGER PRIMARY KEY, body BLOB);
    CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, x UNIQUE);
    CREATE TABLE empty (x);
    CREATE TABLE gone (x);
    CREATE TABLE tributary_tape (id INTEGER PRIMARY KEY, x);
    CREATE TABLE turso_sync_last_change_id (x PRIMARY KEY);
    CREATE VIRTUAL TABLE docs USING fts5 (body);
    CREATE VIEW seen AS SELECT * FROM deep;
    CREATE TRIGGER later AFTER INSERT ON empty BEGIN SELECT 1; END;
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)
      INSERT INTO deep SELECT i * 1000000000000, printf('%05d', i * 7919 % 700) || hex(zeroblob(900)) FROM n;
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
      INSERT INTO keyed SELECT hex(zeroblob(200)) || i, hex(zeroblob(i * 20)) FROM n;
    INSERT INTO long VALUES (1, zeroblob(5000)), (2, zeroblob(50000)), (3, 'short');
    INSERT INTO counted (x) VALUES (1), (2);
    INSERT INTO tributary_tape VALUES (1, zeroblob(9000));
    INSERT INTO docs VALUES ('some words'), ('more words');
    INSERT INTO gone VALUES (zeroblob(3000)), (zeroblob(3000)), (zeroblob(20000));
  `);
  for (let index = 0; index < 60; index++) {
    const columns = Array.from(
      { length: index % 2 === 0 ? 3 : 150 },
      (_, column) => `a_column_${column} TEXT`,
    );
    db.exec(`CREATE TABLE small_${index} (${columns.join()}); INSERT INTO small_${index} DEFAULT VALUES`);
  }
  // Its name alone leaves no room for what comes behind it.
  db.exec(`CREATE TABLE "${"n".repeat(9000)}" (x); DROP TABLE gone`);
  memory.look();
}

describe.each([
  ["plain", []],
  ["pointer maps", ["auto_vacuum = FULL"]],
  ["UTF-16", ["encoding = 'UTF-16be'"]],
  ["UTF-16, little-endian", ["encoding = 'UTF-16le'"]],
])("every page of a database (%s)", (_what, pragmas) => {
  const memory = new MemoryDatabase(...pragmas);
  fill(memory);
  const owners = memory.owners();
  const all = memory.tables();
  const shadows = (table: string): string[] => (table.startsWith("docs_") ? ["docs", table] : [table]);

  it("has all sorts of pages", () => {
    const types = memory.db.prepare("SELECT DISTINCT pagetype FROM dbstat ORDER BY 1").pluck().all();
    expect(types).toEqual(["internal", "leaf", "overflow"]);
    const depth = memory.db.prepare("SELECT max(length(path)) FROM dbstat WHERE name = 'deep_body'").pluck();
    // "/000/000/000/": more than one level of interior pages.
    expect(depth.get()).toBeGreaterThanOrEqual(13);
    const free = memory.db.pragma("freelist_count", { simple: true }) as number;
    // A database that vacuums itself has none, but pages that say whose the others are.
    expect(free > 5 || pragmas.some((pragma) => pragma.startsWith("auto_vacuum"))).toBe(true);
    expect(owners.size).toBeLessThan(memory.size);
  });

  it("is told as the table that SQLite says it is of", () => {
    const pages = loaded(memory);
    const step = memory.db.pragma("encoding", { simple: true }) === "UTF-8" ? 1 : 7;
    for (let page = 1; page <= memory.size; page += step) {
      const owner = owners.get(page);
      const hidden = owner === undefined || !all.includes(owner.table);
      const schema = owner?.table === "sqlite_schema";
      let expected = hidden ? [] : shadows(owner.table);
      // Nobody says whose long row it is, unless the page that the row begins in has changed too.
      if (owner?.isOverflow && !schema) expected = all;
      expect([page, tablesOf(pages, memory, page)]).toEqual([page, expected]);
    }
  });

  it("is told without a state before, but for those of the schema", () => {
    for (const [page, { table, isOverflow }] of owners) {
      if (isOverflow || page % 7 !== 0) continue;
      const expected = table === "sqlite_schema" ? all : all.includes(table) ? shadows(table) : [];
      expect(tablesOf(memory.open(), memory, page)).toEqual(expected);
    }
  });

  it("is told of a long row whose first page has changed too", () => {
    const pages = loaded(memory);
    const of = (table: string): number[] =>
      [...owners].flatMap(([page, owner]) => (owner.table === table ? [page] : []));
    expect(tablesOf(pages, memory, ...of("long"))).toEqual(["long"]);
    expect(tablesOf(pages, memory, ...of("keyed"), ...of("long"))).toEqual(["keyed", "long"]);
    expect(tablesOf(pages, memory, ...of("tributary_tape"))).toEqual([]);
  });
});

describe("pages that a table has given away", () => {
  it.each([
    ["DELETE FROM deep", "deep"],
    ["DELETE FROM deep WHERE id > 20000000000000", "deep"],
    ["DROP TABLE deep", "deep"],
  ])("by %s are nobody's", (sql, table) => {
    const memory = new MemoryDatabase();
    fill(memory);
    const pages = loaded(memory);
    const given = [...memory.owners()].filter(([, owner]) => owner.table === table).map(([page]) => page);
    memory.db.exec(sql);
    const changed = memory.look();
    expect(run(pages.changedTables(changed, memory.size))).toContain(table);
    const kept = memory.owners();
    const free = given.filter((page) => !kept.has(page));
    expect(free.length).toBeGreaterThan(300);
    for (const page of free.filter((number) => number % 3 === 0))
      expect([page, tablesOf(pages, memory, page)]).toEqual([page, []]);
    for (const [page, owner] of kept)
      if (owner.table === table && !owner.isOverflow && page % 3 === 0)
        expect(tablesOf(pages, memory, page)).toEqual([table]);
  });
});

describe("pages that another table has taken", () => {
  const insert = (rows: number): string => `
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
      INSERT INTO empty SELECT hex(zeroblob(1000)) FROM n`;

  it.each([
    ["in the same pull", ["DELETE FROM deep;", insert(1200)].join(""), ["deep", "empty"], "SELECT 1", []],
    ["in another pull", "DELETE FROM deep", ["deep"], insert(100), ["empty"]],
    ["in another pull, some of them", "DELETE FROM deep", ["deep"], insert(500), ["empty"]],
  ])("%s are told of as those of both", (_when, first, firstTables, second, secondTables) => {
    const memory = new MemoryDatabase();
    fill(memory);
    const pages = loaded(memory);
    memory.db.exec(first);
    expect(tablesOf(pages, memory, ...memory.look())).toEqual(firstTables);
    memory.db.exec(second);
    expect(tablesOf(pages, memory, ...memory.look())).toEqual(secondTables);
    for (const [page, { table }] of memory.owners())
      if (table === "empty" && page % 5 === 0) expect(tablesOf(pages, memory, page)).toEqual(["empty"]);
  });
});

describe("a schema change", () => {
  const change = (sql: string): readonly string[] => {
    const memory = new MemoryDatabase();
    memory.db.exec(`
      CREATE TABLE a (id INTEGER PRIMARY KEY, x); CREATE TABLE b (y); CREATE TABLE c (z);
      CREATE INDEX b_y ON b (y); CREATE VIEW v AS SELECT * FROM a;
      INSERT INTO a VALUES (1, 'one'); INSERT INTO b VALUES (2); INSERT INTO c VALUES (3);`);
    memory.look();
    const pages = loaded(memory);
    memory.db.exec(sql);
    return tablesOf(pages, memory, ...memory.look());
  };

  it.each([
    ["CREATE TABLE d (x)", ["d"]],
    ["DROP TABLE c", ["c"]],
    ["DROP TABLE b", ["b"]],
    ["ALTER TABLE a ADD COLUMN w", ["a"]],
    ["ALTER TABLE a RENAME COLUMN x TO q", ["a", "v"]],
    ["ALTER TABLE c RENAME TO k", ["c", "k"]],
    ["CREATE INDEX a_x ON a (x)", ["a"]],
    ["DROP INDEX b_y", ["b"]],
    ["CREATE TRIGGER t AFTER INSERT ON c BEGIN SELECT 1; END", ["c"]],
    ["DROP VIEW v", ["v"]],
    ["CREATE VIRTUAL TABLE f USING fts5 (t)", ["f", "f_config", "f_content", "f_data", "f_docsize", "f_idx"]],
    ["PRAGMA user_version = 7", []],
    ["DROP TABLE c; CREATE TABLE d (x); INSERT INTO d VALUES (1)", ["c", "d"]],
    ["DROP TABLE a; DROP VIEW v; DROP TABLE b; DROP TABLE c; VACUUM", ["a", "b", "c", "v"]],
  ])("%s", (sql, tables) => {
    expect(change(sql)).toEqual(tables);
  });

  it("in the middle of a long row is noticed, though the page that the row begins in is as it was", () => {
    const memory = new MemoryDatabase();
    const columns = Array.from({ length: 900 }, (_, column) => `a_column_${column}`);
    memory.db.exec(`CREATE TABLE other (x); CREATE TABLE wide (${columns.join()})`);
    memory.look();
    const pages = loaded(memory);
    const [page] = [...memory.owners()].find(([, owner]) => owner.isOverflow) ?? [];
    if (page === undefined) throw new Error("no long row");
    // Another letter of a column's name.
    memory.image[(page - 1) * PAGE_SIZE + 50] = 0x7a;
    expect(tablesOf(pages, memory, page)).toEqual(["wide"]);
    expect(tablesOf(pages, memory, page)).toEqual([]);
  });

  it("without a state before has changed all tables", () => {
    const memory = new MemoryDatabase();
    memory.db.exec("CREATE TABLE a (x); CREATE TABLE b (x)");
    memory.look();
    memory.db.exec("DROP TABLE a");
    expect(tablesOf(memory.open(), memory, ...memory.look())).toEqual(["b"]);
  });

  it("that leaves no database has changed all that was there", () => {
    const memory = new MemoryDatabase();
    memory.db.exec("CREATE TABLE a (x); CREATE TABLE b (x)");
    memory.look();
    expect(run(loaded(memory).changedTables(new Uint32Array(0), 0))).toEqual(["a", "b"]);
  });
});

describe("reading", () => {
  const memory = new MemoryDatabase();
  fill(memory);
  const internal = memory.db.prepare("SELECT count(*) FROM dbstat WHERE pagetype = 'internal'").pluck();

  it("at first takes interior pages, the schema and one way down each tree", () => {
    const reads: number[] = [];
    loaded(memory, reads);
    const trees = memory.db.prepare("SELECT count(DISTINCT name) FROM dbstat").pluck().get() as number;
    const schema = memory.db.prepare("SELECT count(*) FROM dbstat WHERE name = 'sqlite_schema'").pluck();
    // On the way down an interior page may be read a second time.
    expect(reads.length).toBeLessThan((internal.get() as number) + 3 * trees + (schema.get() as number));
    expect(reads.length).toBeLessThan(memory.size / 3);
  });

  it("later takes what has changed", () => {
    const reads: number[] = [];
    const pages = loaded(memory, reads);
    const root = memory.db
      .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'deep_body'")
      .pluck()
      .get();
    const leaf = memory.db
      .prepare("SELECT pageno FROM dbstat WHERE name = 'deep' AND pagetype = 'leaf' LIMIT 1 OFFSET 50")
      .pluck()
      .get();
    reads.length = 0;
    expect(tablesOf(pages, memory, leaf as number)).toEqual(["deep"]);
    const schema = reads.length;
    expect(tablesOf(pages, memory, leaf as number, root as number)).toEqual(["deep"]);
    expect(reads.length - 2 * schema).toBeLessThanOrEqual(2);
    expect(schema).toBeLessThan(10);
  });

  it("that fails fails the call; the next begins anew", () => {
    let isBroken = false;
    const failing = memory.open(() => {
      if (isBroken) throw new Error("no such disk");
    });
    run(failing.load(memory.size));
    isBroken = true;
    expect(() => tablesOf(failing, memory, 2)).toThrow("no such disk");
    isBroken = false;
    expect(tablesOf(failing, memory, 1)).toEqual(memory.tables());
    expect(tablesOf(failing, memory, 1)).toEqual([]);
  });
});

describe("a damaged page", () => {
  const memory = new MemoryDatabase();
  fill(memory);
  const whole = memory.image;
  const root = memory.db
    .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'deep'")
    .pluck()
    .get() as number;
  const other = memory.db
    .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'empty'")
    .pluck()
    .get() as number;
  const at = (page: number): number => (page - 1) * PAGE_SIZE;
  const firstCell = (image: DataView): number => at(root) + image.getUint16(at(root) + 12);

  it.each<[string, (image: DataView) => void]>([
    ["that leads to itself", (image) => image.setUint32(at(root) + 8, root)],
    ["that leads past the end", (image) => image.setUint32(at(root) + 8, 4_000_000_000)],
    ["that leads to page 0", (image) => image.setUint32(firstCell(image), 0)],
    ["that leads to page 1", (image) => image.setUint32(firstCell(image), 1)],
    ["that leads to the root of another table", (image) => image.setUint32(firstCell(image), other)],
    [
      "that leads to a page twice",
      (image) => image.setUint32(firstCell(image), image.getUint32(at(root) + 8)),
    ],
    ["of no known type", (image) => image.setUint8(at(root), 7)],
    ["with more cells than fit", (image) => image.setUint16(at(root) + 3, 5000)],
    ["with a cell outside", (image) => image.setUint16(at(root) + 12, 4095)],
  ])("%s makes it all tables", (_what, damage) => {
    for (const isKnown of [true, false]) {
      memory.image = whole;
      const pages = isKnown ? loaded(memory) : memory.open();
      memory.image = whole.slice();
      damage(new DataView(memory.image.buffer));
      expect(tablesOf(pages, memory, root)).toEqual(memory.tables());
      // It is not believed later on either, and it is when it is mended.
      expect(tablesOf(pages, memory, 2)).toEqual(memory.tables());
      memory.image = whole;
      expect(tablesOf(pages, memory, root)).toEqual(["deep"]);
    }
  });

  it("of the schema makes it all tables that were known", () => {
    memory.image = whole;
    const pages = loaded(memory);
    memory.image = whole.slice();
    memory.image[100] = 7;
    expect(tablesOf(pages, memory, 1)).toEqual(memory.tables());
  });

  it("among the free ones makes it all tables", () => {
    memory.image = whole.slice();
    const view = new DataView(memory.image.buffer);
    const trunk = view.getUint32(32);
    const free = view.getUint32(at(trunk) + 8);
    expect(tablesOf(loaded(memory), memory, trunk, free)).toEqual([]);
    view.setUint32(at(trunk), trunk);
    view.setUint32(at(trunk) + 4, 0);
    expect(tablesOf(loaded(memory), memory, trunk, free)).toEqual(memory.tables());
    view.setUint32(at(trunk) + 4, 2000);
    expect(tablesOf(loaded(memory), memory, trunk, free)).toEqual(memory.tables());
  });
});
