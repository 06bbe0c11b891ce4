import { describe, expect, test } from "vitest";
import { nativeRows } from "../src/native-connection.js";
import { type Harness, openHarness } from "./capture-harness.js";

/** Rows that a statement deletes without firing delete triggers: schema, rows at the start, statement, tape. */
const CASES: [name: string, schema: string, sql: string, tape: string[]][] = [
  [
    "the same key needs no delete",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES(1,'a')",
    "REPLACE INTO t VALUES(1,'b')",
    ['+t[1,"b"]'],
  ],
  [
    "another unique index",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES(1,'a')",
    "INSERT OR REPLACE INTO t VALUES(2,'a')",
    ['-t[1,"a"]', '+t[2,"a"]'],
  ],
  [
    "several rows at once, each once",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, v UNIQUE, w UNIQUE); INSERT INTO t VALUES(1,'a','x',1),(2,'b','y',2),(3,'c','z',3)",
    "INSERT OR REPLACE INTO t VALUES(4,'a','y',1)",
    ['-t[1,"a","x",1]', '-t[2,"b","y",2]', '+t[4,"a","y",1]'],
  ],
  [
    "the same key and another row",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES(1,'a'),(2,'b')",
    "INSERT OR REPLACE INTO t VALUES(1,'b')",
    ['-t[2,"b"]', '+t[1,"b"]'],
  ],
  [
    "ON CONFLICT REPLACE of the schema",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE ON CONFLICT REPLACE); INSERT INTO t VALUES(1,'a')",
    "INSERT INTO t VALUES(2,'a')",
    ['-t[1,"a"]', '+t[2,"a"]'],
  ],
  [
    "a partial index",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, u, live); CREATE UNIQUE INDEX i ON t(u) WHERE live = 1; INSERT INTO t VALUES(1,'a',1),(2,'a',0)",
    "INSERT OR REPLACE INTO t VALUES(3,'a',1); INSERT OR REPLACE INTO t VALUES(4,'a',0)",
    ['-t[1,"a",1]', '+t[3,"a",1]', '+t[4,"a",0]'],
  ],
  [
    "an expression index",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); CREATE UNIQUE INDEX i ON t(lower(a) COLLATE BINARY DESC, b+1); INSERT INTO t VALUES(1,'A',1),(2,'A',2)",
    "INSERT OR REPLACE INTO t VALUES(3,'a',1)",
    ['-t[1,"A",1]', '+t[3,"a",1]'],
  ],
  [
    "a NOCASE index",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a); CREATE UNIQUE INDEX i ON t(a COLLATE NOCASE); INSERT INTO t VALUES(1,'Ab')",
    "INSERT OR REPLACE INTO t VALUES(2,'aB')",
    ['-t[1,"Ab"]', '+t[2,"aB"]'],
  ],
  [
    "a BINARY index on a NOCASE column, changed in case only",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a COLLATE NOCASE); CREATE UNIQUE INDEX i ON t(a COLLATE BINARY); INSERT INTO t VALUES(1,'Ab'),(2,'ab')",
    "UPDATE OR REPLACE t SET a='ab' WHERE id=1",
    ['-t[2,"ab"]', '~t[1,"Ab"]>[1,"ab"]'],
  ],
  [
    "a unique generated column",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a, g AS (a % 10) UNIQUE); INSERT INTO t VALUES(1,11),(2,12)",
    "INSERT OR REPLACE INTO t VALUES(3,21); UPDATE OR REPLACE t SET a=31 WHERE id=2",
    ["-t[1,11]", "+t[3,21]", "-t[3,21]", "~t[2,12]>[2,31]"],
  ],
  [
    "NULLs are never in the way",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES(1,NULL)",
    "INSERT OR REPLACE INTO t VALUES(2,NULL)",
    ["+t[2,null]"],
  ],
  [
    "an affinity makes values equal",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, u INTEGER UNIQUE); INSERT INTO t VALUES(1,5)",
    "INSERT OR REPLACE INTO t VALUES(2,'5')",
    ["-t[1,5]", "+t[2,5]"],
  ],
  [
    "a table without a key",
    "CREATE TABLE t(u UNIQUE, a); INSERT INTO t VALUES('x',1)",
    "INSERT OR REPLACE INTO t VALUES('x',2)",
    ['-t[1,"x",1]', '+t[2,"x",2]'],
  ],
  [
    "a key that may be NULL",
    "CREATE TABLE t(k PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES(NULL,1),(NULL,2)",
    "INSERT OR REPLACE INTO t VALUES(NULL,1)",
    ["-t[null,1]", "+t[null,1]"],
  ],
  [
    "WITHOUT ROWID",
    "CREATE TABLE t(k PRIMARY KEY, u UNIQUE) WITHOUT ROWID; INSERT INTO t VALUES('a',1)",
    "INSERT OR REPLACE INTO t VALUES('b',1)",
    ['-t["a",1]', '+t["b",1]'],
  ],
  [
    "UPDATE OR REPLACE onto a unique value",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES(1,'a'),(2,'b')",
    "UPDATE OR REPLACE t SET u='a' WHERE id=2",
    ['-t[1,"a"]', '~t[2,"b"]>[2,"a"]'],
  ],
  [
    "UPDATE OR REPLACE onto a key",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES(1,'a'),(2,'b')",
    "UPDATE OR REPLACE t SET id=1 WHERE id=2",
    ['-t[1,"a"]', '~t[2,"b"]>[1,"b"]'],
  ],
  [
    "UPDATE OR REPLACE onto a rowid",
    "CREATE TABLE t(a); INSERT INTO t VALUES('a'),('b')",
    "UPDATE OR REPLACE t SET rowid=1 WHERE rowid=2",
    ['-t[1,"a"]', '~t[2,"b"]>[1,"b"]'],
  ],
  [
    "UPDATE OR REPLACE onto a composite key and a unique value",
    "CREATE TABLE t(a TEXT, b, u UNIQUE, PRIMARY KEY(a,b)); INSERT INTO t VALUES('x',1,1),('x',2,2),('x',3,3)",
    "UPDATE OR REPLACE t SET b=2, u=3 WHERE b=1",
    ['-t["x",2,2]', '-t["x",3,3]', '~t["x",1,1]>["x",2,3]'],
  ],
  [
    "a key that only changes its case",
    "CREATE TABLE t(k TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, a); INSERT INTO t VALUES('a',1)",
    "UPDATE OR REPLACE t SET k='A'",
    ['~t["a",1]>["A",1]'],
  ],
  [
    "OR IGNORE leaves no stale note behind",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES(1,'a'),(2,'b')",
    "INSERT OR IGNORE INTO t VALUES(3,'a'); UPDATE OR IGNORE t SET id=1 WHERE id=2; INSERT INTO t VALUES(4,'c'); UPDATE t SET u='d' WHERE id=2; DELETE FROM t WHERE id=1",
    ['+t[4,"c"]', '~t[2,"b"]>[2,"d"]', '-t[1,"a"]'],
  ],
  [
    "many rows in one statement",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES(1,'a'),(2,'b')",
    "INSERT OR REPLACE INTO t VALUES(3,'a'),(4,'b'),(5,'a')",
    ['-t[1,"a"]', '+t[3,"a"]', '-t[2,"b"]', '+t[4,"b"]', '-t[3,"a"]', '+t[5,"a"]'],
  ],
  [
    "a cascade on the same table between the note and its use",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, p REFERENCES t ON UPDATE CASCADE, u UNIQUE); INSERT INTO t VALUES(1,NULL,'a'),(2,1,'b'),(9,NULL,'x')",
    "UPDATE OR REPLACE t SET id=5, u='x' WHERE id=1",
    ['~t[2,1,"b"]>[2,5,"b"]', '-t[9,null,"x"]', '~t[1,null,"a"]>[5,null,"x"]'],
  ],
];

