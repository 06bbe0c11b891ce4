import { expect, test } from "vitest";
import type { Replica } from "../../packages/replica/src/replica.js";
import { startTributary } from "../support/remotes.js";
import { replicaOf, rows } from "../support/replicas.js";

test("a tape is as wide as the tables need", async () => {
  const remote = await startTributary();
  // Without a key, the rowid is one of the values.
  await remote.query("CREATE TABLE five (a, b, c, d, e)");
  const replica = await replicaOf(remote.url);
  expect(tapeValues(replica)).toBe(12);
  replica.db.exec("CREATE TABLE seven (id INTEGER PRIMARY KEY, a, b, c, d, e, f)");
  expect(tapeValues(replica)).toBe(14);
  replica.db.exec("INSERT INTO seven VALUES (1, 2, 3, 4, 5, 6, 7); UPDATE seven SET f = 8");
  await remote.query("INSERT INTO five VALUES (1, 2, 3, 4, 5)");
  await replica.pull();
  expect(tapeValues(replica)).toBe(14);
  await replica.push();
  expect(await remote.query("SELECT * FROM seven")).toEqual([[1n, 2n, 3n, 4n, 5n, 6n, 8n]]);
});

test("an update among many inserts is pushed, and replayed by a pull", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT)");
  const replica = await replicaOf(remote.url);
  const insert = replica.db.prepare("INSERT INTO items VALUES (?, 'new')");
  replica.db.transaction(() => {
    for (let id = 1; id <= 300; id++) insert.run(id);
    replica.db.exec("UPDATE items SET name = 'changed' WHERE id = 7; DELETE FROM items WHERE id = 8");
    for (let id = 301; id <= 600; id++) insert.run(id);
  })();
  const state =
    "SELECT count(*), count(name = 'changed' OR NULL), min(id + (name = 'new') * 1000) FROM items";
  await remote.query("INSERT INTO items VALUES (1000, 'theirs')");
  await replica.pull();
  expect(rows(replica, state)).toEqual([[600, 1, 7]]);
  await replica.push();
  expect(await remote.query(state)).toEqual([[600n, 1n, 7n]]);
});

function tapeValues(replica: Replica): number {
  const [[columns]] = rows(replica, "SELECT count(*) FROM pragma_table_info('tributary_tape')") as [[number]];
  return columns - 4;
}
