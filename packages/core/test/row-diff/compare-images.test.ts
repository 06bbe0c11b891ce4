import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { compareImages } from "../../src/row-diff/compare-images.js";
import { ChangingDatabase, imageOf } from "./support/changing-database.js";
import { openScratch } from "./support/scratch.js";
import { type ShortChange, shortChanges } from "./support/short-changes.js";

/** What statements change in a database that others have made. */
function changes(before: string, sql: string, ...pragmas: readonly string[]): Record<string, ShortChange[]> {
  const database = new ChangingDatabase(...pragmas);
  database.db.exec(before);
  return shortChanges(database.differenceOf(sql));
}

describe("a row is known", () => {
  test("by an integer key", () => {
    const told = changes(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 2), (3, 'z', 3)",
      "UPDATE t SET b = 20 WHERE id = 2; DELETE FROM t WHERE id = 3; INSERT INTO t VALUES (-9223372036854775808, NULL, x'00ff')",
    );
    expect(told).toEqual({
      t: [
        ["delete", [3n, "z", 3n]],
        ["insert", [-(2n ** 63n), null, Uint8Array.of(0, 255)]],
        ["update", [2n, "y", 2n], [2n, "y", 20n]],
      ],
    });
  });

  test("by a key that it is not stored by, wherever it is", () => {
    const told = changes(
      "CREATE TABLE t (id TEXT PRIMARY KEY COLLATE NOCASE, a); INSERT INTO t VALUES ('a', 1), ('b', 2), ('c', 3), ('d', 4), (NULL, 5)",
      `INSERT OR REPLACE INTO t VALUES ('A', 10); UPDATE t SET id = 'bb' WHERE id = 'b';
       UPDATE t SET id = CASE id WHEN 'c' THEN 'd' ELSE 'c ' END WHERE id = 'nobody';
       DELETE FROM t WHERE id = 'c'; INSERT INTO t VALUES ('c', 3); UPDATE t SET id = 'new' WHERE id IS NULL`,
    );
    expect(told).toEqual({
      t: [
        ["delete", ["b", 2n]],
        ["delete", [null, 5n]],
        ["insert", ["bb", 2n]],
        ["insert", ["new", 5n]],
        ["update", ["a", 1n], ["A", 10n]],
      ],
    });
  });

  test("by the key of a table without rowids, in the order of its collations", () => {
    const told = changes(
      `CREATE TABLE t (v, a TEXT, b INT, PRIMARY KEY (a COLLATE NOCASE DESC, b)) WITHOUT ROWID;
       INSERT INTO t VALUES (1, 'x', 1), (2, 'X', 2), (3, 'y', 1), (4, '', -1)`,
      "UPDATE t SET v = 20, a = 'x' WHERE a = 'X' AND b = 2; DELETE FROM t WHERE a = ''; INSERT INTO t VALUES (5, 'É', 1.5)",
    );
    expect(told).toEqual({
      t: [
        ["delete", [4n, "", -1n]],
        ["insert", [5n, "É", 1.5]],
        ["update", [2n, "X", 2n], [20n, "x", 2n]],
      ],
    });
  });

  test("by all of its values, or its rowid, where it has no key", () => {
    const told = changes(
      "CREATE TABLE t (a, b); INSERT INTO t VALUES ('same', 1), ('same', 1), ('other', 2), ('third', 3), ('last', 4)",
      `DELETE FROM t WHERE rowid = 1; UPDATE t SET b = 20 WHERE a = 'other'; UPDATE t SET a = 'all', b = 'new' WHERE b = 3;
       DELETE FROM t WHERE a = 'last'; INSERT INTO t (rowid, a, b) VALUES (99, 'last', 4)`,
    );
    expect(told).toEqual({
      t: [
        ["delete", [1n, "same", 1n]],
        ["delete", [4n, "third", 3n]],
        ["update", [3n, "other", 2n], [3n, "other", 20n]],
        ["insert", [4n, "all", "new"]],
      ],
    });
  });

  test("by its values, where columns have all names that the rowid has", () => {
    const told = changes(
      "CREATE TABLE t (rowid, oid, _rowid_); INSERT INTO t VALUES (1, 2, 3)",
      "UPDATE t SET oid = 4",
    );
    expect(told).toEqual({
      t: [["update", [1n, 2n, 3n], [1n, 4n, 3n]]],
    });
  });
});

