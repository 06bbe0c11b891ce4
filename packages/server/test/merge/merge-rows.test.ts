import { expect, test } from "vitest";
import { MergeSite } from "./merge-site.js";

test("inserts, updates and deletes of two replicas come together, by changed column", async () => {
  const site = new MergeSite(
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); INSERT INTO t VALUES (1, 'a1', 'b1'), (2, 'a2', 'b2'), (3, 'a3', 'b3')",
  );
  const [one, two] = [site.replica(), site.replica()];
  one.run(
    "UPDATE t SET a = 'one' WHERE id = 1; DELETE FROM t WHERE id = 3; INSERT INTO t VALUES (10, 1.0, x'00ff')",
  );
  two.run("UPDATE t SET b = 'two' WHERE id = 1; INSERT INTO t VALUES (20, 9007199254740993, NULL)");
  expect(await one.push()).toEqual({ changes: 3, refused: 0, isExact: true });
  expect(await two.push()).toEqual({ changes: 2, refused: 0, isExact: true });
  expect(site.rows("SELECT id, a, b FROM t ORDER BY id", true)).toEqual([
    [1n, "one", "two"],
    [2n, "a2", "b2"],
    [10n, 1, Buffer.from([0, 255])],
    [20n, 9007199254740993n, null],
  ]);
  expect(site.rows("SELECT typeof(a) FROM t WHERE id IN (10, 20)")).toEqual([["real"], ["integer"]]);
  expect(site.rows("SELECT client_id, pull_gen FROM turso_sync_last_change_id ORDER BY 1")).toEqual([
    ["device-1", 0],
    ["device-2", 0],
  ]);
  site.check();
});

test("what was pushed before is not merged again", async () => {
  const site = new MergeSite("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  const replica = site.replica();
  replica.run("INSERT INTO t VALUES (1, 'x')");
  await replica.push();
  site.main.exec("DELETE FROM t");
  replica.run("INSERT INTO t VALUES (2, 'y')");
  await replica.push();
  expect(site.rows("SELECT * FROM t")).toEqual([[2, "y"]]);
});

test("the last push wins where both wrote one column", async () => {
  const site = new MergeSite("CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x')");
  const [one, two] = [site.replica(), site.replica()];
  one.run("UPDATE t SET a = 'one'");
  two.run("UPDATE t SET a = 'two'");
  await two.push();
  await one.push();
  expect(site.rows("SELECT a FROM t")).toEqual([["one"]]);
});

test("an update of a row that others have deleted does nothing", async () => {
  const site = new MergeSite(
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); INSERT INTO t VALUES (1, 'x', 'y')",
  );
  const [one, two] = [site.replica(), site.replica()];
  one.run("DELETE FROM t");
  two.run("UPDATE t SET a = 'two'");
  await one.push();
  expect(await two.push()).toEqual({ changes: 0, refused: 0, isExact: false });
  expect(site.rows("SELECT * FROM t")).toEqual([]);
});

test("a new row with the number of a deleted one is inserted, though others have deleted that one too", async () => {
  const site = new MergeSite(
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); INSERT INTO t VALUES (1, 'x', 'y')",
  );
  const [one, two] = [site.replica(), site.replica()];
  one.run("DELETE FROM t");
  two.run("DELETE FROM t; INSERT INTO t(a, b) VALUES ('new', 'row')");
  await one.push();
  await two.push();
  expect(site.rows("SELECT * FROM t")).toEqual([[1, "new", "row"]]);
});

test("a delete wins over an update that came before it", async () => {
  const site = new MergeSite("CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x')");
  const [one, two] = [site.replica(), site.replica()];
  one.run("UPDATE t SET a = 'one'");
  two.run("DELETE FROM t");
  await one.push();
  await two.push();
  expect(site.rows("SELECT * FROM t")).toEqual([]);
});

test("rows that have swapped a unique value keep it, with what others have changed of them", async () => {
  const site = new MergeSite(
    "CREATE TABLE t(id INTEGER PRIMARY KEY, place INTEGER UNIQUE, note); INSERT INTO t VALUES (1, 10, 'a'), (2, 20, 'b'), (3, 30, 'c')",
  );
  const [one, two] = [site.replica(), site.replica()];
  one.run("UPDATE t SET note = 'kept' WHERE id = 2; ALTER TABLE t ADD COLUMN extra; UPDATE t SET extra = id");
  two.run(
    "UPDATE t SET place = -place; UPDATE t SET place = CASE id WHEN 1 THEN 20 WHEN 2 THEN 30 ELSE 10 END",
  );
  await one.push();
  expect(await two.push()).toEqual({ changes: 3, refused: 0, isExact: true });
  expect(site.rows("SELECT * FROM t ORDER BY id")).toEqual([
    [1, 20, "a", 1],
    [2, 30, "kept", 2],
    [3, 10, "c", 3],
  ]);
  site.check();
});

