import { describe, expect, test } from "vitest";
import { openHarness } from "./capture-harness.js";

/** Each kind of table: its schema, what the app runs, what is on the tape then. */
const CASES: [name: string, schema: string, sql: string, tape: string[]][] = [
  [
    "INTEGER PRIMARY KEY",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a)",
    "INSERT INTO t VALUES(1,'x'),(2,'y'); UPDATE t SET a='z' WHERE id=1; DELETE FROM t WHERE id=2",
    ['+t[1,"x"]', '+t[2,"y"]', '~t[1,"x"]>[1,"z"]', '-t[2,"y"]'],
  ],
  [
    "AUTOINCREMENT",
    "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a)",
    "INSERT INTO t(a) VALUES('x'),('y'); DELETE FROM t WHERE id=2; INSERT INTO t(a) VALUES('z')",
    ['+t[1,"x"]', '+t[2,"y"]', '-t[2,"y"]', '+t[3,"z"]'],
  ],
  [
    "a key set by way of the rowid",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a)",
    "INSERT INTO t(rowid,a) VALUES(4,'x'); UPDATE t SET rowid=5; UPDATE t SET oid=6",
    ['+t[4,"x"]', '~t[4,"x"]>[5,"x"]', '~t[5,"x"]>[6,"x"]'],
  ],
  [
    "INTEGER PRIMARY KEY DESC, which is no rowid",
    "CREATE TABLE t(id INTEGER PRIMARY KEY DESC, a)",
    "INSERT INTO t VALUES(NULL,'x'); UPDATE t SET a='y'; DELETE FROM t",
    ['+t[null,"x"]', '~t[null,"x"]>[null,"y"]', '-t[null,"y"]'],
  ],
  [
    "composite key",
    "CREATE TABLE t(v, b TEXT, a INT, PRIMARY KEY(a,b))",
    "INSERT INTO t VALUES('v','x',1); UPDATE t SET b='y'; DELETE FROM t",
    ['+t["v","x",1]', '~t["v","x",1]>["v","y",1]', '-t["v","y",1]'],
  ],
  [
    "NULL in keys",
    "CREATE TABLE t(k TEXT PRIMARY KEY, a)",
    "INSERT INTO t VALUES(NULL,1),(NULL,2); UPDATE t SET a=3 WHERE a=1; DELETE FROM t WHERE a=2",
    ["+t[null,1]", "+t[null,2]", "~t[null,1]>[null,3]", "-t[null,2]"],
  ],
  [
    "WITHOUT ROWID",
    "CREATE TABLE t(k TEXT PRIMARY KEY, a) WITHOUT ROWID",
    "INSERT INTO t VALUES('x',1); UPDATE t SET k='y'; DELETE FROM t",
    ['+t["x",1]', '~t["x",1]>["y",1]', '-t["y",1]'],
  ],
  [
    "no key",
    "CREATE TABLE t(a, b)",
    "INSERT INTO t VALUES(1,2); UPDATE t SET b=3; UPDATE t SET rowid=9; DELETE FROM t",
    ["+t[1,1,2]", "~t[1,1,2]>[1,1,3]", "~t[1,1,3]>[9,1,3]", "-t[9,1,3]"],
  ],
  [
    "no key, a column named rowid",
    "CREATE TABLE t(rowid, _rowid_)",
    "INSERT INTO t VALUES('a','b'); UPDATE t SET rowid='c'",
    ['+t[1,"a","b"]', '~t[1,"a","b"]>[1,"c","b"]'],
  ],
  [
    "generated columns",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, v AS (a+1), a, s AS (a*2) STORED)",
    "INSERT INTO t(a) VALUES(5); UPDATE t SET a=6; DELETE FROM t",
    ["+t[1,5]", "~t[1,5]>[1,6]", "-t[1,6]"],
  ],
  [
    "odd names",
    `CREATE TABLE "we ""ird'; --"("sel ect" INTEGER PRIMARY KEY, "a""b", [c d], "größe", "order", "NEW", x);`,
    `INSERT INTO "we ""ird'; --" VALUES(1,2,3,4,5,6,7); UPDATE "we ""ird'; --" SET "order"=8`,
    [`+we "ird'; --[1,2,3,4,5,6,7]`, `~we "ird'; --[1,2,3,4,5,6,7]>[1,2,3,4,8,6,7]`],
  ],
  [
    "a keyword for a name",
    'CREATE TABLE "table"("select" PRIMARY KEY NOT NULL, "from" UNIQUE)',
    `INSERT INTO "table" VALUES(1,2); INSERT OR REPLACE INTO "table" VALUES(3,2)`,
    ["+table[1,2]", "-table[1,2]", "+table[3,2]"],
  ],
  [
    "STRICT and CHECK",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT CHECK(a<>'no'), r REAL) STRICT",
    "INSERT INTO t VALUES(1,'x',2); INSERT OR IGNORE INTO t VALUES(2,'no',1)",
    ['+t[1,"x",2.0]'],
  ],
  [
    "upsert",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE, n)",
    "INSERT INTO t VALUES(1,'x',1); INSERT INTO t VALUES(1,'y',2) ON CONFLICT(id) DO UPDATE SET n=excluded.n; INSERT INTO t VALUES(7,'x',3) ON CONFLICT(a) DO UPDATE SET id=excluded.id; INSERT INTO t VALUES(7,'q',3) ON CONFLICT DO NOTHING",
    ['+t[1,"x",1]', '~t[1,"x",1]>[1,"x",2]', '~t[1,"x",2]>[7,"x",2]'],
  ],
  [
    "foreign key actions",
    `CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE);
     CREATE TABLE n(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE SET NULL ON UPDATE CASCADE)`,
    "INSERT INTO p VALUES(1),(2); INSERT INTO c VALUES(10,1); INSERT INTO n VALUES(20,1); UPDATE p SET id=3 WHERE id=1; DELETE FROM p WHERE id=3",
    [
      "+p[1]",
      "+p[2]",
      "+c[10,1]",
      "+n[20,1]",
      "~n[20,1]>[20,3]",
      "~c[10,1]>[10,3]",
      "~p[1]>[3]",
      "~n[20,3]>[20,null]",
      "-c[10,3]",
      "-p[3]",
    ],
  ],
  [
    "DELETE of everything",
    "CREATE TABLE t(id INTEGER PRIMARY KEY)",
    "INSERT INTO t VALUES(1),(2); DELETE FROM t",
    ["+t[1]", "+t[2]", "-t[1]", "-t[2]"],
  ],
];

