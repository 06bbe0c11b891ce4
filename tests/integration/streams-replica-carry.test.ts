import { join } from "node:path";
import { applyChanges, closeReplica, io, pushChanges, runSync, waitChanges } from "@tributary/core";
import type Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { CREATE_STREAM_TABLES, createKeptSql } from "../../packages/core/src/streams/stream-schema.js";
import { type Engine, openEngine } from "../support/engine.js";
import { type Remote, startTributary } from "../support/remotes.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

interface Setting {
  readonly remote: Remote;
  readonly engine: Engine;
  readonly db: Database.Database;
}

async function start(): Promise<Setting> {
  const remote = await startTributary();
  await remote.query("CREATE TABLE note (id TEXT PRIMARY KEY, body TEXT)");
  const engine = await openEngine(join(temporaryDirectory(), "replica.db"), remote.url);
  onTestFinished(() => engine.run(closeReplica(engine.session)));
  return { remote, engine, db: engine.db };
}

/** Runs SQL on the engine's own connection: the app's may not touch these tables. */
function execute({ engine }: Setting, sql: string): void {
  runSync(io.executeSql("writer", sql), engine.ports);
}

async function pull({ engine, remote }: Setting): Promise<void> {
  await remote.query("INSERT INTO note VALUES (lower(hex(randomblob(8))), 'remote')");
  await engine.run(
    (function* () {
      const changes = yield* waitChanges(engine.session);
      if (changes === undefined) throw new Error("There is nothing to pull.");
      expect(yield* applyChanges(engine.session, changes)).toBe(true);
      yield* changes.dispose();
    })(),
  );
}

function streamValues({ db }: Setting): Record<string, number> {
  const rows = db
    .prepare("SELECT name, value FROM tributary_local WHERE name LIKE 'stream%' ORDER BY name")
    .raw()
    .all() as [string, number][];
  return Object.fromEntries(rows);
}

const kept = ({ db }: Setting): unknown[] =>
  db.prepare("SELECT cursor, ends, op, v0 FROM tributary_stream_kept ORDER BY cursor").raw().all();
const lastId = ({ db }: Setting): unknown => db.prepare("SELECT max(id) FROM tributary_tape").pluck().get();

test("cursors go on and what a peer has not acknowledged is kept, pull after pull", async () => {
  const setting = await start();
  const { db, engine } = setting;
  execute(setting, CREATE_STREAM_TABLES);
  execute(
    setting,
    `INSERT INTO tributary_stream_peer VALUES ('near', 3, 3, NULL, 0, 0), ('far', 1, 9, 5, 0, 0), ('lost', 0, 0, 5, 0, 1);
     INSERT INTO tributary_local VALUES ('stream_epoch', 77)`,
  );
  db.exec("INSERT INTO note VALUES ('a', '1')");
  db.transaction(() => {
    db.exec("INSERT INTO note VALUES ('b', '2')");
    db.exec("UPDATE note SET body = '3' WHERE id = 'b'");
  })();
  db.exec("DELETE FROM note WHERE id = 'a'");
  await pull(setting);

  // Four changes are on the tape again, under the same cursors; of what is kept, the slowest peer has had the first.
  expect(lastId(setting)).toBe(4);
  expect(streamValues(setting)).toEqual({
    stream_epoch: 77,
    stream_base: 0,
    stream_repeated: 4,
    stream_trimmed: 1,
  });
  expect(kept(setting)).toEqual([
    [2, 0, 1, "b"],
    [3, 1, 2, "b"],
    [4, 1, 3, "a"],
  ]);

  // Pushed, so that the next pull finds nothing to repeat: ids begin anew, cursors do not.
  await engine.run(pushChanges(engine.session));
  db.exec("INSERT INTO note VALUES ('c', '5')");
  await pull(setting);
  expect(lastId(setting)).toBe(1);
  expect(streamValues(setting)).toMatchObject({ stream_base: 4, stream_repeated: 1, stream_trimmed: 1 });
  expect(kept(setting).slice(3)).toEqual([[5, 1, 1, "c"]]);

  execute(setting, "UPDATE tributary_stream_peer SET acknowledged = 4 WHERE is_behind = 0");
  db.exec("INSERT INTO note VALUES ('d', '6')");
  await pull(setting);
  expect(streamValues(setting)).toMatchObject({ stream_base: 4, stream_repeated: 2, stream_trimmed: 4 });
  expect(kept(setting)).toEqual([
    [5, 1, 1, "c"],
    [6, 1, 1, "d"],
  ]);
  expect(db.prepare("SELECT name, acknowledged, sent FROM tributary_stream_peer").raw().all()).toEqual([
    ["far", 4, 9],
    ["lost", 0, 0],
    ["near", 4, 3],
  ]);
});

