import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { contentsOfFile } from "../support/contents.js";
import { withReplica } from "../support/damaged-replica.js";
import { runLibsql, startLibsqlServer } from "../support/libsql-leftovers.js";
import {
  contentsAfter,
  filesOf,
  leave,
  PUSHED,
  run,
  SCHEMA,
  takesOver,
  UNPUSHED,
} from "../support/libsql-takeover.js";
import { startTributary } from "../support/remotes.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

test("what libSQL's client had not pushed becomes local changes, and is pushed", async () => {
  const { remote, path } = await leave({ pushed: PUSHED, unpushed: UNPUSHED });
  const info = readFileSync(`${path}-info`);
  // Others have gone on: another column of the same row, and rows of their own.
  await remote.query("UPDATE notes SET body = 'theirs' WHERE id = 1");
  await remote.query("INSERT INTO log VALUES ('theirs')");
  const theirs = "UPDATE notes SET body = 'theirs' WHERE id = 1; INSERT INTO log VALUES ('theirs')";
  const [message] = await takesOver(remote, path, contentsAfter(SCHEMA, PUSHED, theirs, UNPUSHED));
  expect(message).toMatch(/^not-a-replica: .*was taken over.*\(9\)/);
  const kept = /begin with (.*)\.$/.exec(message ?? "")?.[1] as string;
  expect(readFileSync(`${kept}-info`).equals(info)).toBe(true);
  expect(contentsOfFile(kept).log).toContain("text:'mine'");
});

test("schema changes come too, each as it can be made again", async () => {
  const schema = `${SCHEMA}; CREATE TABLE old (id INTEGER PRIMARY KEY, a TEXT, b TEXT); INSERT INTO old VALUES (1, 'a', 'b');
    CREATE TABLE gone (x); INSERT INTO gone VALUES (1); CREATE TABLE wide (id INTEGER PRIMARY KEY, a, b, c);
    INSERT INTO wide VALUES (1, 1, 2, 3), (2, 4, 5, 6); CREATE INDEX by_body ON notes (body);
    CREATE VIEW bodies AS SELECT body FROM notes; CREATE TRIGGER noted AFTER INSERT ON wide BEGIN SELECT 1; END`;
  const unpushed = `CREATE TABLE mine (id INTEGER PRIMARY KEY, body TEXT UNIQUE); INSERT INTO mine VALUES (1, 'x');
    ALTER TABLE notes ADD COLUMN mood TEXT DEFAULT 'fine'; UPDATE notes SET mood = 'bad' WHERE id = 2;
    ALTER TABLE old RENAME TO renamed; INSERT INTO renamed VALUES (2, 'c', 'd'); DROP TABLE gone;
    ALTER TABLE wide DROP COLUMN b; ALTER TABLE wide RENAME COLUMN c TO d; UPDATE wide SET d = 'D' WHERE id = 1;
    DROP INDEX by_body; CREATE UNIQUE INDEX by_stars_and_id ON notes (stars, id);
    DROP VIEW bodies; CREATE VIEW bodies AS SELECT body, mood FROM notes;
    DROP TRIGGER noted; CREATE TRIGGER noted AFTER DELETE ON wide BEGIN SELECT 2; END;
    PRAGMA user_version = 7; PRAGMA application_id = 8`;
  const { remote, path } = await leave({ schema, unpushed });
  await remote.query("INSERT INTO notes VALUES (20, 'theirs', 0)");
  const theirs = "INSERT INTO notes (id, body, stars) VALUES (20, 'theirs', 0)";
  await takesOver(remote, path, contentsAfter(schema, theirs, unpushed));
  const objects = (file: string): unknown => {
    const db = new Database(file, { readonly: true });
    const sql = `SELECT type, name, replace(sql, 'IF NOT EXISTS ', '') FROM sqlite_schema
      WHERE type <> 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`;
    const rows = [db.prepare(sql).raw().all(), db.pragma("user_version"), db.pragma("application_id")];
    db.close();
    return rows;
  };
  const model = join(temporaryDirectory(), "model.db");
  run(model, `${schema}; ${unpushed}`);
  expect(objects(remote.file)).toEqual(objects(model));
});

