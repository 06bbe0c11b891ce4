import Database from "better-sqlite3";
import { contentsOf } from "../../support/contents.js";

/** Contents of a database, as `contentsOf` gives them. */
export type Contents = Record<string, string[]>;

/** What a replica and its remote hold when a procedure begins. */
export interface DataSet {
  /** What the remote's revisions begin with, which are a number otherwise. */
  readonly history?: string;
  /** Makes the remote, before the replica is. */
  readonly base: string;
  /** The replica's changes before a checkpoint: their synced pages are saved as revert pages. */
  readonly settled: string;
  /** The replica's changes after it, statement by statement. */
  readonly unsettled: readonly string[];
  /** What the remote's other writers do meanwhile. */
  readonly remote: string;
  /** The local changes as they are to be repeated on the remote's, where that is not what was run locally. */
  readonly replayed?: string;
  /** What mends local changes that do not fit the remote's; run before the next sync. */
  readonly mend?: string;
  /** Pending changes before and after a pull. */
  readonly pending: readonly number[];
}

const FILLER = `CREATE TABLE bulk (id INTEGER PRIMARY KEY, body TEXT);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
  INSERT INTO bulk SELECT i, hex(zeroblob(500)) FROM n;`;

const BASE = `CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, stars INTEGER);
  CREATE INDEX by_body ON notes (body);
  INSERT INTO notes VALUES (1, 'one', 0), (2, 'two', 0), (3, 'three', 0);
  CREATE TABLE pairs (a INTEGER, b TEXT, c INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID;
  INSERT INTO pairs VALUES (1, 'x', 0), (2, 'y', 0);
  CREATE TABLE log (entry TEXT);
  INSERT INTO log VALUES ('first');
  CREATE TABLE albums (id INTEGER PRIMARY KEY);
  CREATE TABLE songs (id INTEGER PRIMARY KEY, album INTEGER REFERENCES albums ON DELETE CASCADE);
  INSERT INTO albums VALUES (1), (2);
  INSERT INTO songs VALUES (1, 1), (2, 1), (3, 2);
  ${FILLER}`;

/** Tables of several kinds, one of them without a key, whose rows show when a change is made twice. */
export const SEVERAL_TABLES: DataSet = {
  base: BASE,
  settled: `UPDATE notes SET body = 'ONE, locally' WHERE id = 1; DELETE FROM notes WHERE id = 3;
    INSERT INTO log VALUES ('local 1'); UPDATE bulk SET body = 'short' WHERE id <= 10`,
  unsettled: [
    "INSERT INTO notes VALUES (100, 'local', 0)",
    "UPDATE pairs SET c = 1 WHERE a = 1",
    "INSERT INTO log VALUES ('local 2'), ('local 2')",
    "DELETE FROM albums WHERE id = 1",
    "CREATE TABLE mine (id INTEGER PRIMARY KEY, body TEXT)",
    "INSERT INTO mine VALUES (1, 'local')",
  ],
  remote: `UPDATE notes SET stars = 9; INSERT INTO notes VALUES (7, 'remote', 0);
    INSERT INTO log VALUES ('remote'); INSERT INTO pairs VALUES (3, 'z', 0);
    UPDATE bulk SET body = 'remote' WHERE id > 35`,
  pending: [22],
};

/** Nothing is pending: the replica only follows. */
export const FOLLOWING: DataSet = { ...SEVERAL_TABLES, settled: "", unsettled: [], pending: [0] };

/** As it, with a remote whose pulls may be laid over a replica at rest. */
export const RESTING: DataSet = {
  ...FOLLOWING,
  history: "history-",
  remote: "INSERT INTO log VALUES ('remote')",
};

/** No revert pages: the log has all that was touched. */
export const NEVER_SETTLED: DataSet = { ...SEVERAL_TABLES, settled: "", pending: [9] };

