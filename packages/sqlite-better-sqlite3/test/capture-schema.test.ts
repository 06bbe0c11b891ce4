import type { Statement } from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { openHarness } from "./capture-harness.js";

describe("schema changes", () => {
  test("every kind, with writes between them in one exec", () => {
    const harness = openHarness("CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES(1,'x')");
    harness.db.exec(`
      CREATE TABLE IF NOT EXISTS main . u(id INTEGER PRIMARY KEY, n UNIQUE); -- a comment; with a semicolon
      INSERT INTO u VALUES(1, 'one');
      ALTER TABLE t ADD COLUMN b DEFAULT 5; UPDATE t SET b = 6;
      ALTER TABLE t RENAME COLUMN a TO aa; UPDATE t SET aa = 'y';
      ALTER TABLE t RENAME TO "t two"; INSERT INTO "t two" VALUES(2,'z',7);
      ALTER TABLE "t two" DROP COLUMN b; DELETE FROM "t two" WHERE id = 1;
      CREATE UNIQUE INDEX i ON u(n); CREATE VIEW v AS SELECT * FROM u;
      CREATE TRIGGER tr AFTER INSERT ON u BEGIN UPDATE u SET n = CASE WHEN n = 'a' THEN 'b' ELSE n END; END;
      INSERT INTO u VALUES(2, 'a');
      CREATE TABLE copy AS SELECT id, n AS label FROM u;
      DROP TRIGGER tr; DROP VIEW v; DROP INDEX IF EXISTS i; DROP TABLE u;
      CREATE VIRTUAL TABLE f USING fts5(x);
      PRAGMA user_version = 7;`);
    expect(harness.tape()).toEqual([
      "!CREATE TABLE IF NOT EXISTS u(id INTEGER PRIMARY KEY, n UNIQUE)",
      '+u[1,"one"]',
      "!ALTER TABLE t ADD COLUMN b DEFAULT 5",
      '~t[1,"x",5]>[1,"x",6]',
      "!ALTER TABLE t RENAME COLUMN a TO aa",
      '~t[1,"x",6]>[1,"y",6]',
      '!ALTER TABLE t RENAME TO "t two"',
      '+t two[2,"z",7]',
      '!ALTER TABLE "t two" DROP COLUMN b',
      '-t two[1,"y"]',
      "!CREATE UNIQUE INDEX IF NOT EXISTS i ON u(n)",
      "!CREATE VIEW IF NOT EXISTS v AS SELECT * FROM u",
      "!CREATE TRIGGER IF NOT EXISTS tr AFTER INSERT ON u BEGIN UPDATE u SET n = CASE WHEN n = 'a' THEN 'b' ELSE n END; END",
      '+u[2,"a"]',
      "!CREATE TABLE IF NOT EXISTS copy(id INT,label)",
      '+copy[1,1,"one"]',
      '+copy[2,2,"b"]',
      '!DROP TRIGGER IF EXISTS "tr"',
      '!DROP VIEW IF EXISTS "v"',
      '!DROP INDEX IF EXISTS "i"',
      '!DROP TABLE IF EXISTS "u"',
      "!CREATE VIRTUAL TABLE IF NOT EXISTS f USING fts5(x)",
      "!PRAGMA user_version = 7",
    ]);
    harness.expectReplays();
  });

  test("what changes nothing of the replica is not on the tape", () => {
    const harness = openHarness("CREATE TABLE t(id INTEGER PRIMARY KEY)");
    harness.db.exec(`CREATE TABLE IF NOT EXISTS t(x); DROP TABLE IF EXISTS nope; CREATE TEMP TABLE scratch(a); CREATE TABLE temp.more(a);
      INSERT INTO scratch VALUES(1); ALTER TABLE scratch ADD COLUMN b; DROP TABLE scratch; CREATE INDEX temp.ix ON more(a);
      ATTACH ':memory:' AS other; CREATE TABLE other.x(a); INSERT INTO other.x VALUES(1); ALTER TABLE other.x RENAME TO y; DROP TABLE other.y; DETACH other;
      PRAGMA user_version; ANALYZE; REINDEX`);
    expect(harness.tape()).toEqual([]);
  });

  test("through prepare, too", () => {
    const harness = openHarness();
    expect(harness.db.prepare("CREATE TABLE t(a PRIMARY KEY)").run().changes).toBe(0);
    const insert = harness.db.prepare("INSERT INTO t(a) VALUES(?)");
    insert.run("x");
    harness.db.prepare("ALTER TABLE t ADD COLUMN b").run();
    insert.run("y");
    harness.db.prepare("PRAGMA application_id = 12").run();
    harness.db.pragma("user_version = 3");
    harness.db.pragma("main.user_version(4)");
    expect(harness.tape()).toEqual([
      "!CREATE TABLE IF NOT EXISTS t(a PRIMARY KEY)",
      '+t["x"]',
      "!ALTER TABLE t ADD COLUMN b",
      '+t["y",null]',
      "!PRAGMA application_id = 12",
      "!PRAGMA user_version = 3",
      "!PRAGMA user_version = 4",
    ]);
    harness.expectReplays();
  });

  test("rolled back with its transaction, and captured as before afterwards", () => {
    const harness = openHarness("CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE, b)");
    const { db } = harness;
    const insert = db.prepare("INSERT INTO t(id,a) VALUES(?,?)");
    db.exec("BEGIN; ALTER TABLE t DROP COLUMN b; CREATE TABLE u(x PRIMARY KEY); INSERT INTO u VALUES(1)");
    insert.run(1, "in");
    db.exec("ROLLBACK");
    insert.run(2, "out");
    expect(harness.tape()).toEqual(['+t[2,"out",null]']);
    db.exec(
      "BEGIN; SAVEPOINT s; ALTER TABLE t RENAME TO r; ROLLBACK TO s; INSERT INTO t VALUES(3,'q',1); COMMIT",
    );
    db.exec("CREATE TABLE u(y PRIMARY KEY); INSERT INTO u VALUES(9)");
    expect(harness.tape().slice(1)).toEqual([
      '+t[3,"q",1]',
      "!CREATE TABLE IF NOT EXISTS u(y PRIMARY KEY)",
      "+u[9]",
    ]);
    harness.expectReplays();
  });

  test("a statement that fails leaves the schema and the capture as they were", () => {
    const harness = openHarness(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE); CREATE TABLE p(id INTEGER PRIMARY KEY)",
    );
    expect(() => harness.db.exec("ALTER TABLE t DROP COLUMN a")).toThrow(/UNIQUE/);
    expect(() => harness.db.exec("ALTER TABLE t RENAME TO p")).toThrow(/already/);
    expect(() => harness.db.exec("CREATE TABLE t(x)")).toThrow(/already exists/);
    harness.db.exec("INSERT INTO t VALUES(1,'x'); INSERT OR REPLACE INTO t VALUES(2,'x')");
    expect(harness.tape()).toEqual(['+t[1,"x"]', '-t[1,"x"]', '+t[2,"x"]']);
  });

  test("a trigger is marked when the table it writes appears, and the mark goes with the table", () => {
    const harness = openHarness("CREATE TABLE t(id INTEGER PRIMARY KEY)");
    harness.db.exec(
      "CREATE TRIGGER w AFTER INSERT ON t BEGIN INSERT INTO later VALUES(NEW.id); END; CREATE TABLE later(x)",
    );
    harness.db.exec("INSERT INTO t VALUES(1); INSERT INTO later VALUES(2)");
    expect(harness.tape().slice(2)).toEqual(["+t[1]", "+later[2,2]"]);
    harness.expectReplays();
    harness.db.exec("ALTER TABLE later RENAME TO sooner; INSERT INTO t VALUES(5); DROP TABLE sooner");
    expect(harness.db.prepare("SELECT sql FROM sqlite_schema WHERE name='w'").pluck().get()).not.toContain(
      "tributary_",
    );
  });

  test("a table made over in the twelve steps of SQLite's documentation", () => {
    const harness = openHarness(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES(1,'5'),(2,'6')",
    );
    harness.db.pragma("foreign_keys = OFF");
    harness.db.transaction(() => {
      harness.db.exec(`CREATE TABLE new_t(id INTEGER PRIMARY KEY, a INTEGER NOT NULL); INSERT INTO new_t SELECT * FROM t;
        DROP TABLE t; ALTER TABLE new_t RENAME TO t; INSERT INTO t VALUES(3, 7)`);
    })();
    harness.expectReplays();
  });
});