test("a table that was made anew with other constraints keeps the remote's, with all rows and columns", async () => {
  const unpushed = `ALTER TABLE notes RENAME TO former;
    CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL, stars INTEGER CHECK (stars < 100), mood TEXT);
    INSERT INTO notes SELECT id, body, stars, 'fine' FROM former; DROP TABLE former; UPDATE notes SET stars = 7 WHERE id = 3`;
  const { remote, path } = await leave({ unpushed });
  const expected = contentsAfter(
    SCHEMA,
    "ALTER TABLE notes ADD COLUMN mood TEXT; UPDATE notes SET mood = 'fine'; UPDATE notes SET stars = 7 WHERE id = 3",
  );
  const [message] = await takesOver(remote, path, expected);
  expect(message).toContain("The definition of notes was changed in a way that cannot be repeated");
});

test("a client that is stuck in conflict is not any more", async () => {
  const file = join(temporaryDirectory(), "server.db");
  run(file, SCHEMA);
  const libsql = await startLibsqlServer(file);
  const path = join(temporaryDirectory(), "app.db");
  await runLibsql(path, libsql.url, [{ sql: PUSHED }, { sync: true }]);
  libsql.isInConflict = true;
  const output = await runLibsql(path, libsql.url, [{ sql: UNPUSHED }, { sync: true }, { sync: true }]);
  expect(output.match(/InvalidPushFrameConflict/g)).toHaveLength(2);
  run(file, PUSHED);
  const remote = await startTributary(file);
  await takesOver(remote, path, contentsAfter(SCHEMA, PUSHED, UNPUSHED));
});

test("what triggers did is not done twice, and a full-text index is kept up", async () => {
  const schema = `${SCHEMA}; CREATE TABLE audit (line TEXT); CREATE TABLE counts (n INTEGER); INSERT INTO counts VALUES (3);
    CREATE TRIGGER counted AFTER INSERT ON notes BEGIN UPDATE counts SET n = n + 1; INSERT INTO audit VALUES (new.body); END;
    CREATE VIRTUAL TABLE search USING fts5(body, content=notes, content_rowid=id);
    CREATE TRIGGER indexed AFTER INSERT ON notes BEGIN INSERT INTO search (rowid, body) VALUES (new.id, new.body); END`;
  const unpushed = "INSERT INTO notes VALUES (11, 'mine alone', 0)";
  const { remote, path } = await leave({ schema, unpushed });
  const expected = contentsAfter(schema, unpushed);
  expect(expected.counts).toEqual(["integer:4"]);
  const messages = await takesOver(remote, path, expected);
  expect(messages[0]).not.toContain("virtual");
  expect(await remote.query("SELECT rowid FROM search WHERE search MATCH 'alone'")).toEqual([[11n]]);
  await remote.query("INSERT INTO notes VALUES (12, 'later', 0)");
  expect(await remote.query("SELECT n FROM counts")).toEqual([[5n]]);
});

test("what was written to a virtual table itself is told to be missing", async () => {
  const schema = `${SCHEMA}; CREATE VIRTUAL TABLE search USING fts5(body)`;
  const { remote, path } = await leave({ schema, unpushed: "INSERT INTO search VALUES ('mine')" });
  const [message] = await takesOver(remote, path, contentsAfter(schema));
  expect(message).toContain("The content of the virtual table search was not taken over");
});

test("with a row in the way of another's unique value, both get where they were", async () => {
  const schema =
    "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE); INSERT INTO users VALUES (5, 'a'), (6, 'b')";
  const unpushed =
    "DELETE FROM users WHERE id = 6; UPDATE users SET email = 'b' WHERE id = 5; INSERT INTO users VALUES (1, 'a')";
  const { remote, path } = await leave({ schema, unpushed });
  await takesOver(remote, path, contentsAfter(schema, unpushed));
});

test("a child that moved to another parent survives the old one's end", async () => {
  const schema = `CREATE TABLE albums (id INTEGER PRIMARY KEY);
    CREATE TABLE songs (id INTEGER PRIMARY KEY, album INTEGER REFERENCES albums ON DELETE CASCADE);
    INSERT INTO albums VALUES (1); INSERT INTO songs VALUES (1, 1), (2, 1)`;
  const unpushed =
    "INSERT INTO albums VALUES (2); UPDATE songs SET album = 2 WHERE id = 1; PRAGMA foreign_keys = ON; DELETE FROM albums WHERE id = 1";
  const { remote, path } = await leave({ schema, unpushed });
  await takesOver(remote, path, contentsAfter(schema, unpushed));
});

