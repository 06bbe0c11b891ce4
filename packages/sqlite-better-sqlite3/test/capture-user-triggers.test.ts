import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { openHarness } from "./capture-harness.js";

const T =
  "CREATE TABLE t(id INTEGER PRIMARY KEY, a, at DEFAULT 0); CREATE TABLE log(id INTEGER PRIMARY KEY, m);";

/** Effects of the schema's own triggers stay off the tape: they are made anew where the change lands. */
const CASES: [name: string, schema: string, sql: string, tape: string[]][] = [
  [
    "updated_at on the same table",
    `${T} CREATE TRIGGER touch AFTER UPDATE OF a ON t BEGIN UPDATE t SET at = at + 1 WHERE id = NEW.id; END`,
    "INSERT INTO t(id,a) VALUES(1,'x'); UPDATE t SET a='y'; UPDATE t SET a='z'",
    ['+t[1,"x",0]', '~t[1,"x",0]>[1,"y",0]', '~t[1,"y",1]>[1,"z",1]'],
  ],
  [
    "an audit row in another table, and a direct one",
    `${T} CREATE TRIGGER audit AFTER INSERT ON t BEGIN INSERT INTO log(m) VALUES(NEW.a); END`,
    "INSERT INTO t(id,a) VALUES(1,'x'); INSERT INTO log VALUES(7,'direct')",
    ['+t[1,"x",0]', '+log[7,"direct"]'],
  ],
  [
    "a BEFORE trigger",
    `${T} CREATE TRIGGER b BEFORE DELETE ON t BEGIN INSERT INTO log(m) VALUES(OLD.a); END; INSERT INTO t(id,a) VALUES(1,'x')`,
    "DELETE FROM t",
    ['-t[1,"x",0]'],
  ],
  [
    "RAISE(IGNORE), also inside CASE, and then a direct write",
    `${T} CREATE TRIGGER b BEFORE INSERT ON t WHEN NEW.id > 0 BEGIN
       INSERT INTO log(m) VALUES('try ' || NEW.a);
       SELECT CASE WHEN NEW.a = 'no' THEN raise ( ignore ) ELSE 1 END;
       SELECT RAISE(IGNORE) WHERE NEW.a = 'never';
     END`,
    "INSERT INTO t(id,a) VALUES(1,'no'),(2,'yes'),(3,'never'); INSERT INTO log VALUES(50,'direct')",
    ['+t[2,"yes",0]', '+log[50,"direct"]'],
  ],
  [
    "nested triggers",
    `${T} CREATE TABLE deep(x);
     CREATE TRIGGER one AFTER INSERT ON t BEGIN INSERT INTO log(m) VALUES(NEW.a); INSERT INTO log(m) VALUES(2); END;
     CREATE TRIGGER two AFTER INSERT ON log BEGIN INSERT INTO deep VALUES(NEW.m); END`,
    "INSERT INTO t(id,a) VALUES(1,'x'); INSERT INTO log VALUES(9,'d'); INSERT INTO deep VALUES('direct')",
    ['+t[1,"x",0]', '+log[9,"d"]', '+deep[4,"direct"]'],
  ],
  [
    "INSTEAD OF a view: its writes are direct",
    `${T} CREATE VIEW v AS SELECT id, a FROM t; CREATE TRIGGER iv INSTEAD OF INSERT ON v BEGIN INSERT INTO t(id,a) VALUES(NEW.id, NEW.a); END`,
    "INSERT INTO v VALUES(1,'x')",
    ['+t[1,"x",0]'],
  ],
  [
    "a trigger that writes a view: what is behind it is an effect",
    `${T} CREATE VIEW v AS SELECT m FROM log; CREATE TRIGGER iv INSTEAD OF INSERT ON v BEGIN INSERT INTO log(m) VALUES(NEW.m); END;
     CREATE TRIGGER w AFTER INSERT ON t BEGIN INSERT INTO v VALUES(NEW.a); END`,
    "INSERT INTO t(id,a) VALUES(1,'x'); INSERT INTO v VALUES('direct')",
    ['+t[1,"x",0]', '+log[2,"direct"]'],
  ],
  [
    "FTS5 kept by triggers costs and captures nothing more",
    `CREATE TABLE doc(id INTEGER PRIMARY KEY, body); CREATE VIRTUAL TABLE f USING fts5(body, content='doc', content_rowid='id');
     CREATE TRIGGER ai AFTER INSERT ON doc BEGIN INSERT INTO f(rowid, body) VALUES(NEW.id, NEW.body); END;
     CREATE TRIGGER ad AFTER DELETE ON doc BEGIN INSERT INTO f(f, rowid, body) VALUES('delete', OLD.id, OLD.body); END`,
    "INSERT INTO doc VALUES(1,'hello world'),(2,'bye'); DELETE FROM doc WHERE id=2",
    ['+doc[1,"hello world"]', '+doc[2,"bye"]', '-doc[2,"bye"]'],
  ],
  [
    "REPLACE inside a trigger is an effect too",
    `${T} CREATE TABLE u(id INTEGER PRIMARY KEY, n UNIQUE, k); CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT OR REPLACE INTO u(n,k) VALUES('n', NEW.a); END`,
    "INSERT INTO t(id,a) VALUES(1,'x'),(2,'y')",
    ['+t[1,"x",0]', '+t[2,"y",0]'],
  ],
];

