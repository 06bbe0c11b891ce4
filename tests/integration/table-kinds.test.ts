import { describe, expect, test } from "vitest";
import { contentsOf, contentsOfFile } from "../support/contents.js";
import { startTributary } from "../support/remotes.js";
import { replicaOf } from "../support/replicas.js";

/** A schema, what one replica does with it offline, and what another does meanwhile and pushes first. */
interface Kind {
  readonly name: string;
  readonly schema: string;
  readonly local: string;
  readonly other?: string;
}

const KINDS: readonly Kind[] = [
  {
    name: "INTEGER PRIMARY KEY",
    schema:
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 2), (3, 'z', 3)",
    local:
      "INSERT INTO t VALUES (10, 'new', 0); UPDATE t SET a = 'local' WHERE id = 1; DELETE FROM t WHERE id = 2",
    other: "UPDATE t SET b = 99; INSERT INTO t VALUES (20, 'other', 0)",
  },
  {
    name: "AUTOINCREMENT",
    schema: "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a); INSERT INTO t (a) VALUES ('x'), ('y')",
    local: "INSERT INTO t (a) VALUES ('mine'); DELETE FROM t WHERE a = 'x'",
    other: "UPDATE t SET a = 'Y' WHERE a = 'y'",
  },
  {
    name: "a text key",
    schema: "CREATE TABLE t (k TEXT PRIMARY KEY, a); INSERT INTO t VALUES ('p', 1), ('q', 2)",
    local:
      "INSERT INTO t VALUES ('r', 3); UPDATE t SET a = 10 WHERE k = 'p'; UPDATE t SET k = 'moved' WHERE k = 'q'",
    other: "INSERT INTO t VALUES ('s', 4)",
  },
  {
    name: "a composite key",
    schema:
      "CREATE TABLE t (a, b, c, PRIMARY KEY (b, a)); INSERT INTO t VALUES (1, 1, 'x'), (1, 2, 'y'), (2, 1, 'z')",
    local:
      "UPDATE t SET c = 'local' WHERE a = 1 AND b = 1; DELETE FROM t WHERE a = 1 AND b = 2; INSERT INTO t VALUES (3, 3, 'n')",
    other: "INSERT INTO t VALUES (4, 4, 'o')",
  },
  {
    name: "NULL in keys",
    schema:
      "CREATE TABLE t (k TEXT PRIMARY KEY, a); INSERT INTO t VALUES (NULL, 'one'), (NULL, 'two'), ('k', 'three')",
    local:
      "UPDATE t SET a = 'TWO' WHERE a = 'two'; INSERT INTO t VALUES (NULL, 'four'), (NULL, 'five'); DELETE FROM t WHERE a = 'one'",
    other: "INSERT INTO t VALUES (NULL, 'six')",
  },
  {
    name: "WITHOUT ROWID",
    schema:
      "CREATE TABLE t (a TEXT, b INTEGER, c, PRIMARY KEY (a, b)) WITHOUT ROWID; INSERT INTO t VALUES ('x', 1, 1), ('x', 2, 2)",
    local:
      "UPDATE t SET c = 'local' WHERE b = 1; INSERT INTO t VALUES ('y', 1, 3); DELETE FROM t WHERE b = 2",
    other: "INSERT INTO t VALUES ('z', 9, 9)",
  },
  {
    name: "no key",
    schema: "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'x'), (1, 'x'), (2, 'y')",
    local:
      "DELETE FROM t WHERE rowid = 1; UPDATE t SET b = 'local' WHERE a = 2; INSERT INTO t VALUES (3, 'z')",
    other: "UPDATE t SET a = 7 WHERE rowid = 2",
  },
  {
    name: "generated columns",
    schema:
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, twice INTEGER AS (a * 2) VIRTUAL, thrice INTEGER AS (a * 3) STORED, b); INSERT INTO t (id, a, b) VALUES (1, 1, 'x')",
    local: "INSERT INTO t (id, a, b) VALUES (2, 5, 'y'); UPDATE t SET a = 100 WHERE id = 1",
    other: "UPDATE t SET b = 'other'",
  },
  {
    name: "columns named rowid and oid, no key",
    schema: `CREATE TABLE t ("rowid" TEXT, oid TEXT, a); INSERT INTO t VALUES ('r', 'o', 1), ('s', 'p', 2)`,
    local: `UPDATE t SET a = 'local' WHERE "rowid" = 'r'; INSERT INTO t VALUES ('t', 'q', 3); DELETE FROM t WHERE oid = 'p'`,
  },
  {
    name: "names with quotes, spaces, keywords and umlauts",
    schema: `CREATE TABLE "my ""odd"" täble" ("select" INTEGER PRIMARY KEY, "a ""b"" ?" TEXT, "c'd" BLOB)`,
    local: `INSERT INTO "my ""odd"" täble" VALUES (1, 'x', x'00ff'); UPDATE "my ""odd"" täble" SET "a ""b"" ?" = 'y'`,
  },
  {
    name: "STRICT and CHECK",
    schema:
      "CREATE TABLE t (id INTEGER PRIMARY KEY, n INT CHECK (n > 0), r REAL, s TEXT, b BLOB, x ANY) STRICT; INSERT INTO t VALUES (1, 1, 1, '1', x'01', 1)",
    local: "INSERT INTO t VALUES (2, 2, 2.0, 'two', x'', 2.0); UPDATE t SET x = 'text', n = 5 WHERE id = 1",
  },
  {
    name: "a swap of unique values",
    schema: "CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE); INSERT INTO t VALUES (1, 'a'), (2, 'b')",
    local:
      "UPDATE t SET u = 'tmp' WHERE id = 1; UPDATE t SET u = 'a' WHERE id = 2; UPDATE t SET u = 'b' WHERE id = 1",
    other: "INSERT INTO t VALUES (3, 'c')",
  },
  {
    name: "OR REPLACE that displaces rows by another unique index",
    schema:
      "CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE, v TEXT UNIQUE); INSERT INTO t VALUES (1, 'a', 'A'), (2, 'b', 'B'), (3, 'c', 'C')",
    local: "INSERT OR REPLACE INTO t VALUES (9, 'a', 'B'); UPDATE OR REPLACE t SET u = 'c' WHERE id = 9",
  },
  {
    name: "foreign keys with cascades",
    schema:
      "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE); INSERT INTO p VALUES (1), (2), (3); INSERT INTO c VALUES (1, 1), (2, 2), (3, 3)",
    local:
      "DELETE FROM p WHERE id = 1; UPDATE p SET id = 20 WHERE id = 2; INSERT INTO p VALUES (4); INSERT INTO c VALUES (4, 4)",
    other: "INSERT INTO c VALUES (30, 3)",
  },
  {
    name: "user triggers whose effects are not doubled",
    schema: `CREATE TABLE t (id INTEGER PRIMARY KEY, a, touched INTEGER NOT NULL DEFAULT 0);
      CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT);
      CREATE TRIGGER t_touched AFTER UPDATE OF a ON t BEGIN UPDATE t SET touched = touched + 1 WHERE id = new.id; END;
      CREATE TRIGGER t_log AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES ('insert ' || new.id); END;
      INSERT INTO t (id, a) VALUES (1, 'x')`,
    local:
      "INSERT INTO t (id, a) VALUES (2, 'y'); UPDATE t SET a = 'z' WHERE id = 1; INSERT INTO log (what) VALUES ('direct')",
    other: "INSERT INTO t (id, a) VALUES (3, 'w')",
  },
  {
    name: "views with INSTEAD OF triggers",
    schema: `CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE VIEW v AS SELECT id, a FROM t;
      CREATE TRIGGER v_insert INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES (new.id, 'through the view: ' || new.a); END`,
    local: "INSERT INTO v VALUES (1, 'x')",
    other: "INSERT INTO v VALUES (2, 'y')",
  },
  {
    name: "partial and expression indexes",
    schema:
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, live INT); CREATE UNIQUE INDEX one_live ON t (lower(a)) WHERE live = 1; INSERT INTO t VALUES (1, 'A', 1), (2, 'a', 0)",
    local: "INSERT OR REPLACE INTO t VALUES (3, 'a', 1); INSERT INTO t VALUES (4, 'B', 1)",
  },
  {
    name: "FTS5 kept by triggers",
    schema: `CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT); CREATE VIRTUAL TABLE search USING fts5 (body, content = 't', content_rowid = 'id');
      CREATE TRIGGER t_i AFTER INSERT ON t BEGIN INSERT INTO search (rowid, body) VALUES (new.id, new.body); END;
      CREATE TRIGGER t_d AFTER DELETE ON t BEGIN INSERT INTO search (search, rowid, body) VALUES ('delete', old.id, old.body); END;
      INSERT INTO t VALUES (1, 'red apple'), (2, 'green pear')`,
    local: "INSERT INTO t VALUES (3, 'red cherry'); DELETE FROM t WHERE id = 1",
    other: "INSERT INTO t VALUES (4, 'red plum')",
  },
  {
    name: "renamed tables and columns, added and dropped columns",
    schema: "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c); INSERT INTO t VALUES (1, 'a', 'b', 'c')",
    local:
      "UPDATE t SET a = 'A'; ALTER TABLE t RENAME COLUMN a TO alpha; ALTER TABLE t DROP COLUMN b; ALTER TABLE t ADD COLUMN b TEXT DEFAULT 'new'; UPDATE t SET b = 'B', alpha = 'AA'; ALTER TABLE t RENAME TO u; INSERT INTO u VALUES (2, 'x', 'y', 'z')",
  },
  {
    name: "a table made and filled from a query, indexes, views and triggers made locally, and dropped ones",
    schema:
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE TABLE gone (x); INSERT INTO t VALUES (1, 'x'), (2, 'y')",
    local:
      "CREATE TABLE copy AS SELECT id * 10 AS id, a FROM t; CREATE INDEX copy_a ON copy (a); CREATE VIEW both AS SELECT * FROM t UNION ALL SELECT * FROM copy; CREATE TRIGGER t_c AFTER INSERT ON t BEGIN INSERT INTO copy VALUES (new.id, 'by trigger'); END; INSERT INTO t VALUES (3, 'z'); DROP TABLE gone",
    other: "INSERT INTO t VALUES (4, 'w')",
  },
];

describe.each(KINDS)("$name", ({ schema, local, other }) => {
  test("survives push, pull and replay", async () => {
    const remote = await startTributary();
    const origin = await replicaOf(remote.url);
    origin.db.exec(schema);
    await origin.sync();

    const [a, b] = [await replicaOf(remote.url), await replicaOf(remote.url)];
    a.db.exec(local);
    const alone = contentsOf(a.db);
    if (other !== undefined) {
      b.db.exec(other);
      await b.sync();
    }
    // Replays the local changes on what came, before they are pushed.
    await a.pull();
    if (other === undefined) expect(contentsOf(a.db)).toEqual(alone);
    const replayed = contentsOf(a.db);
    await a.sync();
    await b.sync();
    expect(contentsOf(a.db)).toEqual(replayed);
    expect(contentsOf(b.db)).toEqual(replayed);
    for (const { db } of [a, b]) expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
    expect(a.db.pragma("foreign_key_check")).toEqual([]);
    await remote.close();
    expect(contentsOfFile(remote.file)).toEqual(replayed);
  });
});