/** Has the word in it and changes nothing: from here on the connection looks out for displaced rows. */
function lookOut(db: Harness["db"]): void {
  db.exec("DELETE FROM t WHERE replace('', 'a', 'b') <> ''");
}

interface Op {
  readonly addr: number;
  readonly opcode: string;
  readonly p1: number;
  readonly p3: number;
}

/** The programs that SQLite makes of a statement: its own, and those of the triggers. */
function programsOf(db: Harness["db"], sql: string): Op[][] {
  const programs: Op[][] = [];
  for (const op of db.prepare(`EXPLAIN ${sql}`).all() as Op[]) {
    if (op.addr === 0) programs.push([]);
    programs.at(-1)?.push(op);
  }
  return programs;
}

/** Cursors that only read tables and indexes of `main`. */
function readCursors(ops: readonly Op[]): number[] {
  return ops.filter(({ opcode, p3 }) => opcode === "OpenRead" && p3 === 0).map(({ p1 }) => p1);
}

describe("rows displaced by REPLACE", () => {
  test.each(CASES)("%s", (_name, schema, sql, tape) => {
    const harness = openHarness(schema);
    harness.db.exec(sql);
    expect(harness.tape()).toEqual(tape);
    harness.expectReplays();
  });

  test.each(CASES)("%s, on a connection that looks out for them", (_name, schema, sql, tape) => {
    const harness = openHarness(schema);
    lookOut(harness.db);
    harness.db.exec(sql);
    expect(harness.tape()).toEqual(tape);
  });

  test.each(CASES)("%s, with recursive_triggers", (_name, schema, sql) => {
    const harness = openHarness(schema);
    harness.db.pragma("recursive_triggers = ON");
    harness.db.exec(sql);
    harness.expectReplays();
  });

  test("notes are found by index, not by scan", () => {
    const { db } = openHarness(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b, c); CREATE UNIQUE INDEX i ON t(lower(a)); CREATE UNIQUE INDEX j ON t(b COLLATE NOCASE) WHERE c = 1; CREATE UNIQUE INDEX k ON t(c)",
    );
    lookOut(db);
    const programs = programsOf(db, "INSERT INTO t VALUES(1,2,3,4)").filter(
      (ops) => readCursors(ops).length > 0,
    );
    // That which notes looks into each index, and into the table.
    expect(Math.max(...programs.map((ops) => readCursors(ops).length))).toBeGreaterThan(3);
    for (const ops of programs) {
      const scanned = ops
        .filter(({ opcode }) => opcode === "Rewind" || opcode === "Last")
        .map(({ p1 }) => p1);
      expect(scanned.filter((cursor) => readCursors(ops).includes(cursor))).toEqual([]);
    }
  });
});

