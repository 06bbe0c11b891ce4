import { expect, test } from "vitest";
import { MergeSite } from "./merge-site.js";

const NOTES =
  "CREATE TABLE notes(id INTEGER PRIMARY KEY, body TEXT, rank REAL DEFAULT 1.5, old); INSERT INTO notes VALUES (1, 'a', 1, 'o1'), (2, 'b', 2, 'o2')";

const schema = (site: MergeSite): unknown[][] =>
  site.rows(
    "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'turso%' AND name NOT LIKE 'sqlite%' ORDER BY name",
  );

test("tables, indexes, views and triggers that a replica made are there, with their rows", async () => {
  const site = new MergeSite(NOTES);
  const replica = site.replica();
  replica.run(`CREATE TABLE tags(note REFERENCES notes, tag TEXT, PRIMARY KEY (note, tag)) WITHOUT ROWID;
    CREATE UNIQUE INDEX by_tag ON tags(tag) WHERE tag <> 'x';
    CREATE VIEW tagged AS SELECT body, tag FROM notes JOIN tags ON note = id;
    CREATE TRIGGER forget AFTER DELETE ON notes BEGIN DELETE FROM tags WHERE note = OLD.id; END;
    INSERT INTO tags VALUES (1, 'x'), (2, 'y'); PRAGMA user_version = 7; PRAGMA application_id = 42`);
  const made = replica.rows(
    "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY name",
  );
  expect(await replica.push()).toEqual({ changes: 2, refused: 0, isExact: true });
  expect(schema(site)).toEqual(made);
  expect(site.rows("SELECT * FROM tagged")).toEqual([
    ["a", "x"],
    ["b", "y"],
  ]);
  expect(site.rows("PRAGMA user_version")).toEqual([[7]]);
  expect(site.rows("PRAGMA application_id")).toEqual([[42]]);
  replica.run("DROP TRIGGER forget; DROP VIEW tagged; DROP INDEX by_tag; DROP TABLE tags");
  expect(await replica.push()).toEqual({ changes: 0, refused: 0, isExact: true });
  expect(schema(site).map(([, name]) => name)).toEqual(["notes"]);
  site.check();
});

test("columns that a replica renamed, dropped and added, beside those that others have added", async () => {
  const site = new MergeSite(`${NOTES}; CREATE INDEX by_body ON notes(body)`);
  const [one, two] = [site.replica(), site.replica()];
  one.run("ALTER TABLE notes ADD COLUMN mine; UPDATE notes SET mine = 'm' || id, body = upper(body)");
  two.run(`ALTER TABLE notes RENAME COLUMN body TO text; ALTER TABLE notes DROP COLUMN old;
    ALTER TABLE notes ADD COLUMN yours TEXT NOT NULL DEFAULT 'd'; UPDATE notes SET yours = 'y2', rank = 9 WHERE id = 2;
    INSERT INTO notes(id, text) VALUES (3, 'c')`);
  await one.push();
  expect(await two.push()).toMatchObject({ refused: 0 });
  expect(site.rows("SELECT id, text, rank, mine, yours FROM notes ORDER BY id")).toEqual([
    [1, "A", 1, "m1", "d"],
    [2, "B", 9, "m2", "y2"],
    [3, "c", 1.5, null, "d"],
  ]);
  expect(schema(site)).toEqual([
    ["index", "by_body", "CREATE INDEX by_body ON notes(text)"],
    [
      "table",
      "notes",
      `CREATE TABLE notes(id INTEGER PRIMARY KEY, "text" TEXT, rank REAL DEFAULT 1.5, mine, yours TEXT NOT NULL DEFAULT 'd')`,
    ],
  ]);
  site.check();
});

test("a key column that was renamed still finds its rows", async () => {
  const site = new MergeSite(NOTES);
  const replica = site.replica();
  replica.run("ALTER TABLE notes RENAME COLUMN id TO number; UPDATE notes SET body = 'z' WHERE number = 2");
  expect(await replica.push()).toEqual({ changes: 1, refused: 0, isExact: true });
  expect(site.rows("SELECT number, body FROM notes")).toEqual([
    [1, "a"],
    [2, "z"],
  ]);
});

