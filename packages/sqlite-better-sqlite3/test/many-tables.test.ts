import { quoteIdentifier } from "@tributary/core";
import { describe, expect, test } from "vitest";
import { nativeExec, nativeRows } from "../src/native-connection.js";
import { beginCapture, openHarness } from "./capture-harness.js";

/** Three triggers each: more than are made one by one. */
const TABLES = 40;
/** Numbered from 10, so that their names are in the order of their numbers. */
const table = (index: number): string =>
  `CREATE TABLE "Table ${index + 10}"(id INTEGER PRIMARY KEY, a UNIQUE, b COLLATE NOCASE)`;
const schema = (count = TABLES): string =>
  Array.from({ length: count }, (_, index) => table(index)).join(";");
const TRIGGERS =
  "SELECT name, tbl_name, rootpage, sql FROM temp.sqlite_schema WHERE type = 'trigger' ORDER BY name";

describe("the capture of many tables", () => {
  test("is the same whether its triggers are made at once or one by one", () => {
    const atOnce = openHarness(schema());
    const oneByOne = openHarness();
    for (let index = 0; index < TABLES; index++) oneByOne.db.exec(table(index));
    const triggers = nativeRows(atOnce.db, TRIGGERS);
    expect(triggers.length).toBe(3 * TABLES);
    expect(triggers).toEqual(nativeRows(oneByOne.db, TRIGGERS));
    atOnce.db.exec(
      `INSERT INTO "Table 39" VALUES(1, 'x', 'y'); UPDATE "Table 39" SET id = 2; DELETE FROM "Table 39"`,
    );
    expect(atOnce.tape()).toEqual([
      '+Table 39[1,"x","y"]',
      '~Table 39[1,"x","y"]>[2,"x","y"]',
      '-Table 39[2,"x","y"]',
    ]);
  });

  test("holds for tables of any name", () => {
    const odd = [
      'x"y',
      "it's",
      "ÄÖ",
      "äö",
      "a]b",
      "new\nline",
      "CREATE TEMP ",
      "-- c",
      "; END",
      "insert_x",
      "note_insert_x",
      "x",
      "%s",
      "$1",
      "?1",
      "main.t",
      "NEW",
      "rowid",
      "long".repeat(300),
    ];
    const names = [...odd, ...Array.from({ length: TABLES }, (_, index) => `t${index}`)].map(quoteIdentifier);
    const made = names.map((name) => `CREATE TABLE ${name}(id INTEGER PRIMARY KEY, ${name} UNIQUE)`);
    const { db, tape } = openHarness(made.join(";"));
    // Shadows one of them.
    db.exec("CREATE TEMP TABLE x(id)");
    for (const name of names)
      db.exec(`INSERT INTO main.${name} VALUES(1, 2); REPLACE INTO main.${name} VALUES(2, 2)`);
    expect(tape().length).toBe(names.length * 3);
  });

  test.each(["fts4", "fts5"])("loses nothing that a virtual table has not written yet: %s", (module) => {
    const { db } = openHarness(`${schema()}; CREATE VIRTUAL TABLE f USING ${module}(a)`);
    // REPLACE has the triggers made anew.
    db.exec(`BEGIN; INSERT INTO f(rowid, a) VALUES(1, 'one'); REPLACE INTO "Table 10" VALUES(1, 2, 3);
INSERT INTO f(rowid, a) VALUES(2, 'two'); COMMIT; INSERT INTO f(f) VALUES('integrity-check')`);
    const find = db.prepare("SELECT rowid FROM f WHERE f MATCH ?").pluck();
    expect([find.all("one"), find.all("two")]).toEqual([[1], [2]]);
  });

  test.each(["", "BEGIN", "SAVEPOINT s"])("fails as a whole where TEMP is full: %s", (begin) => {
    const { db, tape, expectReplays } = openHarness(schema());
    const insert = db.prepare(`INSERT INTO "Table 10" VALUES(?, ?, NULL)`);
    const replace = db.prepare(`REPLACE INTO "Table 10" VALUES(?, ?, NULL)`);
    insert.run(1n, 1n);
    db.exec(begin);
    const pages = Number(db.pragma("temp.page_count", { simple: true }));
    db.pragma(`temp.max_page_count = ${pages + 2}`);
    expect(() => replace.run(2n, 1n)).toThrow(/full/);
    db.pragma(`temp.max_page_count = ${pages * 100}`);
    expect(() => db.exec("DELETE FROM temp.sqlite_schema")).toThrow(/may not be modified/);
    insert.run(3n, 3n);
    replace.run(4n, 3n);
    if (db.inTransaction) db.exec("COMMIT");
    expect(tape()).toEqual([
      "+Table 10[1,1,null]",
      "+Table 10[3,3,null]",
      "-Table 10[3,3,null]",
      "+Table 10[4,3,null]",
    ]);
    expectReplays();
  });

  test("holds for statements that were prepared before", () => {
    const { io, db, tape } = openHarness(schema(1));
    const insert = db.prepare(`INSERT INTO "Table 10" VALUES(?, NULL, NULL)`);
    const other = db.prepare(`INSERT INTO "Table 10"(a) VALUES(?)`);
    insert.run(1);
    if (!io.tryBeginWrite()) throw new Error("busy");
    // As a pull brings them, past the capture.
    io.executeSql("writer", Array.from({ length: TABLES }, (_, index) => table(index + 1)).join(";"));
    io.executeSql("writer", `CREATE UNIQUE INDEX late ON "Table 10"(b)`);
    io.executeSql("writer", "COMMIT");
    io.refreshCapture("app");
    insert.run(2);
    other.run("x");
    db.exec(`REPLACE INTO "Table 10" VALUES(4, 'x', NULL); INSERT INTO "Table 40" VALUES(1, 2, 3)`);
    expect(tape().filter((entry) => !entry.startsWith("!"))).toEqual([
      "+Table 10[1,null,null]",
      "+Table 10[2,null,null]",
      '+Table 10[3,"x",null]',
      '-Table 10[3,"x",null]',
      '+Table 10[4,"x",null]',
      "+Table 40[1,2,3]",
    ]);
  });

  test.each([
    ["a transaction", "BEGIN", "ROLLBACK"],
    ["a savepoint", "BEGIN; SAVEPOINT s", "ROLLBACK TO s; COMMIT"],
  ])("is taken back with %s", (_, begin, end) => {
    const { io, db, tape } = openHarness(schema());
    const insert = db.prepare(`INSERT INTO "Table 10"(a) VALUES(?)`);
    const triggers = nativeRows(db, TRIGGERS);
    for (const [name] of triggers) nativeExec(db, `DROP TRIGGER temp."${name}"`);
    nativeExec(db, `DELETE FROM temp.tributary_built; ${begin}`);
    io.refreshCapture("app");
    insert.run("in it");
    expect(nativeRows(db, "SELECT v1 FROM tributary_tape")).toEqual([["in it"]]);
    nativeExec(db, end);
    expect(nativeRows(db, TRIGGERS)).toEqual([]);
    // SQLite must not fire what it has read before: the tape would have what the database has not.
    insert.run("after it");
    expect(tape()).toEqual([]);
    io.refreshCapture("app");
    expect(nativeRows(db, TRIGGERS)).toEqual(triggers);
    insert.run("again");
    expect(tape()).toEqual(['+Table 10[2,"again",null]']);
  });

  test("is made anew when the TEMP database was emptied", () => {
    const { db, tape } = openHarness(schema());
    db.pragma("temp_store = MEMORY");
    db.exec(`INSERT INTO "Table 13" VALUES(1, 2, 3)`);
    expect(tape()).toEqual(["+Table 13[1,2,3]"]);
  });

  test("leaves SQLite's defences up", () => {
    const { io, db } = openHarness(schema());
    beginCapture(io);
    expect(() => db.exec("DELETE FROM temp.sqlite_schema")).toThrow(/may not be modified/);
    expect(db.pragma("writable_schema", { simple: true })).toBe(0);
  });
});