test("VACUUM, and rows that move, change nothing", () => {
  const rows = (table: string): string =>
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
     INSERT INTO ${table} SELECT i, printf('%.*c', i % 50, 'x') FROM n; DELETE FROM ${table} WHERE a % 3 = 1;`;
  const told = changes(
    `CREATE TABLE gone (x); CREATE TABLE r (a, b); CREATE TABLE k (a PRIMARY KEY, b); CREATE TABLE w (a PRIMARY KEY, b) WITHOUT ROWID;
     CREATE TABLE i (a INTEGER PRIMARY KEY, b); ${["r", "k", "w", "i"].map(rows).join("")}`,
    "DROP TABLE gone; VACUUM",
  );
  expect(told).toEqual({});
});

describe("values", () => {
  const VALUES: readonly (readonly [string, unknown])[] = [
    ["NULL", null],
    ["0", 0n],
    ["1", 1n],
    ["-128", -128n],
    ["32767", 32767n],
    ["-8388608", -8388608n],
    ["2147483647", 2147483647n],
    ["-140737488355328", -140737488355328n],
    ["140737488355328", 140737488355328n],
    ["-9223372036854775808", -(2n ** 63n)],
    ["9007199254740993", 9007199254740993n],
    ["1.5", 1.5],
    ["-9e999", Number.NEGATIVE_INFINITY],
    ["''", ""],
    ["'ä€😀'", "ä€😀"],
    ["'a' || char(0) || 'b'", "a\0b"],
    ["CAST(x'41ff' AS TEXT)", "A\ufffd"],
    ["x''", new Uint8Array(0)],
    ["x'00ff'", Uint8Array.of(0, 255)],
    ["printf('%.*c', 20000, 'x')", "x".repeat(20_000)],
    ["zeroblob(9000)", new Uint8Array(9000)],
  ];

  test.each(["UTF-8", "UTF-16le", "UTF-16be"])("of every kind, in a database of %s", (encoding) => {
    const told = changes(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, v)",
      `INSERT INTO t (v) VALUES ${VALUES.map(([sql]) => `(${sql})`).join()}`,
      `encoding = '${encoding}'`,
    );
    const broken = encoding === "UTF-8" ? "A\ufffd" : expect.any(String);
    expect(told).toEqual({
      t: VALUES.map(([sql, value], index) => [
        "insert",
        [BigInt(index + 1), sql.startsWith("CAST") ? broken : value],
      ]),
    });
  });

  test("of real columns are real, also where they are stored as integers", () => {
    const told = changes(
      "CREATE TABLE t (a DOUBLE PRIMARY KEY, b, c FLOATING POINT) WITHOUT ROWID",
      "INSERT INTO t VALUES (1, 1, 1), (2.5, 2.0, 2.0), (1e300, 3, 'x')",
    );
    expect(told).toEqual({
      t: [
        ["insert", [1, 1n, 1n]],
        ["insert", [2.5, 2, 2n]],
        ["insert", [1e300, 3n, "x"]],
      ],
    });
  });

  test("leave out generated columns", () => {
    const told = changes(
      "CREATE TABLE t (v AS (a + 1), a, s AS (b || a) STORED, b, id INTEGER PRIMARY KEY)",
      "INSERT INTO t (a, b) VALUES (1, 'x')",
    );
    expect(told).toEqual({ t: [["insert", [1n, "x", 1n]]] });
  });
});

describe("tables that were altered", () => {
  const made = `CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INT); INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 2)`;

  test("columns that are new have their default in rows that were there", () => {
    const told = changes(
      made,
      "ALTER TABLE t ADD COLUMN c REAL DEFAULT 7; ALTER TABLE t ADD COLUMN d DEFAULT 'it''s'; UPDATE t SET b = 3 WHERE id = 1; INSERT INTO t VALUES (3, 'z', 3, 3, NULL)",
    );
    expect(told).toEqual({
      t: [
        ["update", [1n, "x", 1n, 7, "it's"], [1n, "x", 3n, 7, "it's"]],
        ["insert", [3n, "z", 3n, 3, null]],
      ],
    });
  });

  test("defaults that are others now change rows that lie in pages which nobody wrote", () => {
    const told = changes(
      `${made}; ALTER TABLE t ADD COLUMN c DEFAULT 5`,
      "ALTER TABLE t DROP COLUMN c; ALTER TABLE t ADD COLUMN c DEFAULT 7",
    );
    expect(told.t).toEqual([
      ["update", [1n, "x", 1n, 5n], [1n, "x", 1n, 7n]],
      ["update", [2n, "y", 2n, 5n], [2n, "y", 2n, 7n]],
    ]);
  });

  test("values stay with their columns, whatever was dropped or renamed", () => {
    const database = new ChangingDatabase();
    database.db.exec(made);
    const difference = database.differenceOf(
      "ALTER TABLE t DROP COLUMN a; ALTER TABLE t RENAME COLUMN b TO c; ALTER TABLE t RENAME COLUMN id TO key; UPDATE t SET c = 20 WHERE key = 2",
    );
    expect(difference.tables[0]?.renamedColumns).toEqual([
      { from: "id", to: "key" },
      { from: "b", to: "c" },
    ]);
    expect(shortChanges(difference)).toEqual({ t: [["update", [2n, 2n], [2n, 20n]]] });
  });

  test("a column in the place of one that was another is new", () => {
    const told = changes(
      made,
      "CREATE TABLE n (id INTEGER PRIMARY KEY, c REAL, b INT); INSERT INTO n SELECT id, 5, b FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t",
    );
    expect(told).toEqual({
      t: [
        ["update", [1n, null, 1n], [1n, 5, 1n]],
        ["update", [2n, null, 2n], [2n, 5, 2n]],
      ],
    });
  });

  test("columns that changed places are the same", () => {
    const told = changes(
      made,
      "CREATE TABLE n (b INT, id INTEGER PRIMARY KEY, a TEXT); INSERT INTO n SELECT b, id, a FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t; UPDATE t SET b = 5 WHERE id = 1",
    );
    expect(told).toEqual({ t: [["update", [1n, 1n, "x"], [5n, 1n, "x"]]] });
  });

  test.each([
    ["id INT, a TEXT, b INT, PRIMARY KEY (b)", "WITHOUT ROWID", ["update", [1n, "x", 1n], [1n, "new", 1n]]],
    ["b INTEGER PRIMARY KEY, id INT, a TEXT", "", ["update", [1n, 1n, "x"], [1n, 1n, "new"]]],
    ["b INT PRIMARY KEY, id INT, a TEXT", "", ["update", [1n, 1n, "x"], [1n, 1n, "new"]]],
    ["b INT, a TEXT, id INT", "", ["update", [1n, 1n, "x", 1n], [1n, 1n, "new", 1n]]],
  ])("rows are found by what they are known by now: %s %s", (columns, options, update) => {
    const told = changes(
      made,
      `CREATE TABLE n (${columns}) ${options}; INSERT INTO n (id, a, b) SELECT id, a, b FROM t;
       DROP TABLE t; ALTER TABLE n RENAME TO t; UPDATE t SET a = 'new' WHERE b = 1`,
    );
    expect(told).toEqual({ t: [update] });
  });

  test("a key of another kind does not make two rows of one", () => {
    const told = changes(
      "CREATE TABLE t (id INT PRIMARY KEY, a) WITHOUT ROWID; INSERT INTO t VALUES (1, 'x'), (2, 'y')",
      "DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (2, 'z'), (3, 'x')",
    );
    expect(told).toEqual({
      t: [
        ["delete", [1n, "x"]],
        ["update", [2n, "y"], [2n, "z"]],
        ["insert", [3n, "x"]],
      ],
    });
  });

  test("rows that have become one by another key are not deleted", () => {
    const told = changes(
      "CREATE TABLE t (id INT, a); INSERT INTO t VALUES (1, 'x'), (1, 'y'), (2, 'z'), (2, 'zz')",
      "CREATE TABLE n (id INT NOT NULL PRIMARY KEY, a); INSERT INTO n VALUES (1, 'x'); DROP TABLE t; ALTER TABLE n RENAME TO t",
    );
    expect(told.t?.map(([type, row]) => [type, row?.[0]])).toEqual([["delete", 2n]]);
  });

  test("a table with another name is known by its pages, one that was made anew is not", () => {
    const database = new ChangingDatabase();
    database.db.exec(`${made}; CREATE TABLE last (id INTEGER PRIMARY KEY, a TEXT)`);
    const renamed = database.differenceOf(
      'ALTER TABLE t RENAME TO "it is"; UPDATE "it is" SET a = 20 WHERE id = 2',
    );
    expect(renamed.renamedTables).toEqual([{ from: "t", to: "it is" }]);
    expect(shortChanges(renamed)).toEqual({ "it is": [["update", [2n, "y", 2n], [2n, "20", 2n]]] });
    const anew = database.differenceOf(
      "DROP TABLE last; CREATE TABLE next (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO next VALUES (1, 'x')",
    );
    expect(anew.renamedTables).toEqual([]);
    expect(shortChanges(anew)).toEqual({ next: [["insert", [1n, "x"]]] });
  });
});

describe("what is told of", () => {
  test("the schemas, and what the header says", () => {
    const database = new ChangingDatabase();
    const difference = database.differenceOf(
      "CREATE TABLE t (a UNIQUE); CREATE VIEW v AS SELECT 1; PRAGMA user_version = -5; PRAGMA application_id = 7",
    );
    expect(difference.before).toEqual({ rows: [], userVersion: 0, applicationId: 0 });
    expect(difference.after).toEqual({
      rows: [
        { type: "table", name: "t", table: "t", sql: "CREATE TABLE t (a UNIQUE)" },
        { type: "index", name: "sqlite_autoindex_t_1", table: "t", sql: null },
        { type: "view", name: "v", table: "v", sql: "CREATE VIEW v AS SELECT 1" },
      ],
      userVersion: -5,
      applicationId: 7,
    });
  });

  test("all tables but those of SQLite, of Tributary and of the push protocol", () => {
    const told = changes(
      "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT); CREATE TABLE b (x); CREATE INDEX b_x ON b (x); INSERT INTO a VALUES (3); INSERT INTO b VALUES (1)",
      `INSERT INTO a VALUES (4); ANALYZE; CREATE TABLE tributary_refused (x); INSERT INTO tributary_refused VALUES (1);
       CREATE TABLE turso_sync_last_change_id (client_id TEXT PRIMARY KEY, pull_gen, change_id); INSERT INTO turso_sync_last_change_id VALUES ('c', 0, 1)`,
    );
    expect(told).toEqual({
      a: [["insert", [4n]]],
      sqlite_sequence: [["update", ["a", 3n], ["a", 4n]]],
    });
  });

  test("what virtual tables keep, with whose it is", () => {
    const database = new ChangingDatabase();
    database.db.exec(
      "CREATE VIRTUAL TABLE docs USING fts5(text); CREATE TABLE docs_notes (id INTEGER PRIMARY KEY)",
    );
    const difference = database.differenceOf(
      "INSERT INTO docs VALUES ('one two'); INSERT INTO docs_notes VALUES (1)",
    );
    const owners = difference.tables.map(({ shape, shadowOf }) => [shape.table, shadowOf]);
    expect(owners).toEqual([
      ["docs_data", "docs"],
      ["docs_idx", "docs"],
      ["docs_content", "docs"],
      ["docs_docsize", "docs"],
      ["docs_notes", undefined],
    ]);
    expect(shortChanges(difference).docs_content).toEqual([["insert", [1n, "one two"]]]);
  });

  test("everything, where there was nothing before; nothing of what is gone", () => {
    const db = new Database(":memory:");
    db.exec("CREATE TABLE t (a PRIMARY KEY, b) WITHOUT ROWID; INSERT INTO t VALUES (2, 'x'), (1, 'y')");
    const after = imageOf(new Uint8Array(db.serialize()));
    db.close();
    const empty = { size: 0, readPage: after.readPage };
    for (const before of [undefined, empty]) {
      const difference = compareImages({ before, after, changedPages: new Set(), scratch: openScratch });
      expect(shortChanges(difference)).toEqual({
        t: [
          ["insert", [1n, "y"]],
          ["insert", [2n, "x"]],
        ],
      });
    }
    const back = compareImages({
      before: after,
      after: empty,
      changedPages: undefined,
      scratch: openScratch,
    });
    expect([back.before.rows.length, back.after.rows, back.tables]).toEqual([1, [], []]);
  });
});
