import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type CapturedDatabase,
  type CapturedDatabaseOptions,
  openCapturedDatabase,
} from "@tributary/streams";
import type Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.js";

function open(
  directory: string,
  name: string,
  options: Partial<CapturedDatabaseOptions> = {},
): CapturedDatabase {
  const path = join(directory, `${name}.db`);
  const database = openCapturedDatabase({ path, name, database: { synchronous: "OFF" }, ...options });
  onTestFinished(() => database.close());
  return database;
}

/** What the `sqlite3` program prints for a statement, in its list mode. */
function printed(db: Database.Database, sql: string): string[] {
  if (!/^SELECT/i.test(sql)) {
    db.exec(sql);
    return [];
  }
  const rows = db.prepare(sql).raw().all() as unknown[][];
  return rows.map((row) => row.map((value) => (value === null ? "" : String(value))).join("|"));
}

test("the session of the document goes as it is printed there", () => {
  const directory = temporaryDirectory();
  const databases = new Map(["here", "there"].map((name) => [name, open(directory, name).db]));
  const document = readFileSync("docs/STREAMS.md", "utf8");
  const session = /```sql-session\n([\s\S]*?)```/.exec(document)?.[1]?.trimEnd().split("\n") ?? [];
  const transcript: string[] = [];
  for (const line of session) {
    const [, name, sql] = /^(\w+)> (.*)$/.exec(line) ?? [];
    if (name === undefined || sql === undefined) continue;
    transcript.push(line);
    const statement = sql.replace("'mail.db'", `'${join(directory, "mail.db")}'`);
    transcript.push(...printed(databases.get(name) as Database.Database, statement));
  }
  expect(transcript.length).toBeGreaterThan(20);
  expect(transcript).toEqual(session);
});

interface Pair {
  readonly here: CapturedDatabase;
  readonly there: CapturedDatabase;
}

function pair(options: Partial<CapturedDatabaseOptions> = {}): Pair {
  const directory = temporaryDirectory();
  const here = open(directory, "here");
  here.db.exec("CREATE TABLE note (id TEXT PRIMARY KEY, body TEXT)");
  return { here, there: open(directory, "there", options) };
}

function changes(db: Database.Database, args = ""): { package: Buffer | string; cursor: number }[] {
  return db.prepare(`SELECT package, cursor FROM tributary_changes${args}`).all() as {
    package: Buffer | string;
    cursor: number;
  }[];
}

function put({ db }: CapturedDatabase, payload: unknown): Record<string, unknown> {
  const { lastInsertRowid } = db.prepare("INSERT INTO tributary_inbox (package) VALUES (?)").run(payload);
  return db.prepare("SELECT * FROM tributary_inbox WHERE id = ?").get(lastInsertRowid) as Record<
    string,
    unknown
  >;
}

test("the function takes the options of a stream", () => {
  const { here, there } = pair();
  for (const id of ["a", "b", "c"]) here.db.exec(`INSERT INTO note VALUES ('${id}', '')`);
  expect(changes(here.db, " WHERE since = 'start' AND max_bytes = 1").map(({ cursor }) => cursor)).toEqual([
    1, 2, 3, 4,
  ]);
  expect(changes(here.db, "('now')")).toEqual([]);
  expect(changes(here.db, "(4)")).toEqual([]);
  expect(changes(here.db, "(NULL)")).toEqual([]);
  expect(changes(here.db, "(3)").map(({ cursor }) => cursor)).toEqual([4]);
  const [json] = changes(here.db, " WHERE since = 'start' AND encoding = 'json'");
  expect(put(there, json?.package)).toMatchObject({ status: "applied", cursor: 4, sender: here.site });
  there.db.exec("INSERT INTO note VALUES ('d', '')");
  const ofThere = (args: string): string => {
    const [made] = changes(there.db, args);
    return String(made?.package);
  };
  expect(ofThere(" WHERE since = 'start' AND encoding = 'json' AND local_only = 0")).toContain('"a"');
  expect(ofThere(" WHERE encoding = 'json' AND local_only = 1 AND since = 'start'")).not.toContain('"a"');
  expect(ofThere(`('start', '["${here.site}"]', 0, 100000, 'json')`)).not.toContain('"a"');
  expect(ofThere(" WHERE encoding = 'json' AND local_only = 1 AND since = 'start'")).toContain('"d"');
  for (const args of [
    "(-1)",
    "('soon')",
    "('start', 'a')",
    "('start', '[1]')",
    " WHERE max_bytes = 0",
    " WHERE encoding = 'xml'",
    "(99)",
  ]) {
    expect(() => changes(here.db, args), args).toThrow(expect.objectContaining({ code: "invalid-option" }));
  }
});