describe("tape content by kind of table", () => {
  test.each(CASES)("%s", (_name, schema, sql, tape) => {
    const harness = openHarness(schema);
    harness.db.exec(sql);
    const got = harness.tape();
    // The order of the actions of one statement's foreign keys is SQLite's own business.
    expect([...got].sort()).toEqual([...tape].sort());
    if (!schema.includes("REFERENCES")) expect(got).toEqual(tape);
    harness.expectReplays();
  });

  test("a wide table widens the tape", () => {
    const columns = Array.from({ length: 40 }, (_, index) => `c${index}`);
    const harness = openHarness(`CREATE TABLE t(id INTEGER PRIMARY KEY, ${columns.join(", ")})`);
    harness.db.exec(`INSERT INTO t(id, c39) VALUES(1, 'last'); UPDATE t SET c39 = 'new'`);
    expect(harness.entries()[1]?.after?.[40]).toBe("new");
    harness.expectReplays();
  });

  test("tables that are not captured: virtual, shadow, the push position", () => {
    const harness = openHarness(
      "CREATE VIRTUAL TABLE f USING fts5(a); CREATE TABLE turso_sync_last_change_id(client_id TEXT PRIMARY KEY, pull_gen INTEGER, change_id INTEGER)",
    );
    harness.db.exec("INSERT INTO f VALUES('x'); INSERT INTO turso_sync_last_change_id VALUES('a',1,1)");
    expect(harness.tape()).toEqual([]);
  });

  test("values keep their type and every bit", () => {
    const harness = openHarness("CREATE TABLE t(id INTEGER PRIMARY KEY, a, r REAL)");
    const insert = harness.db.prepare("INSERT INTO t(a, r) VALUES(?, ?)");
    const values = [
      null,
      1n,
      1,
      2n ** 63n - 1n,
      -(2n ** 63n),
      -0,
      Infinity,
      -Infinity,
      0.1,
      1e300,
      2 ** 53 + 2,
      "",
      "a\0b",
      "é😀",
      new Uint8Array(0),
      new Uint8Array([0, 255]),
    ];
    for (const value of values) insert.run(value, typeof value === "number" ? value : null);
    const entries = harness.entries();
    expect(entries.map((entry) => entry.after?.[1])).toEqual(
      values.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value)),
    );
    // SQLite keeps -0.0 in a column without type, but a REAL column stores it as the integer 0, so the sign is lost there.
    expect(Object.is(entries[5]?.after?.[1], -0)).toBe(true);
    expect(Object.is(entries[5]?.after?.[2], -0)).toBe(false);
    // A whole number in a REAL column is stored as an integer, but it is a real.
    expect(entries[2]?.after?.[2]).toBe(1);
    harness.expectReplays();
  });

  test("the results of statements are those without capture", () => {
    const { db } = openHarness("CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE)");
    expect(db.prepare("INSERT INTO t VALUES(7,'x'),(8,'y')").run()).toEqual({
      changes: 2,
      lastInsertRowid: 8,
    });
    expect(db.prepare("INSERT OR IGNORE INTO t VALUES(7,'x')").run()).toEqual({
      changes: 0,
      lastInsertRowid: 8,
    });
    expect(db.prepare("UPDATE t SET a = a || 'z'").run().changes).toBe(2);
    expect(db.prepare("INSERT OR REPLACE INTO t VALUES(9,'xz')").run()).toEqual({
      changes: 1,
      lastInsertRowid: 9,
    });
    expect(db.prepare("SELECT last_insert_rowid(), changes()").raw().get()).toEqual([9, 1]);
    expect(db.prepare("DELETE FROM t").run().changes).toBe(2);
  });
});

describe("tables that cannot be captured", () => {
  const HOPELESS = "CREATE TABLE t(rowid, _rowid_, oid)";

  test("making one is refused, and leaves nothing behind", () => {
    const harness = openHarness();
    expect(() => harness.db.exec(HOPELESS)).toThrow(/give it a primary key/);
    expect(harness.db.prepare("SELECT count(*) FROM sqlite_schema WHERE name='t'").pluck().get()).toBe(0);
    const wide = Array.from({ length: 1100 }, (_, index) => `c${index}`).join(", ");
    expect(() => harness.db.exec(`CREATE TABLE wide(id INTEGER PRIMARY KEY, ${wide})`)).toThrow(
      /columns: split it/,
    );
    expect(harness.tape()).toEqual([]);
  });

  test("one that is there already cannot be written", () => {
    const { db } = openHarness(HOPELESS);
    expect(() => db.exec("INSERT INTO t VALUES(1,2,3)")).toThrow(/cannot be synced/);
    expect(db.prepare("SELECT * FROM t").all()).toEqual([]);
  });
});
