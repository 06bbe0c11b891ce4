import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { dump } from "./support/dump.js";
import { createRandom } from "./support/random.js";
import { RemoteDatabase, withoutCount } from "./support/remote-database.js";
import { TestReplica } from "./support/test-replica.js";

const SCHEMA = `CREATE TABLE item (id INTEGER PRIMARY KEY, body TEXT); CREATE INDEX item_body ON item (body);
  CREATE TABLE pair (a, b, PRIMARY KEY (a, b)) WITHOUT ROWID;`;

/** One write, as SQL that does the same on every copy of the same state. */
function randomWrite(random: (bound: number) => number): string {
  const from = random(400);
  const count = 1 + random(80);
  const range = `id BETWEEN ${from} AND ${from + count}`;
  const numbers = `WITH RECURSIVE n(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${from + count})`;
  switch (random(9)) {
    case 0:
    case 1:
    case 2:
      return `${numbers} INSERT OR REPLACE INTO item SELECT i, printf('%d-%d-%s', i, ${random(1000)}, hex(zeroblob(${random(300)}))) FROM n`;
    case 3:
      return `UPDATE item SET body = body || '${random(100)}' WHERE ${range}`;
    case 4:
      return `DELETE FROM item WHERE ${range}`;
    case 5:
      return `${numbers} INSERT OR IGNORE INTO pair SELECT i % 7, i FROM n`;
    case 6:
      return `CREATE TABLE IF NOT EXISTS extra_${random(3)} (x TEXT DEFAULT 'd'); UPDATE OR REPLACE pair SET b = -b WHERE a = ${random(7)}`;
    case 7:
      return `DROP TABLE IF EXISTS extra_${random(3)}`;
    default:
      return random(4) === 0 ? "DELETE FROM item; VACUUM" : `DELETE FROM pair WHERE a = ${random(7)}`;
  }
}

/**
 * Random operations on a replica. After each one: the synced images are the remote's pages at the last pull, byte for
 * byte, and the local database holds what a plain SQLite database holds that was given the same writes.
 */
function runModel(seed: number, steps: number): void {
  const random = createRandom(seed);
  const remote = new RemoteDatabase(SCHEMA);
  for (let write = 0; write < 5; write++) remote.exec(randomWrite(random));
  let replica =
    random(4) === 0 ? TestReplica.create(undefined, seed) : TestReplica.create(remote.bytes(), seed);
  let shadow = new Database(replica.base.length === 0 ? ":memory:" : Buffer.from(replica.base));
  const pulled = (): void => {
    shadow.close();
    shadow = new Database(Buffer.from(replica.base));
  };
  const changeRemote = (): void => {
    for (let write = random(4); write >= 0; write--) remote.exec(randomWrite(random));
  };
  const writeLocally = (): void => {
    const sql =
      replica.base.length === 0
        ? `CREATE TABLE IF NOT EXISTS early (x); INSERT INTO early VALUES (${random(9)})`
        : randomWrite(random);
    replica.app.exec(sql);
    shadow.exec(sql);
  };
  let reader: { db: Database.Database; content: string } | undefined;
  const endReader = (): void => {
    if (reader === undefined) return;
    expect(dump(reader.db)).toBe(reader.content);
    reader.db.close();
    reader = undefined;
  };
  const operations: readonly (readonly [weight: number, run: () => void])[] = [
    [8, writeLocally],
    [
      3,
      () => {
        changeRemote();
        replica.pull(remote.bytes());
        pulled();
      },
    ],
    [
      2,
      () => {
        const { saved } = replica;
        changeRemote();
        const remoteNow = remote.bytes();
        const plan = replica.publish(remoteNow);
        if (random(2) === 0) {
          replica.undo(plan);
          return;
        }
        endReader();
        replica = replica.crashed(saved).open();
        expect(replica.run(replica.pages.isPublished(plan))).toBe(true);
        replica.adopt(plan, remoteNow);
        pulled();
      },
    ],
    [
      3,
      () => {
        changeRemote();
        replica.pull(remote.bytes());
        pulled();
        const own = "CREATE TABLE own (x); INSERT INTO own VALUES (1)";
        replica.app.exec(own);
        shadow.exec(own);
        replica.run(replica.pages.markRest());
        // The metadata may be as old as the first of them.
        const { saved, base } = replica;
        for (let pull = random(4); pull >= 0; pull--) {
          remote.exec(
            `UPDATE item SET body = substr(body, 1, length(body) - 1) || 'y' WHERE id % 9 = ${random(9)}`,
          );
          if (random(4) === 0) replica.checkpoint();
          else {
            const change = `UPDATE item SET body = substr(body, 1, length(body) - 1) || 'z' WHERE id % 9 = ${random(9)}`;
            if (random(2) === 0) for (const db of [replica.app, shadow]) db.exec(change);
            if (!replica.layOver(withoutCount(replica.base, remote.bytes()))) return;
          }
          pulled();
          shadow.exec(own);
        }
        if (random(2) === 0 || replica.saved.watermark?.salt1 !== saved.watermark?.salt1) return;
        endReader();
        replica = replica.crashed(saved, base).open();
        replica.settle();
      },
    ],
    [2, () => replica.settle()],
    [2, () => replica.checkpoint()],
    [
      1,
      () => {
        replica.settle();
        replica.app.pragma("wal_checkpoint(PASSIVE)");
        replica.run(replica.pages.renewGuard());
      },
    ],
    [
      1,
      () => {
        endReader();
        replica.close();
        replica.open();
        // As the engine does: before anybody writes, the metadata knows that the log is gone.
        replica.settle();
      },
    ],
    [
      1,
      () => {
        endReader();
        if (random(2) === 0) replica.settle(false);
        replica = replica.crashed().open();
        replica.settle();
      },
    ],
    [
      1,
      () => {
        endReader();
        const db = new Database(replica.path);
        db.exec("BEGIN");
        reader = { db, content: dump(db) };
      },
    ],
    [
      1,
      () => {
        replica.app.pragma("cache_size = 3");
        replica.app.exec("BEGIN");
        if (replica.base.length > 0)
          for (let write = 0; write < 3; write++) replica.app.exec("UPDATE item SET body = body || 'never'");
        replica.app.exec("ROLLBACK");
      },
    ],
  ];
  const bag = operations.flatMap(([weight, run]) => Array.from({ length: weight }, () => run));
  try {
    for (let step = 0; step < steps; step++) {
      (bag[random(bag.length)] as () => void)();
      replica.check();
      expect(dump(replica.app)).toBe(dump(shadow));
    }
  } finally {
    reader?.db.close();
    shadow.close();
  }
}

describe("random operations", () => {
  it.each(Array.from({ length: 24 }, (_, index) => 1000 + index))(
    "keep both states exact, seed %i",
    (seed) => {
      runModel(seed, 40);
    },
  );
});
