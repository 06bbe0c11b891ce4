import { mkdirSync, rmdirSync } from "node:fs";
import type { SyncError, TableChanges } from "@tributary/replica";
import { expect, test } from "vitest";
import { startTributary } from "../support/remotes.js";
import { type Replica, replicaOf } from "../support/replicas.js";

/** What a replica tells of its changes. */
function changesOf(replica: Replica): {
  seen(): Promise<[TableChanges["source"], string[]][]>;
  stop(): void;
} {
  const told: [TableChanges["source"], string[]][] = [];
  const stop = replica.onChange(({ source, tables }) => void told.push([source, [...tables].sort()]));
  return {
    stop,
    async seen() {
      await new Promise((resolve) => setImmediate(resolve));
      return told.splice(0);
    },
  };
}

async function emptyReplica(schema: string): Promise<Replica> {
  const replica = await replicaOf(null, { bootstrapIfEmpty: false });
  replica.db.exec(schema);
  return replica;
}

test("local commits are told with exactly their tables", async () => {
  const replica = await emptyReplica(
    "CREATE TABLE a (id); CREATE TABLE B (id); CREATE TABLE c (id); INSERT INTO c VALUES (1)",
  );
  const { db } = replica;
  const changes = changesOf(replica);
  db.prepare("INSERT INTO a VALUES (1)").run();
  expect(await changes.seen()).toEqual([["local", ["a"]]]);
  db.exec("BEGIN; INSERT INTO a VALUES (2); DELETE FROM b");
  expect(await changes.seen(), "not committed").toEqual([]);
  db.exec("UPDATE c SET id = 2; COMMIT");
  expect(await changes.seen(), "nothing was deleted").toEqual([["local", ["a", "c"]]]);
  db.exec("BEGIN; INSERT INTO b VALUES (1); ROLLBACK");
  expect(() =>
    db.transaction(() => {
      db.exec("INSERT INTO b VALUES (2)");
      throw new Error("no");
    })(),
  ).toThrow("no");
  db.prepare("UPDATE a SET id = 1 WHERE id = 77").run();
  db.prepare("SELECT * FROM a").all();
  expect(await changes.seen()).toEqual([]);
  db.transaction(() => db.exec("INSERT INTO b VALUES (1)"))();
  for (let id = 0; id < 10; id++) db.prepare("INSERT INTO a VALUES (?)").run(id);
  expect(await changes.seen(), "in one turn").toEqual([["local", ["B", "a"]]]);
  changes.stop();
  db.exec("INSERT INTO a VALUES (3)");
  expect(await changes.seen()).toEqual([]);
  const later = changesOf(replica);
  db.exec("INSERT INTO c VALUES (3)");
  expect(await later.seen(), "not what came before").toEqual([["local", ["c"]]]);
});

test("schema changes count for their table", async () => {
  const replica = await emptyReplica("CREATE TABLE a (id)");
  const { db } = replica;
  const changes = changesOf(replica);
  db.exec("CREATE TABLE made (id)");
  expect(await changes.seen()).toEqual([["local", ["made"]]]);
  db.exec("ALTER TABLE a ADD COLUMN more");
  expect(await changes.seen()).toEqual([["local", ["a"]]]);
  db.exec('ALTER TABLE a RENAME TO "the new"');
  expect(await changes.seen()).toEqual([["local", ["a", "the new"]]]);
  db.exec('ALTER TABLE "the new" RENAME COLUMN more TO less');
  expect(await changes.seen()).toEqual([["local", ["the new"]]]);
  db.exec('CREATE INDEX by_less ON "the new" (less)');
  expect(await changes.seen()).toEqual([["local", ["the new"]]]);
  db.exec("DROP TABLE made; CREATE VIEW v AS SELECT 1");
  expect(await changes.seen()).toEqual([["local", ["made", "v"]]]);
  db.exec("PRAGMA user_version = 3; DROP INDEX by_less");
  expect(await changes.seen()).toEqual([]);
});

