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

function tapeValues(replica: Replica): number {
  const [[columns]] = rows(replica, "SELECT count(*) FROM pragma_table_info('tributary_tape')") as [[number]];
  return columns - 4;
}
