import { expect, test } from "vitest";
import { MergeSite } from "./merge-site.js";

// SQLite as libSQL's clients have it takes a text in double quotes where no name fits; the server's does not.

/** Puts texts of the schema into double quotes, as a client's SQLite leaves them. */
const DOUBLE_QUOTES = `PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''open''', '"open"') WHERE sql LIKE '%''open''%';
PRAGMA writable_schema = RESET`;

test("a schema with texts in double quotes is taken, and so are its rows", async () => {
  const site = new MergeSite("CREATE TABLE other(a)");
  const replica = site.replica();
  replica.run(`CREATE TABLE task(id INTEGER PRIMARY KEY, state TEXT DEFAULT 'open' CHECK (state <> 'opened' AND state IN ('open', 'done')),
      "the state" AS (state || 'open'));
    CREATE INDEX undone ON task(state) WHERE state = 'open';
    CREATE TABLE log(id);
    CREATE TRIGGER logged AFTER INSERT ON task WHEN NEW.state = 'open' BEGIN INSERT INTO log VALUES (NEW.id); END;
    CREATE VIEW undone_tasks AS SELECT id FROM task WHERE state = 'open';
    INSERT INTO task(id) VALUES (1), (2); ${DOUBLE_QUOTES}`);
  replica.run("UPDATE task SET state = 'done' WHERE id = 2");
  expect(await replica.push()).toEqual({ changes: 4, refused: 0, isExact: true });
  expect(site.rows('SELECT id, state, "the state" FROM task')).toEqual([
    [1, "open", "openopen"],
    [2, "done", "doneopen"],
  ]);
  site.main.exec("INSERT INTO task(id) VALUES (3)");
  expect(site.rows("SELECT state FROM task WHERE id = 3")).toEqual([["open"]]);
  expect(site.rows("SELECT id FROM log")).toEqual([[1], [2], [3]]);
  expect(site.rows("SELECT id FROM undone_tasks")).toEqual([[1], [3]]);
  replica.run("ALTER TABLE task ADD COLUMN kind DEFAULT 'open'; UPDATE task SET state = 'done' WHERE id = 1");
  replica.run(DOUBLE_QUOTES);
  expect(await replica.push()).toMatchObject({ changes: 1, refused: 0 });
  expect(site.rows("SELECT DISTINCT kind FROM task")).toEqual([["open"]]);
  site.check();
});