test("all rows of an order move on by one", async () => {
  const site = new MergeSite(
    "CREATE TABLE t(id INTEGER PRIMARY KEY, place INTEGER UNIQUE); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO t SELECT i, i FROM n",
  );
  const replica = site.replica();
  replica.run("UPDATE t SET place = -place; UPDATE t SET place = 1 - place; INSERT INTO t VALUES (1000, 1)");
  expect(await replica.push()).toEqual({ changes: 501, refused: 0, isExact: true });
  expect(site.rows("SELECT count(*), sum(place = id + 1) FROM t")).toEqual([[501, 500]]);
});

test("whoever pushes last has a unique value that two have taken", async () => {
  const site = new MergeSite("CREATE TABLE t(id INTEGER PRIMARY KEY, mail TEXT UNIQUE, a)");
  const [one, two] = [site.replica(), site.replica()];
  one.run("INSERT INTO t VALUES (1, 'x@y', 'one')");
  two.run("INSERT INTO t VALUES (2, 'x@y', 'two'), (3, 'z', 'two')");
  await one.push();
  await two.push();
  expect(site.rows("SELECT * FROM t ORDER BY id")).toEqual([
    [2, "x@y", "two"],
    [3, "z", "two"],
  ]);
});

test("what a constraint of the database does not allow is kept aside, and hinders nothing else", async () => {
  const site = new MergeSite(
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b BLOB); INSERT INTO t VALUES (1, 5, NULL)",
  );
  const replica = site.replica();
  site.main.exec(
    "DROP TABLE t; CREATE TABLE t(id INTEGER PRIMARY KEY, a CHECK (a < 10), b BLOB); INSERT INTO t VALUES (1, 5, NULL)",
  );
  site.bump();
  replica.run("UPDATE t SET a = 50 WHERE id = 1; INSERT INTO t VALUES (2, 6, x'01'), (3, 1e300, x'02')");
  expect(await replica.push()).toEqual({ changes: 1, refused: 2, isExact: false });
  expect(site.rows("SELECT id, a FROM t")).toEqual([
    [1, 5],
    [2, 6],
  ]);
  expect(site.refused()).toEqual([
    {
      table: "t",
      change: {
        type: "update",
        before: { id: { integer: "1" }, a: { integer: "5" }, b: null },
        after: { id: { integer: "1" }, a: { integer: "50" }, b: null },
      },
      reason: "CHECK constraint failed: a < 10",
    },
    {
      table: "t",
      change: { type: "insert", after: { id: { integer: "3" }, a: { real: "1e+300" }, b: { blob: "Ag==" } } },
      reason: "CHECK constraint failed: a < 10",
    },
  ]);
  expect(site.rows("SELECT client, at LIKE '20__-__-__T%Z' FROM tributary_refused")).toEqual([
    ["device-1", 1],
    ["device-1", 1],
  ]);
});

test("what the table says of conflicts is not asked", async () => {
  const site = new MergeSite(
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE ON CONFLICT IGNORE, b NOT NULL ON CONFLICT ROLLBACK DEFAULT 0); INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 2)",
  );
  const [one, two] = [site.replica(), site.replica()];
  one.run("INSERT INTO t VALUES (3, 'z', 3)");
  two.run(
    "UPDATE t SET a = NULL; UPDATE t SET a = CASE id WHEN 1 THEN 'y' ELSE 'x' END; INSERT INTO t VALUES (4, 'z', 4)",
  );
  await one.push();
  expect(await two.push()).toMatchObject({ changes: 3, refused: 0 });
  expect(site.rows("SELECT id, a FROM t ORDER BY id")).toEqual([
    [1, "y"],
    [2, "x"],
    [4, "z"],
  ]);
});

test("changes of a table that others have dropped are kept aside", async () => {
  const site = new MergeSite("CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x')");
  const replica = site.replica();
  replica.run("UPDATE t SET a = 'y'");
  site.main.exec("DROP TABLE t");
  site.bump();
  expect(await replica.push()).toMatchObject({ changes: 0, refused: 1 });
  expect(site.refused()).toMatchObject([
    { table: "t", change: { type: "update" }, reason: "no such table: t" },
  ]);
});

test("rows of a table without a key both survive with one rowid, and are found again by what is in them", async () => {
  const site = new MergeSite("CREATE TABLE t(a, b)");
  const [one, two] = [site.replica(), site.replica()];
  one.run("INSERT INTO t VALUES ('one', 1), ('both', 0)");
  two.run("INSERT INTO t VALUES ('two', 2), ('both', 0)");
  await one.push();
  await two.push();
  expect(site.rows("SELECT a, b FROM t ORDER BY a, b")).toEqual([
    ["both", 0],
    ["both", 0],
    ["one", 1],
    ["two", 2],
  ]);
  two.run("UPDATE t SET b = 20 WHERE a = 'two'");
  await two.push();
  expect(site.rows("SELECT b FROM t WHERE a = 'two'")).toEqual([[20]]);
  expect(site.rows("SELECT b FROM t WHERE a = 'one'")).toEqual([[1]]);
});