test("a table that a replica renamed keeps what others do to it by its old name", async () => {
  const site = new MergeSite(`${NOTES}; CREATE VIEW bodies AS SELECT body FROM notes`);
  const [one, two] = [site.replica(), site.replica()];
  one.run("INSERT INTO notes(id, body) VALUES (10, 'one')");
  two.run(
    "ALTER TABLE notes RENAME TO memos; ALTER TABLE memos ADD COLUMN more; UPDATE memos SET more = 1 WHERE id = 1",
  );
  await one.push();
  expect(await two.push()).toMatchObject({ changes: 1, refused: 0 });
  expect(site.rows("SELECT id, body, more FROM memos ORDER BY id")).toEqual([
    [1, "a", 1],
    [2, "b", null],
    [10, "one", null],
  ]);
  expect(site.rows("SELECT count(*) FROM bodies")).toEqual([[3]]);
  site.check();
});

test("both made one table, with other columns", async () => {
  const site = new MergeSite("CREATE TABLE other(a)");
  const [one, two] = [site.replica(), site.replica()];
  one.run("CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'a1')");
  two.run("CREATE TABLE t(id INTEGER PRIMARY KEY, b DEFAULT 5); INSERT INTO t VALUES (2, 'b2')");
  await one.push();
  expect(await two.push()).toMatchObject({ changes: 1, refused: 0 });
  expect(site.rows("SELECT id, a, b FROM t ORDER BY id")).toEqual([
    [1, "a1", 5],
    [2, null, "b2"],
  ]);
});

test("both did the same to the schema", async () => {
  const site = new MergeSite(NOTES);
  const [one, two] = [site.replica(), site.replica()];
  const sql = `ALTER TABLE notes ADD COLUMN more INT; ALTER TABLE notes DROP COLUMN old; ALTER TABLE notes RENAME COLUMN body TO text;
    CREATE TABLE t(a); CREATE INDEX i ON notes(text); CREATE VIEW v AS SELECT 1`;
  one.run(sql);
  two.run(`${sql}; ALTER TABLE t RENAME TO u; INSERT INTO u VALUES (1)`);
  await one.push();
  expect(await two.push()).toMatchObject({ changes: 1, refused: 0 });
  expect(site.rows("SELECT * FROM u")).toEqual([[1]]);
});

test("a table of other constraints is made anew, with the rows, indexes and columns that only the database has", async () => {
  const site = new MergeSite(
    `${NOTES}; CREATE TABLE log(what); CREATE TABLE refers(note REFERENCES notes(id)); CREATE VIEW bodies AS SELECT body FROM notes`,
  );
  const [one, two] = [site.replica(), site.replica()];
  one.run(`ALTER TABLE notes ADD COLUMN mine TEXT DEFAULT 'm'; CREATE INDEX by_mine ON notes(mine);
    CREATE TRIGGER logged AFTER INSERT ON notes BEGIN INSERT INTO log VALUES (NEW.body); END;
    INSERT INTO notes(id, body) VALUES (10, 'one'), (11, '')`);
  // As https://www.sqlite.org/lang_altertable.html#otheralter has it.
  two.run(`CREATE TABLE notes_new(id INTEGER PRIMARY KEY, body TEXT NOT NULL CHECK (body <> ''), rank REAL DEFAULT 1.5) STRICT;
    INSERT INTO notes_new SELECT id, body || '!', rank FROM notes; DROP TABLE notes; PRAGMA legacy_alter_table = ON; ALTER TABLE notes_new RENAME TO notes`);
  await one.push();
  expect(await two.push()).toMatchObject({ changes: 2, refused: 1 });
  expect(site.rows("SELECT id, body, mine FROM notes ORDER BY id")).toEqual([
    [1, "a!", "m"],
    [2, "b!", "m"],
    [10, "one", "m"],
  ]);
  expect(site.refused()).toMatchObject([
    { table: "notes", change: { type: "insert", after: { id: { integer: "11" }, body: "" } } },
  ]);
  site.main.exec("INSERT INTO notes(id, body) VALUES (20, 'new')");
  expect(site.rows("SELECT what FROM log")).toEqual([["one"], [""], ["new"]]);
  expect(schema(site).map(([, name]) => name)).toEqual([
    "bodies",
    "by_mine",
    "log",
    "logged",
    "notes",
    "refers",
    "tributary_refused",
  ]);
  expect(site.rows("SELECT sql FROM sqlite_schema WHERE name = 'refers'")).toEqual([
    ["CREATE TABLE refers(note REFERENCES notes(id))"],
  ]);
  site.check();
});