describe("triggers of the schema", () => {
  test.each(CASES)("%s", (_name, schema, sql, tape) => {
    const harness = openHarness(schema);
    harness.db.exec(sql);
    expect(harness.tape()).toEqual(tape);
    // What a trigger wrote before it ignored the change belongs to no change, and stays here.
    if (!schema.includes("ignore")) harness.expectReplays();
  });

  test("an error inside a marked trigger does not silence what follows", () => {
    const harness = openHarness(
      `${T} CREATE TRIGGER x AFTER INSERT ON t BEGIN INSERT INTO log(m) VALUES(1); SELECT CASE WHEN NEW.a='bad' THEN RAISE(ABORT, 'bad') END; END`,
    );
    expect(() => harness.db.exec("INSERT INTO t(id,a) VALUES(1,'bad')")).toThrow("bad");
    harness.db.exec("INSERT INTO log VALUES(5,'direct')");
    const insert = harness.db.prepare("INSERT INTO t(id,a) VALUES(?, ?)");
    expect(() => insert.run(2, "bad")).toThrow("bad");
    harness.db.prepare("INSERT INTO log VALUES(6,'direct')").run();
    expect(harness.tape()).toEqual(['+log[5,"direct"]', '+log[6,"direct"]']);
  });

  test("a TEMP trigger exists only here, so its effects travel", () => {
    const harness = openHarness(T);
    harness.db.exec("CREATE TEMP TRIGGER mine AFTER INSERT ON t BEGIN INSERT INTO log VALUES(1, NEW.a); END");
    harness.db.exec("INSERT INTO t(id,a) VALUES(1,'x')");
    expect(harness.tape().sort()).toEqual(['+log[1,"x"]', '+t[1,"x",0]']);
  });

  test("triggers keep the order they fire in", () => {
    const order = (write: (sql: string) => void, read: () => unknown): unknown => {
      write("INSERT INTO t(id,a) VALUES(1,'x')");
      return read();
    };
    const triggers = ["a", "b", "c"]
      .map(
        (name) => `CREATE TRIGGER ${name} AFTER INSERT ON t BEGIN INSERT INTO log(m) VALUES('${name}'); END;`,
      )
      .join(" ");
    const marked = openHarness(T + triggers);
    const bare = new Database(":memory:");
    bare.exec(T + triggers);
    const results = [marked.db, bare].map((db) =>
      order(
        (sql) => db.exec(sql),
        () => db.prepare("SELECT m FROM log ORDER BY id").pluck().all(),
      ),
    );
    expect(results[0]).toEqual(results[1]);
    const names = marked.db
      .prepare("SELECT name FROM sqlite_schema WHERE type='trigger' ORDER BY rowid")
      .pluck()
      .all();
    expect(names).toEqual(["a", "b", "c"]);
  });

  test("only tables that a marked trigger writes pay for it", () => {
    const { db } = openHarness(
      `${T} CREATE TRIGGER audit AFTER INSERT ON t BEGIN INSERT INTO log(m) VALUES(NEW.a); END`,
    );
    const guarded = db
      .prepare("SELECT DISTINCT tbl_name FROM temp.sqlite_schema WHERE sql LIKE '%tributary_depth%'")
      .pluck()
      .all();
    expect(guarded).toEqual(["log"]);
  });
});
