import Database from "better-sqlite3";
import { expect, test, vi } from "vitest";
import { openHarness } from "./capture-harness.js";

const T = "CREATE TABLE t(id INTEGER PRIMARY KEY, a)";
const native = Object.getPrototypeOf(new Database(":memory:").prepare("SELECT 1")) as Database.Statement;

/** Inserts many rows in the transaction that is open, and says whether some went in as `OR FAIL`. */
function insertMany(
  db: Database.Database,
  from: number,
  sql = "INSERT INTO t(id, a) VALUES (?, ?)",
): boolean {
  const run = vi.spyOn(native, "run");
  try {
    const insert = db.prepare(sql);
    for (let id = from; id < from + 40; id++) insert.run(id, "x");
    return run.mock.contexts.some((statement) =>
      (statement as Database.Statement).source.includes("OR FAIL"),
    );
  } finally {
    run.mockRestore();
  }
}

test("many inserts of one transaction are one row each on the tape, and a conflict fails one of them", () => {
  const { db, tape, expectReplays } = openHarness(T);
  db.exec("BEGIN");
  expect(insertMany(db, 0)).toBe(true);
  const insert = db.prepare("INSERT INTO t(id, a) VALUES (?, ?)");
  for (let id = 40; id < 80; id++) insert.run(id, "y");
  expect(() => insert.run(3, "z")).toThrow("UNIQUE constraint failed: t.id");
  expect(insert.source).toBe("INSERT INTO t(id, a) VALUES (?, ?)");
  expect(insert.run(80, "y")).toEqual({ changes: 1, lastInsertRowid: 80 });
  expect(insert.safeIntegers().run(81, "y")).toEqual({ changes: 1, lastInsertRowid: 81n });
  expect(insert.bind(82, "y").run().changes).toBe(1);
  db.exec("COMMIT");
  expect(tape().length).toBe(83);
  expectReplays();
});

test.each([
  ["a trigger of the app's", "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END"],
  ["a trigger of the app's in TEMP", "CREATE TEMP TRIGGER x BEFORE INSERT ON main.t BEGIN SELECT 1; END"],
  ["rows that may be displaced", "CREATE UNIQUE INDEX x ON t(id, a); REPLACE INTO t VALUES(-1, 'x')"],
  ["a TEMP table of that name", "CREATE TEMP TABLE t(id, a)"],
])("not with %s, also when it comes in the middle", (_name, sql) => {
  const { db } = openHarness(T);
  db.exec("BEGIN");
  expect(insertMany(db, 0)).toBe(true);
  db.exec(sql);
  expect(insertMany(db, 100)).toBe(false);
  db.exec("COMMIT; BEGIN");
  expect(insertMany(db, 200)).toBe(false);
  db.exec("COMMIT");
});

test("a trigger that a rollback brings back counts again", () => {
  const { db } = openHarness(`${T}; CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END`);
  const insert = db.prepare("INSERT INTO t(a) VALUES (?)");
  db.exec("BEGIN; SAVEPOINT s; DROP TRIGGER x");
  for (let row = 0; row < 40; row++) insert.run("x");
  db.exec("ROLLBACK TO s");
  const run = vi.spyOn(native, "run");
  insert.run("x");
  expect(run).not.toHaveBeenCalled();
  run.mockRestore();
  db.exec("COMMIT");
});

test("not where the table says what a conflict does, nor outside a transaction", () => {
  const { db } = openHarness("CREATE TABLE t(id INTEGER PRIMARY KEY ON CONFLICT IGNORE, a)");
  db.exec("BEGIN");
  expect(insertMany(db, 0)).toBe(false);
  expect(insertMany(db, 0)).toBe(false);
  db.exec("COMMIT");
  const other = openHarness(T);
  expect(insertMany(other.db, 0)).toBe(false);
});

test("an insert that breaks a foreign key takes back itself only", () => {
  const { db, tape, expectReplays } = openHarness(
    "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE t(id INTEGER PRIMARY KEY, p REFERENCES p)",
  );
  db.exec("INSERT INTO p VALUES (1); BEGIN");
  const insert = db.prepare("INSERT INTO t(id, p) VALUES (?, ?)");
  for (let id = 0; id < 40; id++) insert.run(id, 1);
  expect(() => insert.run(50, 2)).toThrow("FOREIGN KEY constraint failed");
  insert.run(51, 1);
  db.exec("COMMIT");
  expect(tape().length).toBe(42);
  expectReplays();
});

test("an insert that may be half done takes the transaction back", () => {
  const { db, tape } = openHarness(T);
  db.exec("BEGIN");
  const insert = db.prepare("INSERT INTO t(id, a) VALUES (?, ?)");
  for (let id = 0; id < 40; id++) insert.run(id, "x");
  const run = vi.spyOn(native, "run").mockImplementation(() => {
    throw new Database.SqliteError("string or blob too big", "SQLITE_TOOBIG");
  });
  expect(() => insert.run(41, "x")).toThrow("too big");
  run.mockRestore();
  expect(db.inTransaction).toBe(false);
  expect(tape()).toEqual([]);
});

test("a value that is too large before anything is written leaves the transaction as it is", () => {
  const { db, tape } = openHarness(T);
  db.exec("BEGIN");
  const insert = db.prepare("INSERT INTO t(id, a) VALUES (?, zeroblob(?))");
  for (let id = 0; id < 40; id++) insert.run(id, 1);
  expect(() => insert.run(41, 9e9)).toThrow("string or blob too big");
  expect(db.inTransaction).toBe(true);
  db.exec("COMMIT");
  expect(tape().length).toBe(40);
});