/** Both sides have grown, then the remote shrinks to a few pages. */
export const SHRINKING: DataSet = {
  base: BASE,
  settled:
    "UPDATE notes SET body = 'ONE, locally' WHERE id = 1; UPDATE bulk SET body = body || 'x' WHERE id = 40",
  unsettled: [
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
     INSERT INTO log SELECT 'local ' || i || hex(zeroblob(400)) FROM n`,
  ],
  remote: "DELETE FROM bulk WHERE id <> 40; VACUUM",
  pending: [42],
};

/** The replica's database shrinks, the remote's grows. */
export const SHRINKING_LOCALLY: DataSet = {
  base: BASE,
  settled: "UPDATE bulk SET body = '' WHERE id BETWEEN 21 AND 40",
  unsettled: ["DELETE FROM bulk WHERE id <= 20", "INSERT INTO log VALUES ('local')"],
  remote: "INSERT INTO bulk SELECT id + 100, body FROM bulk; INSERT INTO log VALUES ('remote')",
  pending: [41],
};

/** Schema changes on both sides; the remote drops a table that has a pending change, which is parked. */
export const SCHEMA_CHANGES: DataSet = {
  base: BASE,
  settled: "ALTER TABLE notes ADD COLUMN mood TEXT; UPDATE notes SET mood = 'good' WHERE id = 2",
  unsettled: [
    "UPDATE pairs SET c = 5 WHERE a = 2",
    "CREATE TABLE mine (id INTEGER PRIMARY KEY, body TEXT UNIQUE)",
    "INSERT INTO mine VALUES (1, 'local')",
    "CREATE INDEX by_stars ON notes (stars)",
    "INSERT INTO log VALUES ('local')",
  ],
  remote: `ALTER TABLE notes ADD COLUMN color TEXT DEFAULT 'red'; DROP TABLE pairs;
    CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)`,
  replayed: `ALTER TABLE notes ADD COLUMN mood TEXT; UPDATE notes SET mood = 'good' WHERE id = 2;
    CREATE TABLE mine (id INTEGER PRIMARY KEY, body TEXT UNIQUE); INSERT INTO mine VALUES (1, 'local');
    CREATE INDEX by_stars ON notes (stars); INSERT INTO log VALUES ('local')`,
  pending: [7, 6],
};

/** A unique value is taken on both sides, so the replay is undone. */
export const CONFLICT: DataSet = {
  base: `${BASE}; CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE)`,
  settled: "UPDATE notes SET body = 'ONE, locally' WHERE id = 1",
  unsettled: ["INSERT INTO users VALUES (5, 'taken')", "INSERT INTO log VALUES ('local')"],
  remote:
    "INSERT INTO users VALUES (1, 'taken'); INSERT INTO log VALUES ('remote'); UPDATE notes SET stars = 9",
  replayed: `UPDATE notes SET body = 'ONE, locally' WHERE id = 1; INSERT INTO users VALUES (5, 'free');
    INSERT INTO log VALUES ('local')`,
  mend: "UPDATE users SET email = 'free' WHERE id = 5",
  pending: [3],
};

/** What the replica shows before a pull. */
export function contentsBefore({ base, settled, unsettled }: DataSet): Contents {
  return contentsAfter([base, settled, ...unsettled]);
}

/** What both sides hold once everything has met: the remote's changes first, the local ones on top. */
export function contentsMerged({ base, remote, settled, unsettled, replayed }: DataSet): Contents {
  return contentsAfter([base, remote, ...(replayed === undefined ? [settled, ...unsettled] : [replayed])]);
}

const known = new Map<string, Contents>();

function contentsAfter(sql: readonly string[]): Contents {
  const key = sql.join(";");
  const contents = known.get(key) ?? runPlainly(sql);
  known.set(key, contents);
  return contents;
}

function runPlainly(sql: readonly string[]): Contents {
  const db = new Database(":memory:");
  try {
    for (const text of sql) db.exec(text);
    return contentsOf(db);
  } finally {
    db.close();
  }
}