test("a table that is made anew keeps its numbers of AUTOINCREMENT and the rowids of rows without a key", async () => {
  const site = new MergeSite(
    `CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a); INSERT INTO t(a) VALUES ('x'), ('y'); DELETE FROM t WHERE id = 2;
     CREATE TABLE k(a); INSERT INTO k(rowid, a) VALUES (5, 'five'), (9, 'nine')`,
  );
  const replica = site.replica();
  site.main.exec("INSERT INTO t(a) VALUES ('z')");
  site.bump();
  replica.run(`PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET sql = replace(sql, 'a)', 'a CHECK (a <> 7))') WHERE name IN ('t', 'k'); PRAGMA writable_schema = RESET;
    UPDATE k SET a = 'NINE' WHERE a = 'nine'`);
  expect(await replica.push()).toMatchObject({ refused: 0 });
  expect(site.rows("SELECT rowid, a FROM k ORDER BY 1")).toMatchObject([
    [5, "five"],
    [expect.any(Number), "NINE"],
  ]);
  expect(site.rows("SELECT sql LIKE '%CHECK (a <> 7)%' FROM sqlite_schema WHERE name IN ('t', 'k')")).toEqual(
    [[1], [1]],
  );
  site.main.exec("DELETE FROM t WHERE id = 3; INSERT INTO t(a) VALUES ('last')");
  expect(site.rows("SELECT id, a FROM t ORDER BY id")).toEqual([
    [1, "x"],
    [4, "last"],
  ]);
});

test("a column that others still use is not dropped, and that is told", async () => {
  const site = new MergeSite(NOTES);
  const replica = site.replica();
  site.main.exec("CREATE INDEX by_old ON notes(old)");
  site.bump();
  replica.run("ALTER TABLE notes DROP COLUMN old; UPDATE notes SET body = 'z' WHERE id = 1");
  expect(await replica.push()).toMatchObject({ changes: 1, refused: 1 });
  expect(site.rows("SELECT body, old FROM notes WHERE id = 1")).toEqual([["z", "o1"]]);
  expect(site.refused()).toMatchObject([
    { table: "notes", change: { type: "schema", sql: 'ALTER TABLE "notes" DROP COLUMN "old"' } },
  ]);
});

test("an index that the rows of others do not allow is told, and what it was to take the place of stays", async () => {
  const site = new MergeSite(`${NOTES}; CREATE INDEX i ON notes(body)`);
  const replica = site.replica();
  site.main.exec("INSERT INTO notes(id, body) VALUES (3, 'a')");
  site.bump();
  replica.run("DROP INDEX i; CREATE UNIQUE INDEX i ON notes(body)");
  expect(await replica.push()).toMatchObject({ refused: 1 });
  expect(site.rows("SELECT sql FROM sqlite_schema WHERE name = 'i'")).toEqual([
    ["CREATE INDEX i ON notes(body)"],
  ]);
  expect(site.refused()).toMatchObject([{ reason: "UNIQUE constraint failed: notes.body" }]);
});