test("the function tells what is committed, also inside a transaction, and stops where nobody reads on", () => {
  const { here } = pair();
  here.db.exec("BEGIN; INSERT INTO note VALUES ('a', '')");
  expect(changes(here.db, "('start')").map(({ cursor }) => cursor)).toEqual([1]);
  here.db.exec("COMMIT");
  for (let id = 0; id < 50; id++) here.db.exec(`INSERT INTO note VALUES (${id}, '')`);
  const limited = here.db.prepare(
    "SELECT cursor FROM tributary_changes WHERE since = 'start' AND max_bytes = 1 LIMIT 2",
  );
  expect(limited.pluck().all()).toEqual([1, 2]);
  here.db.exec("INSERT INTO note VALUES ('after', '')");
});

test("an insert that is rolled back is none, and one in a transaction is applied with its end", () => {
  const { here, there } = pair();
  const [first] = changes(here.db);
  const count = there.db.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'note'").pluck();
  there.db.exec("BEGIN");
  put(there, first?.package);
  there.db.exec("ROLLBACK");
  expect(there.db.prepare("SELECT count(*) FROM tributary_inbox").pluck().get()).toBe(0);
  expect(count.get()).toBe(0);
  there.db.transaction(() => {
    expect(put(there, first?.package)).toMatchObject({ status: "waiting" });
    expect(count.get()).toBe(0);
  })();
  expect(there.db.prepare("SELECT status FROM tributary_inbox").pluck().all()).toEqual(["applied"]);
  expect(count.get()).toBe(1);
});

test("packages in transit: refused ones say why, and the table stays small", () => {
  const { here, there } = pair();
  const [whole] = changes(here.db);
  const damaged = Buffer.from(whole?.package as Buffer);
  damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] as number) ^ 1;
  for (const nonsense of [damaged, "", "{}", 5, null, 1.5, Buffer.alloc(0)]) {
    expect(put(there, nonsense)).toMatchObject({
      status: "refused",
      error: "damaged-package",
      package: null,
      cursor: null,
    });
  }
  expect(put(there, whole?.package)).toMatchObject({ status: "applied" });
  const many = there.db.prepare("INSERT INTO tributary_inbox (package) VALUES (?)");
  there.db.transaction(() => {
    for (let index = 0; index < 1_500; index++) many.run(whole?.package);
  })();
  const sql = "SELECT count(*), count(DISTINCT status), max(status), max(id) FROM tributary_inbox";
  expect(there.db.prepare(sql).raw().get()).toEqual([1_000, 1, "repeat", 1_508]);
});

test("the inbox is applied as it was opened to", () => {
  const { here, there } = pair({ inbox: { resolveConflict: () => ({ operation: "skip" }) } });
  here.db.exec("INSERT INTO note VALUES ('a', '1')");
  put(there, changes(here.db)[0]?.package);
  there.db.exec("UPDATE note SET body = 'mine'");
  here.db.exec("UPDATE note SET body = 'theirs'");
  expect(put(there, changes(here.db, "(2)")[0]?.package)).toMatchObject({ status: "applied" });
  expect(there.db.prepare("SELECT body FROM note").pluck().get()).toBe("mine");
});

test("the app may empty its TEMP database, and may not drop or capture the inbox", () => {
  const { here, there } = pair();
  expect(() => there.db.exec("DROP TABLE tributary_inbox")).toThrow(
    expect.objectContaining({ code: "unsupported-sql" }),
  );
  there.db.pragma("temp_store = memory");
  expect(put(there, changes(here.db)[0]?.package)).toMatchObject({ status: "applied" });
  there.db.prepare("PRAGMA temp_store = file").run();
  expect(put(there, changes(here.db)[0]?.package)).toMatchObject({ status: "repeat" });
  expect(there.db.prepare("SELECT count(*) FROM tributary_tape").pluck().get()).toBe(1);
});