test("a change that does not fit what the remote has stops it, with nothing touched, and can be skipped", async () => {
  const schema = "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE)";
  const { remote, path } = await leave({
    schema,
    unpushed: "INSERT INTO users VALUES (5, 'taken'), (6, 'free')",
  });
  await remote.query("INSERT INTO users VALUES (1, 'taken')");
  const before = filesOf(path);
  const opening = withReplica({ path, url: remote.url }, () => {});
  await expect(opening).rejects.toMatchObject({ code: "replay-conflict", details: { table: "users" } });
  expect(filesOf(path)).toEqual(before);
  const expected = contentsAfter(schema, "INSERT INTO users VALUES (1, 'taken'), (6, 'free')");
  await takesOver(remote, path, expected, {
    transform: (mutations) =>
      mutations.map(({ after }) => ({ operation: after?.email === "taken" ? "skip" : "keep" })),
  });
});

test("a client that was killed while it wrote, its last transaction torn, loses nothing that it had committed", async () => {
  const { remote, path } = await leave({ pushed: PUSHED, unpushed: UNPUSHED }, [
    { sql: "BEGIN; INSERT INTO log VALUES ('never committed')" },
    { kill: true },
  ]);
  const log = readFileSync(`${path}-wal`);
  const torn = Buffer.concat([log, log.subarray(32, 32 + 4120), Buffer.alloc(1000, 7)]);
  writeFileSync(`${path}-wal`, torn);
  await takesOver(remote, path, contentsAfter(SCHEMA, PUSHED, UNPUSHED));
});

test("with nothing unpushed there is nothing to push", async () => {
  const { remote, path } = await leave({ pushed: PUSHED, unpushed: "SELECT 1" });
  const [message] = await takesOver(remote, path, contentsAfter(SCHEMA, PUSHED));
  expect(message).toContain("local changes now (0)");
});

test("while the remote does not answer nothing is touched", async () => {
  const { remote, path } = await leave({ pushed: PUSHED, unpushed: UNPUSHED });
  const before = filesOf(path);
  const opening = withReplica({ path, url: null }, () => {});
  await expect(opening).rejects.toMatchObject({ code: "paused", message: expect.stringContaining("libSQL") });
  expect(filesOf(path)).toEqual(before);
  await takesOver(remote, path, contentsAfter(SCHEMA, PUSHED, UNPUSHED));
});

test("whose files must not be taken over says so, and a program that has them open is not disturbed", async () => {
  const { remote, path } = await leave({ pushed: PUSHED, unpushed: UNPUSHED });
  const before = filesOf(path);
  const unwanted = withReplica({ path, url: remote.url, takeOver: false }, () => {});
  await expect(unwanted).rejects.toMatchObject({ code: "not-a-replica" });
  const other = new Database(path);
  other.prepare("SELECT * FROM notes").all();
  // Another connection keeps the first from emptying the log when it closes; one that only reads cannot do it itself.
  const reader = new Database(path, { readonly: true });
  reader.prepare("SELECT * FROM notes").all();
  const used = withReplica({ path, url: remote.url }, () => {});
  await expect(used).rejects.toMatchObject({ code: "replica-in-use" });
  other.close();
  reader.close();
  expect(filesOf(path)).toEqual(before);
  await takesOver(remote, path, contentsAfter(SCHEMA, PUSHED, UNPUSHED));
});

test("pages that are damaged stop it, with nothing touched", async () => {
  const { remote, path } = await leave({ pushed: PUSHED, unpushed: UNPUSHED });
  truncateSync(path, 4096);
  const before = filesOf(path);
  const opening = withReplica({ path, url: remote.url }, () => {});
  await expect(opening).rejects.toMatchObject({
    code: "damaged-file",
    message: expect.stringContaining("libSQL"),
  });
  expect(filesOf(path)).toEqual(before);
});
