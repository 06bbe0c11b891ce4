import { expect, test } from "vitest";
import { MergeSite } from "./merge-site.js";

const INDEXED = `CREATE TABLE notes(id INTEGER PRIMARY KEY, body TEXT);
CREATE VIRTUAL TABLE found USING fts5(body, content='notes', content_rowid='id');
CREATE TRIGGER notes_ai AFTER INSERT ON notes BEGIN INSERT INTO found(rowid, body) VALUES (NEW.id, NEW.body); END;
CREATE TRIGGER notes_ad AFTER DELETE ON notes BEGIN INSERT INTO found(found, rowid, body) VALUES ('delete', OLD.id, OLD.body); END;
CREATE TRIGGER notes_au AFTER UPDATE ON notes BEGIN INSERT INTO found(found, rowid, body) VALUES ('delete', OLD.id, OLD.body);
  INSERT INTO found(rowid, body) VALUES (NEW.id, NEW.body); END;
INSERT INTO notes VALUES (1, 'brook'), (2, 'creek')`;

const search = (site: MergeSite, word: string, table = "found"): unknown[] =>
  site.rows(`SELECT rowid FROM ${table} WHERE ${table} MATCH '${word}' ORDER BY rowid`).map(([id]) => id);

test("an index of somebody else's texts finds what both have written", async () => {
  const site = new MergeSite(INDEXED);
  const [one, two] = [site.replica(), site.replica()];
  one.run("INSERT INTO notes VALUES (10, 'river one'); UPDATE notes SET body = 'beck' WHERE id = 1");
  two.run("INSERT INTO notes VALUES (20, 'river two'); DELETE FROM notes WHERE id = 2");
  expect(await one.push()).toMatchObject({ refused: 0, isExact: true });
  expect(await two.push()).toMatchObject({ refused: 0 });
  expect(search(site, "river")).toEqual([10, 20]);
  expect(search(site, "brook OR creek")).toEqual([]);
  expect(search(site, "beck")).toEqual([1]);
  site.main.exec("INSERT INTO found(found, rank) VALUES ('integrity-check', 1)");
  site.main.exec("INSERT INTO notes VALUES (30, 'river three')");
  expect(search(site, "river")).toEqual([10, 20, 30]);
  site.check();
});

test("a push of one row does not make the index anew where nobody else has written", async () => {
  const site = new MergeSite(INDEXED);
  const replica = site.replica();
  replica.run("INSERT INTO notes VALUES (10, 'river')");
  await replica.push();
  expect(site.rows("SELECT id, hex(block) FROM found_data ORDER BY id")).toEqual(
    replica.rows("SELECT id, hex(block) FROM found_data ORDER BY id"),
  );
  site.main.exec("INSERT INTO found(found, rank) VALUES ('integrity-check', 1)");
});

test.each(["fts5(body)", "fts4(body)"])("an index %s that keeps its texts", async (module) => {
  const site = new MergeSite(
    `CREATE VIRTUAL TABLE f USING ${module}; INSERT INTO f(rowid, body) VALUES (1, 'brook')`,
  );
  const [one, two] = [site.replica(), site.replica()];
  one.run("INSERT INTO f(rowid, body) VALUES (10, 'river one')");
  two.run("INSERT INTO f(rowid, body) VALUES (20, 'river two'); DELETE FROM f WHERE rowid = 1");
  await one.push();
  expect(await two.push()).toMatchObject({ refused: 0 });
  expect(search(site, "river", "f")).toEqual([10, 20]);
  expect(search(site, "brook", "f")).toEqual([]);
  site.main.exec("INSERT INTO f(f) VALUES ('integrity-check')");
});

test("virtual tables that a replica made, with what is in them, and dropped", async () => {
  const site = new MergeSite(
    "CREATE TABLE notes(id INTEGER PRIMARY KEY, body TEXT); INSERT INTO notes VALUES (1, 'brook')",
  );
  const [one, two] = [site.replica(), site.replica()];
  one.run(
    "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1); INSERT INTO r VALUES (1, 0, 1), (2, 5, 6); CREATE VIRTUAL TABLE f USING fts5(a); INSERT INTO f VALUES ('river')",
  );
  two.run(
    "INSERT INTO notes VALUES (2, 'creek'); CREATE VIRTUAL TABLE found USING fts5(body, content='notes', content_rowid='id'); INSERT INTO found(found) VALUES ('rebuild')",
  );
  expect(await one.push()).toMatchObject({ refused: 0, isExact: true });
  expect(site.rows("SELECT id FROM r WHERE x0 > 3")).toEqual([[2]]);
  expect(site.rows("SELECT rtreecheck('r')")).toEqual([["ok"]]);
  expect(search(site, "river", "f")).toEqual([1]);
  site.main.exec("INSERT INTO notes VALUES (3, 'beck')");
  expect(await two.push()).toMatchObject({ refused: 0 });
  expect(search(site, "brook OR creek OR beck")).toEqual([1, 2, 3]);
  one.run("DROP TABLE f; DROP TABLE r");
  expect(await one.push()).toMatchObject({ refused: 0 });
  expect(
    site.rows(
      "SELECT name FROM sqlite_schema WHERE name LIKE 'f\\_%' ESCAPE '\\' OR name LIKE 'r\\_%' ESCAPE '\\'",
    ),
  ).toEqual([]);
  site.check();
});

test("of a spatial index that both have written, the last push's is there, and that is told", async () => {
  const site = new MergeSite(
    "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1); INSERT INTO r VALUES (1, 0, 1)",
  );
  const [one, two] = [site.replica(), site.replica()];
  one.run("INSERT INTO r VALUES (10, 1, 2)");
  two.run("INSERT INTO r VALUES (20, 2, 3)");
  await one.push();
  expect(await two.push()).toMatchObject({ refused: 1 });
  expect(site.rows("SELECT id FROM r ORDER BY id")).toEqual([[1], [20]]);
  expect(site.rows("SELECT rtreecheck('r')")).toEqual([["ok"]]);
  expect(site.refused()).toMatchObject([
    { table: "r", reason: expect.stringMatching(/others had changed r/) },
  ]);
});

test("texts of an index that others have dropped are kept aside", async () => {
  const site = new MergeSite("CREATE VIRTUAL TABLE f USING fts5(a)");
  const replica = site.replica();
  site.main.exec("DROP TABLE f");
  site.bump();
  replica.run("INSERT INTO f VALUES ('river')");
  expect(await replica.push()).toMatchObject({ changes: 0, refused: 1 });
  expect(site.refused()).toMatchObject([{ table: "f_content", change: { after: { c0: "river" } } }]);
});