test("positions, waiting parts and origins come through a pull as they are", async () => {
  const setting = await start();
  const { db } = setting;
  execute(setting, CREATE_STREAM_TABLES);
  execute(
    setting,
    `INSERT INTO tributary_stream_source VALUES ('a', 1, 20, 3), ('b', 9007199254740991, 0, 0);
     INSERT INTO tributary_stream_part VALUES ('a', 0, zeroblob(3000000)), ('a', 1, x'0102'), ('b', 0, zeroblob(9000000));
     INSERT INTO tributary_stream_origin VALUES (1, 1, 'gone', 4, 'x'), (2, 3, 'x', 8, 'x'), (4, 4, 'y', 1, 'x');
     INSERT INTO tributary_stream_seen VALUES ('x', 8, 'x'), ('y', 1, 'x');
     INSERT INTO tributary_stream_peer VALUES ('p', 1, 1, NULL, 0, 0)`,
  );
  for (const id of ["a", "b", "c", "d"]) db.exec(`INSERT INTO note VALUES ('${id}', '')`);
  const read = (): unknown[] =>
    [
      "SELECT * FROM tributary_stream_source",
      "SELECT * FROM tributary_stream_seen",
      "SELECT site, number, length(payload), hex(substr(payload, 1, 2)) FROM tributary_stream_part",
      "SELECT * FROM tributary_stream_origin WHERE last > 1",
    ].map((sql) => db.prepare(sql).raw().all());
  const before = read();
  await pull(setting);
  expect(read()).toEqual(before);
  expect(db.prepare("SELECT count(*) FROM tributary_stream_origin").pluck().get()).toBe(2);
});

test("without a known peer the newest changes are kept, a bounded number of them", async () => {
  const setting = await start();
  const { db } = setting;
  execute(setting, CREATE_STREAM_TABLES);
  db.exec(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10500) INSERT INTO note SELECT i, i FROM n",
  );
  await pull(setting);
  expect(streamValues(setting)).toMatchObject({ stream_trimmed: 500 });
  const sql = "SELECT count(*), min(cursor), max(cursor), sum(ends) FROM tributary_stream_kept";
  expect(db.prepare(sql).raw().get()).toEqual([10_000, 501, 10_500, 1]);
});

test("a pull that is undone leaves the stream tables and the tape as they were", async () => {
  const setting = await start();
  const { db, remote, engine } = setting;
  await remote.query("CREATE TABLE user (id INTEGER PRIMARY KEY, email TEXT UNIQUE)");
  await pull(setting);
  execute(setting, `${CREATE_STREAM_TABLES}; ${createKeptSql(16)}`);
  execute(
    setting,
    `INSERT INTO tributary_stream_peer VALUES ('p', 0, 0, NULL, 0, 0);
     INSERT INTO tributary_local VALUES ('stream_base', 40), ('stream_repeated', 0);
     INSERT INTO tributary_stream_kept (cursor, ends, shape, op, v0) VALUES (39, 1, 1, 1, 'old')`,
  );
  db.exec("INSERT INTO user VALUES (5, 'taken')");
  const read = (): unknown[] => [kept(setting), lastId(setting), streamValues(setting)];
  const before = read();
  await remote.query("INSERT INTO user VALUES (1, 'taken')");
  await expect(pull(setting)).rejects.toMatchObject({ code: "replay-conflict" });
  expect(read()).toEqual(before);
  db.exec("UPDATE user SET email = 'free' WHERE id = 5");
  await engine.run(pushChanges(engine.session));
  await pull(setting);
  // What was kept before, and the two changes of the tape. The pull that was tried has made a boundary be forgotten.
  expect(kept(setting)).toEqual([
    [39, 1, 1, "old"],
    [41, 0, 1, 5],
    [42, 1, 2, 5],
  ]);
});

test("a replica without change streams has none after a pull", async () => {
  const setting = await start();
  setting.db.exec("INSERT INTO note VALUES ('a', '1')");
  await pull(setting);
  expect(
    setting.db.prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'tributary_stream%'").all(),
  ).toEqual([]);
  expect(streamValues(setting)).toEqual({});
});