test("a row that an upsert found, and that is gone since, is not recorded as deleted again", () => {
  const { db, tape } = openHarness(
    "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES(1,'a')",
  );
  lookOut(db);
  db.prepare("INSERT INTO t VALUES(2,'a') ON CONFLICT(u) DO NOTHING").run();
  db.prepare("DELETE FROM t").run();
  db.prepare("INSERT INTO t VALUES(3,'c')").run();
  expect(tape()).toEqual(['-t[1,"a"]', '+t[3,"c"]']);
});

test("a database whose changes are taken back records what an insert has replaced", () => {
  const { db, io, tape } = openHarness(
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES(1,'a')",
  );
  if (!io.tryBeginWrite()) throw new Error("busy");
  io.executeSql("writer", "INSERT INTO tributary_local VALUES ('stream_rebase_from', 'hub')");
  io.refreshCapture("writer");
  io.executeSql("writer", "COMMIT");
  io.refreshCapture("app");
  db.prepare("REPLACE INTO t VALUES(1,'b')").run();
  db.prepare("INSERT INTO t VALUES(1,'c') ON CONFLICT DO UPDATE SET a = excluded.a").run();
  db.prepare("INSERT INTO t VALUES(2,'d')").run();
  expect(tape()).toEqual(['-t[1,"a"]', '+t[1,"b"]', '~t[1,"b"]>[1,"c"]', '+t[2,"d"]']);
});

