import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { contentsOf, contentsOfFile, integrityOfFile } from "../support/contents.js";
import { makeSpecimen, withReplica } from "../support/damaged-replica.js";

/** Lets another program work on the file. */
function withSqlite(path: string, work: (db: Database.Database) => void): void {
  const db = new Database(path);
  try {
    work(db);
  } finally {
    db.close();
  }
}

const PROGRAMS: readonly (readonly [string, (db: Database.Database) => void])[] = [
  [
    "writes many rows, and is the last to close",
    (db) =>
      db.exec(
        `INSERT INTO notes WITH RECURSIVE n(v) AS (SELECT 1000 UNION ALL SELECT v + 1 FROM n WHERE v < 9000) SELECT v, 'foreign', 1 FROM n;
         UPDATE notes SET stars = 3 WHERE id % 2`,
      ),
  ],
  ["deletes most rows", (db) => db.exec("DELETE FROM notes WHERE id > 20 AND id < 900")],
  [
    "changes the schema",
    (db) => db.exec("CREATE TABLE foreign_table (x); CREATE INDEX foreign_index ON notes (body)"),
  ],
  ["vacuums", (db) => db.exec("VACUUM")],
  ["checkpoints", (db) => db.pragma("wal_checkpoint(TRUNCATE)")],
  [
    "takes it out of WAL mode, writes, and puts it back",
    (db) => {
      db.pragma("journal_mode = delete");
      db.exec("UPDATE notes SET stars = 4 WHERE id = 50");
      db.pragma("journal_mode = wal");
    },
  ],
  ["takes it out of WAL mode and leaves it", (db) => db.pragma("journal_mode = truncate")],
  ["reads", (db) => db.prepare("SELECT count(*) FROM notes").get()],
];

for (const killed of [false, true]) {
  test.each(PROGRAMS)(
    `${killed ? "after a crash" : "after a close"} another program %s: what the replica wrote is kept, the rest follows the remote`,
    async (_what, work) => {
      const specimen = await makeSpecimen({ killed });
      const path = specimen.copy();
      withSqlite(path, work);
      // Others go on meanwhile, in pages that the other program may have changed too.
      await specimen.remote.query("UPDATE notes SET stars = 9 WHERE id > 100 AND id < 900");
      await withReplica({ path, url: specimen.remote.url }, async (replica) => {
        expect(replica.db.prepare("SELECT body FROM notes WHERE id = 2").pluck().get()).toBe("mine");
        await replica.sync();
        expect((await replica.stats()).pendingChanges).toBe(0);
        expect(contentsOf(replica.db)).toEqual(contentsOfFile(specimen.remote.file));
      });
      expect(integrityOfFile(path)).toBe("ok");
      const server = contentsOfFile(specimen.remote.file);
      expect(server.own).toEqual(specimen.local.own);
      expect(server.log).toEqual(specimen.local.log);
      expect(server.notes).toContain("integer:900, text:'new', integer:5");
      expect(server.notes).not.toContain("integer:3, text:'note 3', integer:0");
      expect(server.notes?.length).toBe(200);
    },
  );
}

test("what another program wrote is told, and reading is not taken for writing", async () => {
  const specimen = await makeSpecimen();
  const path = specimen.copy();
  withSqlite(path, (db) => db.prepare("SELECT count(*) FROM notes").get());
  await withReplica({ path, url: null }, ({ recovered }) => expect(recovered).toEqual([]));
  withSqlite(path, (db) => db.exec("UPDATE notes SET stars = 1"));
  await withReplica({ path, url: null }, ({ recovered }) => {
    expect(recovered).toMatchObject([{ code: "foreign-writer", details: { path } }]);
  });
  // Said once; the next pull is a whole one.
  await withReplica({ path, url: null }, async (replica) => {
    expect(replica.recovered).toEqual([]);
    expect((await replica.stats()).revision).toBeUndefined();
  });
});