test("tables without rowids, with keys of several columns, and with keys that are text", async () => {
  const site = new MergeSite(
    `CREATE TABLE w(a TEXT COLLATE NOCASE, b INTEGER, c, PRIMARY KEY (a, b)) WITHOUT ROWID;
     CREATE TABLE k(a TEXT PRIMARY KEY, c, twice AS (c || c), kept AS (c || '!') STORED);
     INSERT INTO w VALUES ('x', 1, 'w1'), ('x', 2, 'w2'); INSERT INTO k VALUES ('p', 'k1'), (NULL, 'k2')`,
  );
  const [one, two] = [site.replica(), site.replica()];
  one.run(
    "UPDATE w SET c = 'one' WHERE b = 1; INSERT INTO k VALUES ('q', 'one'); DELETE FROM k WHERE a IS NULL",
  );
  two.run(
    "UPDATE w SET a = 'X', c = 'two' WHERE b = 2; INSERT INTO k VALUES ('q', 'two'); UPDATE k SET a = 'r' WHERE a = 'p'",
  );
  await one.push();
  await two.push();
  expect(site.rows("SELECT a, b, c FROM w ORDER BY b")).toEqual([
    ["x", 1, "one"],
    ["X", 2, "two"],
  ]);
  expect(site.rows("SELECT a, c, twice, kept FROM k ORDER BY a")).toEqual([
    ["q", "two", "twotwo", "two!"],
    ["r", "k1", "k1k1", "k1!"],
  ]);
  site.check();
});

test("numbers of AUTOINCREMENT do not go back", async () => {
  const site = new MergeSite(
    "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a); INSERT INTO t(a) VALUES ('x')",
  );
  const [one, two] = [site.replica(), site.replica()];
  one.run("INSERT INTO t(id, a) VALUES (100, 'one'); DELETE FROM t WHERE id = 100");
  two.run("INSERT INTO t(a) VALUES ('two')");
  await one.push();
  await two.push();
  expect(site.rows("SELECT * FROM t")).toEqual([
    [1, "x"],
    [2, "two"],
  ]);
  expect(site.rows("SELECT name, seq FROM sqlite_sequence")).toEqual([["t", 100]]);
});

test("numbers of AUTOINCREMENT are as the replica has them where nobody else has written", async () => {
  const site = new MergeSite(
    "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a); INSERT INTO t(a) VALUES ('x'), ('y')",
  );
  const replica = site.replica();
  replica.run(
    "DELETE FROM t; DELETE FROM sqlite_sequence; CREATE TABLE n(id INTEGER PRIMARY KEY AUTOINCREMENT)",
  );
  await replica.push();
  expect(site.rows("SELECT name FROM sqlite_sequence")).toEqual([]);
  replica.run("INSERT INTO n VALUES (7)");
  await replica.push();
  expect(site.rows("SELECT name, seq FROM sqlite_sequence")).toEqual([["n", 7]]);
});

test("foreign keys of the database hinder and do nothing", async () => {
  const site = new MergeSite(
    `CREATE TABLE p(id INTEGER PRIMARY KEY, a); CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE);
     INSERT INTO p VALUES (1, 'x'), (2, 'y'); INSERT INTO c VALUES (1, 1), (2, 2)`,
  );
  const [one, two] = [site.replica(), site.replica()];
  one.run("DELETE FROM p WHERE id = 1");
  two.run("INSERT INTO c VALUES (3, 1)");
  await one.push();
  await two.push();
  expect(site.rows("SELECT * FROM c")).toEqual([
    [1, 1],
    [2, 2],
    [3, 1],
  ]);
});

test("a row that another rule keeps from its place is not lost where values are swapped", async () => {
  const site = new MergeSite(
    "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, n, v); INSERT INTO t VALUES (1, 'a', 1, 'x'), (2, 'b', 2, 'y')",
  );
  const [one, two] = [site.replica(), site.replica()];
  one.run(`CREATE TABLE made(id INTEGER PRIMARY KEY, u UNIQUE, n NOT NULL DEFAULT 0, v);
    INSERT INTO made SELECT * FROM t; DROP TABLE t; ALTER TABLE made RENAME TO t`);
  await one.push();
  two.run(
    "UPDATE t SET u = 'c' WHERE id = 1; UPDATE t SET u = 'a' WHERE id = 2; UPDATE t SET u = 'b', n = NULL WHERE id = 1",
  );
  expect(await two.push()).toMatchObject({ changes: 2, refused: 0 });
  expect(site.rows("SELECT id, u, n, v FROM t")).toEqual([
    [1, "b", 0, "x"],
    [2, "a", 2, "y"],
  ]);
});