describe("a connection looks out for displaced rows only where there may be some", () => {
  const UNIQUE = "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES(1,'a')";
  const OTHER = "CREATE TABLE o(id INTEGER PRIMARY KEY)";
  const looksOut = (db: Harness["db"]): boolean =>
    nativeRows(db, "SELECT 1 FROM temp.sqlite_schema WHERE name = 'tributary_note_insert_t'").length === 1;

  test.each<[string, string, (db: Harness["db"]) => unknown]>([
    [
      "a statement that was prepared before",
      UNIQUE,
      (db) => db.prepare("replace INTO t VALUES(2,'a')").run(),
    ],
    [
      "one of several in a text",
      UNIQUE,
      (db) => db.exec("UPDATE t SET id = 1; INSERT OR/**/REPLACE INTO t VALUES(2,'a')"),
    ],
    [
      "one that gives rows",
      UNIQUE,
      (db) => [...db.prepare("REPLACE INTO t VALUES(2,'a') RETURNING id").iterate()],
    ],
    [
      "one with a common table expression",
      UNIQUE,
      (db) => db.prepare("WITH x AS (SELECT 2, 'a') REPLACE INTO t SELECT * FROM x").run(),
    ],
    [
      "a trigger of the schema",
      `${UNIQUE}; ${OTHER}; CREATE TRIGGER x AFTER INSERT ON o BEGIN REPLACE INTO t VALUES(2,'a'); END`,
      (db) => db.exec("INSERT INTO o VALUES(1)"),
    ],
    [
      "a trigger that is made meanwhile",
      `${UNIQUE}; ${OTHER}`,
      (db) =>
        db.exec(
          "CREATE TRIGGER x AFTER INSERT ON o BEGIN REPLACE INTO t VALUES(2,'a'); END; INSERT INTO o VALUES(1)",
        ),
    ],
    [
      "a trigger in TEMP",
      `${UNIQUE}; ${OTHER}`,
      (db) =>
        db.exec(
          "CREATE TEMP TRIGGER x AFTER INSERT ON main.o BEGIN REPLACE INTO t VALUES(2,'a'); END; INSERT INTO o VALUES(1)",
        ),
    ],
    [
      "a constraint that is made meanwhile",
      OTHER,
      (db) =>
        db.exec(
          "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE ON CONFLICT REPLACE); INSERT INTO t VALUES(1,'a'); INSERT INTO t VALUES(2,'a')",
        ),
    ],
  ])("%s", (_name, schema, work) => {
    const { db, tape, entries, expectReplays } = openHarness(schema);
    work(db);
    expect(looksOut(db)).toBe(true);
    expect(db.prepare("SELECT id, u FROM t").raw().all()).toEqual([[2, "a"]]);
    // Triggers of the schema make their changes where the change lands.
    if (entries().some(({ table }) => table === "o"))
      expect(tape()).toEqual(expect.arrayContaining(["+o[1]"]));
    else expect(tape()).toEqual(expect.arrayContaining(['-t[1,"a"]', '+t[2,"a"]']));
    expectReplays();
  });

  test("and with no other statement", () => {
    const { db } = openHarness(UNIQUE);
    db.exec(
      "INSERT INTO t VALUES(2,'b') ON CONFLICT DO NOTHING; UPDATE OR IGNORE t SET u = 'a'; DELETE FROM t",
    );
    db.exec("CREATE TABLE replaced(replaces, no_replace)");
    db.prepare("SELECT replace('a', 'b', 'c')").get();
    expect(looksOut(db)).toBe(false);
  });

  test.each([
    ["BEGIN", "ROLLBACK"],
    ["BEGIN; SAVEPOINT s", "ROLLBACK TO s; COMMIT"],
  ])("also after a rollback: %s, %s", (begin, end) => {
    const { db, tape } = openHarness(UNIQUE);
    const replace = db.prepare("REPLACE INTO t VALUES(2,'a')");
    db.exec(begin);
    replace.run();
    db.exec(end);
    expect(looksOut(db)).toBe(false);
    replace.run();
    expect(tape()).toEqual(['-t[1,"a"]', '+t[2,"a"]']);
  });

  test("also when better-sqlite3 rolls back a transaction inside another one", () => {
    const { db, tape } = openHarness(UNIQUE);
    const replace = db.prepare("REPLACE INTO t VALUES(2,'a')");
    const failing = db.transaction(() => {
      replace.run();
      throw new Error("no");
    });
    db.transaction(() => {
      expect(failing).toThrow("no");
      replace.run();
    })();
    expect(tape()).toEqual(['-t[1,"a"]', '+t[2,"a"]']);
  });

  test("also after the TEMP database was emptied", () => {
    const { db, tape } = openHarness(UNIQUE);
    const replace = db.prepare("REPLACE INTO t VALUES(?, 'a')");
    replace.run(2);
    db.pragma("temp_store = MEMORY");
    expect(looksOut(db)).toBe(false);
    replace.run(3);
    expect(tape()).toEqual(['-t[1,"a"]', '+t[2,"a"]', '-t[2,"a"]', '+t[3,"a"]']);
  });

  // Few tables, and as many as have their triggers written at once.
  test.each([1, 60])("and changes() and last_insert_rowid() stay as they are, with %i tables", (tables) => {
    const others = Array.from(
      { length: tables },
      (_, i) => `CREATE TABLE o${i}(id INTEGER PRIMARY KEY, u UNIQUE)`,
    );
    const { db } = openHarness([UNIQUE, ...others].join(";"));
    for (const work of [
      "INSERT INTO o0 VALUES(76, 1), (77, 2), (-78, 3)",
      "DELETE FROM o0 WHERE id = 76",
      "DELETE FROM t WHERE id = 9",
    ]) {
      db.exec(work);
      const asked = db.prepare("SELECT changes(), last_insert_rowid()").raw().get();
      db.exec("BEGIN; REPLACE INTO t VALUES(changes(), last_insert_rowid())");
      expect(db.prepare("SELECT id, u FROM t WHERE id <> 1 OR u <> 'a'").raw().all()).toEqual([asked]);
      // The next one asks again.
      db.exec("ROLLBACK");
      expect(looksOut(db)).toBe(false);
    }
  });

  test("also while rows are iterated over, in unsafe mode", () => {
    const { db, tape } = openHarness(`${UNIQUE}; ${OTHER}; INSERT INTO o VALUES(2),(3)`);
    const replace = db.prepare("REPLACE INTO t VALUES(?,'a')");
    db.unsafeMode();
    for (const id of db.prepare<[], number>("SELECT id FROM o").pluck().iterate()) replace.run(id);
    expect(tape()).toEqual(['-t[1,"a"]', '+t[2,"a"]', '-t[2,"a"]', '+t[3,"a"]']);
  });

  test("also on the engine's connection", () => {
    const { io, db, tape } = openHarness(UNIQUE);
    if (!io.tryBeginWrite()) throw new Error("busy");
    expect(io.runSql([{ sql: "INSERT OR REPLACE INTO t VALUES(2,'a')", params: [] }])).toBeUndefined();
    io.executeSql("writer", "COMMIT");
    expect(tape()).toEqual(['-t[1,"a"]', '+t[2,"a"]']);
    expect(looksOut(db)).toBe(false);
  });
});