test("a view that does not fit the schema hinders no renaming", async () => {
  const site = new MergeSite(`${NOTES}; CREATE VIEW broken AS SELECT a FROM nowhere`);
  const replica = site.replica();
  replica.run("PRAGMA legacy_alter_table = ON; ALTER TABLE notes RENAME TO memos");
  expect(await replica.push()).toMatchObject({ refused: 0, isExact: true });
  expect(site.rows("SELECT count(*) FROM memos")).toEqual([[2]]);
});

test("views and indexes that both have changed are the last push's", async () => {
  const site = new MergeSite(`${NOTES}; CREATE VIEW v AS SELECT 1; CREATE INDEX i ON notes(body)`);
  const [one, two] = [site.replica(), site.replica()];
  one.run("DROP VIEW v; CREATE VIEW v AS SELECT 2; DROP INDEX i; CREATE INDEX i ON notes(rank)");
  two.run("DROP VIEW v; CREATE VIEW v AS SELECT 3; DROP INDEX i; CREATE INDEX i ON notes(old)");
  await one.push();
  await two.push();
  expect(site.rows("SELECT * FROM v")).toEqual([[3]]);
  expect(site.rows("SELECT sql FROM sqlite_schema WHERE name = 'i'")).toEqual([
    ["CREATE INDEX i ON notes(old)"],
  ]);
});

test("tables of Tributary and of SQLite are nobody's changes", async () => {
  const site = new MergeSite(NOTES);
  const replica = site.replica();
  replica.run(`CREATE TABLE tributary_tape(a); INSERT INTO tributary_tape VALUES (1); ANALYZE;
    CREATE TABLE turso_sync_last_change_id(client_id TEXT PRIMARY KEY, pull_gen INTEGER, change_id INTEGER);
    INSERT INTO turso_sync_last_change_id VALUES ('somebody', 1, 1)`);
  expect(await replica.push()).toEqual({ changes: 0, refused: 0, isExact: true });
  expect(schema(site).map(([, name]) => name)).toEqual(["notes"]);
  expect(site.rows("SELECT client_id FROM turso_sync_last_change_id")).toEqual([["device-1"]]);
});

test("generated columns that a replica dropped and added, and that both have added", async () => {
  const site = new MergeSite(
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a, twice AS (a * 2)); INSERT INTO t(id, a) VALUES (1, 1)",
  );
  const [one, two] = [site.replica(), site.replica()];
  const statements = "ALTER TABLE t DROP COLUMN twice; ALTER TABLE t ADD COLUMN more AS (a + 1)";
  one.run(statements);
  expect(await one.push()).toMatchObject({ refused: 0 });
  two.run(`${statements}; UPDATE t SET a = 5`);
  expect(await two.push()).toMatchObject({ refused: 0 });
  expect(site.rows("SELECT * FROM t")).toEqual([[1, 5, 6]]);
});

test("rows that a replica made fit a new NOT NULL are not lost, with what others have changed of them", async () => {
  const site = new MergeSite(
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b, c); INSERT INTO t VALUES (1, 'x', 1, 1), (2, NULL, 2, 2), (3, NULL, 3, 3)",
  );
  const [one, two] = [site.replica(), site.replica()];
  two.run("UPDATE t SET c = 'other' WHERE id = 2; INSERT INTO t VALUES (4, NULL, 4, 4)");
  await two.push();
  one.run(`CREATE TABLE made(id INTEGER PRIMARY KEY, a TEXT NOT NULL, b, c);
    INSERT INTO made SELECT id, coalesce(a, 'none'), b, c FROM t WHERE id < 3; DROP TABLE t; ALTER TABLE made RENAME TO t`);
  expect(await one.push()).toMatchObject({ refused: 1 });
  expect(site.rows("SELECT * FROM t")).toEqual([
    [1, "x", 1, 1],
    [2, "none", 2, "other"],
  ]);
  expect(site.refused()).toMatchObject([{ table: "t", change: { after: { id: { integer: "4" } } } }]);
  site.check();
});