describe("what is refused", () => {
  const REFUSED = [
    "VACUUM",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA main.journal_mode(memory)",
    "PRAGMA page_size = 8192",
    "PRAGMA writable_schema = ON",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA wal_autocheckpoint = 1000",
    "EXPLAIN PRAGMA wal_autocheckpoint = 1000",
    "; EXPLAIN QUERY PLAN PRAGMA writable_schema = ON",
    "PRAGMA auto_vacuum = 1",
    "PRAGMA schema_version = 3",
    "PRAGMA trusted_schema = OFF",
    "CREATE TABLE tributary_x(a)",
    "DROP TABLE tributary_tape",
    "CREATE INDEX tributary_i ON t(a)",
    "ALTER TABLE t RENAME TO tributary_t",
    "DROP TRIGGER tributary_insert_t",
  ];

  test.each(REFUSED)("%s", (sql) => {
    const harness = openHarness("CREATE TABLE t(a)");
    const refusal = expect.objectContaining({ code: "unsupported-sql" });
    expect(() => harness.db.exec(sql)).toThrow(refusal);
    expect(() => harness.db.exec(`SELECT 1; ${sql};`)).toThrow(refusal);
    expect(() => harness.db.prepare(sql).run()).toThrow(refusal);
    if (sql.startsWith("PRAGMA")) expect(() => harness.db.pragma(sql.slice(7))).toThrow(refusal);
    harness.db.exec("INSERT INTO t VALUES(1)");
    expect(harness.tape()).toEqual(["+t[1,1]"]);
  });

  test("reading these settings, and setting what they are, is fine", () => {
    const { db } = openHarness();
    expect(db.pragma("journal_mode", { simple: true })).toBe("wal");
    expect(db.pragma("journal_mode = WAL", { simple: true })).toBe("wal");
    expect(db.pragma("page_size", { simple: true })).toBe(4096);
    expect(db.pragma("wal_autocheckpoint", { simple: true })).toBe(0);
    expect(db.pragma("synchronous", { simple: true })).toBe(0);
  });

  test("a new temp_store empties the TEMP database, but not the capture", () => {
    const harness = openHarness("CREATE TABLE t(a)");
    harness.db.pragma("temp_store = MEMORY");
    harness.db.exec("INSERT INTO t VALUES(1); PRAGMA temp_store = FILE; INSERT INTO t VALUES(2)");
    harness.db.prepare("PRAGMA temp_store = MEMORY").run();
    harness.db.exec("INSERT INTO t VALUES(3)");
    expect(harness.tape()).toEqual(["+t[1,1]", "+t[2,2]", "+t[3,3]"]);
  });

  test.each([
    ["run", "", (statement: Statement) => statement.run()],
    ["explained", "EXPLAIN ", (statement: Statement) => statement.all()],
    ["explained and iterated over", "EXPLAIN ", (statement: Statement) => [...statement.iterate()]],
  ])("nor does one that is compiled again because another ran meanwhile: %s", (_, explain, run) => {
    const { db, tape } = openHarness("CREATE TABLE t(id INTEGER PRIMARY KEY)");
    const memory = db.prepare(`${explain}PRAGMA temp_store = MEMORY`);
    db.pragma("temp_store = FILE");
    run(memory as Statement);
    expect(db.pragma("temp_store", { simple: true })).toBe(2);
    db.exec("INSERT INTO t VALUES(1)");
    expect(tape()).toEqual(["+t[1]"]);
  });
});