test("what triggers may have written counts, through other triggers and views", async () => {
  const replica =
    await emptyReplica(`CREATE TABLE a (id); CREATE TABLE Log (id); CREATE TABLE audit (id); CREATE TABLE other (id);
    CREATE VIEW shown AS SELECT id FROM other;
    CREATE TRIGGER a_log AFTER INSERT ON a BEGIN INSERT INTO log VALUES (new.id); END;
    CREATE TRIGGER log_shown AFTER INSERT ON log BEGIN INSERT INTO shown VALUES (new.id); END;
    CREATE TRIGGER shown_other INSTEAD OF INSERT ON shown BEGIN INSERT INTO other VALUES (new.id); END;
    CREATE TRIGGER c_a AFTER INSERT ON audit BEGIN DELETE FROM a; END`);
  const changes = changesOf(replica);
  replica.db.exec("INSERT INTO a VALUES (1)");
  expect(await changes.seen()).toEqual([["local", ["Log", "a", "other", "shown"]]]);
  replica.db.exec("INSERT INTO shown VALUES (1)");
  expect(await changes.seen()).toEqual([["local", ["other"]]]);
});

test("cascades and replaced rows count", async () => {
  const replica = await emptyReplica(`CREATE TABLE parent (id INTEGER PRIMARY KEY);
    CREATE TABLE child (id INTEGER PRIMARY KEY, parent REFERENCES parent ON DELETE CASCADE);
    INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1, 1)`);
  const changes = changesOf(replica);
  replica.db.exec("DELETE FROM parent WHERE id = 2");
  expect(await changes.seen()).toEqual([["local", ["parent"]]]);
  replica.db.exec("DELETE FROM parent WHERE id = 1");
  expect(await changes.seen()).toEqual([["local", ["child", "parent"]]]);
});

test("a pull is told with the tables whose pages have come, and repeats nothing that was told", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE a (id INTEGER PRIMARY KEY)");
  await remote.query("CREATE TABLE b (id INTEGER PRIMARY KEY)");
  const replica = await replicaOf(remote.url);
  const changes = changesOf(replica);
  expect(await replica.pull()).toBe(false);
  expect(await changes.seen()).toEqual([]);
  replica.db.exec("INSERT INTO b VALUES (1)");
  await remote.query("INSERT INTO a VALUES (1)");
  expect(await changes.seen()).toEqual([["local", ["b"]]]);
  await replica.pull();
  expect(await changes.seen()).toEqual([["remote", ["a"]]]);
  replica.db.exec("INSERT INTO b VALUES (2)");
  expect(await changes.seen(), "not what was repeated").toEqual([["local", ["b"]]]);
  await remote.query("CREATE TABLE made (id)");
  await remote.query("DROP TABLE a");
  await replica.pull();
  const [[source, tables]] = (await changes.seen()) as [[string, string[]]];
  expect(source).toBe("remote");
  expect(tables).toEqual(expect.arrayContaining(["a", "made"]));
});

test("a pull whose metadata cannot be saved is told all the same where it is seen", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE a (id INTEGER PRIMARY KEY, body, n)");
  const numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)";
  await remote.query(`${numbers} INSERT INTO a SELECT i, zeroblob(3000), 1 FROM n`);
  const replica = await replicaOf(remote.url);
  const changes = changesOf(replica);
  const sums: unknown[] = [];
  for (let n = 2; n <= 5; n++) {
    await remote.query(`UPDATE a SET n = ${n}`);
    // Nothing replaces a directory.
    if (n === 4) mkdirSync(`${replica.path}-info.tmp`);
    const outcome = await replica.pull().catch((error: SyncError) => error.code);
    if (n === 4) rmdirSync(`${replica.path}-info.tmp`);
    sums.push([outcome, replica.db.prepare("SELECT sum(n) FROM a").pluck().get(), await changes.seen()]);
  }
  const told = [["remote", ["a"]]];
  expect(sums).toEqual([
    [true, 200, told],
    [true, 300, told],
    ["io-failed", 400, told],
    [true, 500, told],
  ]);
});

test("a table that the first pull after listening has dropped is told of", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE kept (id)");
  await remote.query("CREATE TABLE gone (id)");
  const replica = await replicaOf(remote.url);
  const changes = changesOf(replica);
  await remote.query("DROP TABLE gone");
  await replica.pull();
  expect((await changes.seen())[0]?.[1]).toContain("gone");
});

test("a listener may read and write", async () => {
  const replica = await emptyReplica("CREATE TABLE a (id); CREATE TABLE counted (n)");
  const { db } = replica;
  const stop = replica.onChange(({ tables }) => {
    if (!tables.includes("a")) return;
    db.prepare("INSERT INTO counted SELECT count(*) FROM a").run();
  });
  const changes = changesOf(replica);
  db.exec("INSERT INTO a VALUES (1)");
  expect(await changes.seen()).toEqual([
    ["local", ["a"]],
    ["local", ["counted"]],
  ]);
  stop();
  expect(db.prepare("SELECT n FROM counted").pluck().all()).toEqual([1]);
});
