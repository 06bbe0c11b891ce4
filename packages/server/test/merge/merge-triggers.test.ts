import { expect, test } from "vitest";
import { MergeSite } from "./merge-site.js";

const COUNTED = `CREATE TABLE t(id INTEGER PRIMARY KEY, a, changed INTEGER DEFAULT 0);
CREATE TABLE counter(id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO counter VALUES (1, 0);
CREATE TRIGGER t_insert AFTER INSERT ON t BEGIN UPDATE counter SET n = n + 1; END;
CREATE TRIGGER t_update AFTER UPDATE OF a ON t BEGIN UPDATE t SET changed = OLD.changed + 1 WHERE id = NEW.id; END;
CREATE TRIGGER t_last AFTER INSERT ON t BEGIN SELECT 1; END`;

const triggers = (site: MergeSite): unknown[][] =>
  site.rows("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid");

test("what triggers did in the replica is not done again", async () => {
  const site = new MergeSite(COUNTED);
  const before = triggers(site);
  const replica = site.replica();
  replica.run("INSERT INTO t(a) VALUES ('x'), ('y'); UPDATE t SET a = 'z' WHERE id = 1");
  expect(await replica.push()).toMatchObject({ refused: 0, isExact: true });
  expect(site.rows("SELECT id, a, changed FROM t")).toEqual([
    [1, "z", 1],
    [2, "y", 0],
  ]);
  expect(site.rows("SELECT n FROM counter")).toEqual([[2]]);
  expect(triggers(site)).toEqual(before);
  site.main.exec("INSERT INTO t(a) VALUES ('fires')");
  expect(site.rows("SELECT n FROM counter")).toEqual([[3]]);
});

test("triggers of tables that are not written stay as they are", async () => {
  const site = new MergeSite(`${COUNTED}; CREATE TABLE other(a)`);
  const version = site.rows("PRAGMA schema_version");
  const replica = site.replica();
  // The table of positions is made by the first push.
  replica.run("INSERT INTO other VALUES (1)");
  await replica.push();
  const made = Number(site.rows("PRAGMA schema_version")[0]?.[0]);
  expect(made).toBe(Number(version[0]?.[0]) + 1);
  replica.run("INSERT INTO other VALUES (2)");
  await replica.push();
  expect(site.rows("PRAGMA schema_version")).toEqual([[made]]);
});

test("a trigger that only the database has fires", async () => {
  const site = new MergeSite("CREATE TABLE t(id INTEGER PRIMARY KEY, a); CREATE TABLE log(what)");
  const replica = site.replica();
  site.main.exec("CREATE TRIGGER noted AFTER INSERT ON t BEGIN INSERT INTO log VALUES (NEW.a); END");
  site.bump();
  replica.run("INSERT INTO t VALUES (1, 'x')");
  await replica.push();
  expect(site.rows("SELECT what FROM log")).toEqual([["x"]]);
});

test("a rule that only the database has keeps out what it does not allow", async () => {
  const site = new MergeSite("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  const replica = site.replica();
  site.main.exec(
    "CREATE TRIGGER rule BEFORE INSERT ON t WHEN NEW.a < 0 BEGIN SELECT RAISE(ABORT, 'no debts'); END",
  );
  site.bump();
  replica.run("INSERT INTO t VALUES (1, -1), (2, 2)");
  expect(await replica.push()).toMatchObject({ changes: 1, refused: 1 });
  expect(site.rows("SELECT id FROM t")).toEqual([[2]]);
  expect(site.refused()).toMatchObject([{ table: "t", reason: "no debts" }]);
});

test("a rule that rolls everything back does not keep a push out", async () => {
  const site = new MergeSite("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  const replica = site.replica();
  site.main.exec("CREATE TRIGGER rule BEFORE INSERT ON t BEGIN SELECT RAISE(ROLLBACK, 'no'); END");
  site.bump();
  replica.run("INSERT INTO t VALUES (1, 'x')");
  expect(await replica.push()).toMatchObject({ changes: 1, refused: 0 });
  expect(site.rows("SELECT id FROM t")).toEqual([[1]]);
  expect(triggers(site)).toHaveLength(1);
});

test("triggers that the replica made, changed and dropped are so in the database", async () => {
  const site = new MergeSite(`${COUNTED}; CREATE VIEW v AS SELECT a FROM t`);
  const [one, two] = [site.replica(), site.replica()];
  one.run(
    `DROP TRIGGER t_last; DROP TRIGGER t_insert;
     CREATE TRIGGER t_insert AFTER INSERT ON t BEGIN UPDATE counter SET n = n + 10; END;
     CREATE TRIGGER v_insert INSTEAD OF INSERT ON v BEGIN INSERT INTO t(a) VALUES (NEW.a); END;
     INSERT INTO t(a) VALUES ('one')`,
  );
  two.run("INSERT INTO t(a) VALUES ('two')");
  await two.push();
  await one.push();
  expect(triggers(site).map(([name]) => name)).toEqual(["t_update", "t_insert", "v_insert"]);
  expect(site.rows("SELECT n FROM counter")).toEqual([[10]]);
  site.main.exec("INSERT INTO v VALUES ('both')");
  expect(site.rows("SELECT n FROM counter")).toEqual([[20]]);
});

test.each(["DELETE", "INSERT"])(
  "a rule of the database against %s does not keep a push out that swaps unique values",
  async (what) => {
    const site = new MergeSite(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, v); INSERT INTO t VALUES (1, 'a', 'x'), (2, 'b', 'y')",
    );
    const replica = site.replica();
    site.main.exec(
      `CREATE TRIGGER rule BEFORE ${what} ON t WHEN ${what === "DELETE" ? "OLD" : "NEW"}.id < 3 BEGIN SELECT RAISE(ABORT, 'rule'); END`,
    );
    site.bump();
    replica.run(
      "UPDATE t SET u = 'c' WHERE id = 1; UPDATE t SET u = 'a' WHERE id = 2; UPDATE t SET u = 'b' WHERE id = 1; INSERT INTO t VALUES (3, 'd', 'z')",
    );
    expect(await replica.push()).toEqual({ changes: 1, refused: 2, isExact: false });
    expect(site.rows("SELECT id, u, v FROM t")).toEqual([
      [1, "a", "x"],
      [2, "b", "y"],
      [3, "d", "z"],
    ]);
    expect(site.refused().map(({ reason }) => reason)).toEqual(["rule", "rule"]);
  },
);
