import { expect, it } from "vitest";
import { rows } from "./support/item-table.js";
import { RemoteDatabase, withoutCount } from "./support/remote-database.js";
import { TestReplica } from "./support/test-replica.js";

it("nothing is rolled back by laying over where the replica's own tables have moved pages of the app's", () => {
  const other = "CREATE TABLE other (x); INSERT INTO other VALUES (0);";
  const item = `CREATE TABLE item (id INTEGER PRIMARY KEY, body TEXT); ${rows(200)}`;
  const remote = new RemoteDatabase(`PRAGMA auto_vacuum = FULL; ${other} ${item}`);
  const replica = TestReplica.create(remote.bytes());
  const laysOver = (): boolean => replica.layOver(withoutCount(replica.base, remote.bytes()));
  remote.exec("CREATE TABLE more (x)");
  replica.pull(remote.bytes());
  replica.app.exec("CREATE TABLE own (x)");
  replica.run(replica.pages.markRest());
  remote.exec("UPDATE other SET x = 2");
  expect(laysOver()).toBe(true);
  replica.check();
  // Among them are the rows that lay where the new table has its root. They stay as long as they are.
  replica.app.exec("UPDATE item SET body = substr(body, 1, length(body) - 1) || 'l'");
  remote.exec("UPDATE other SET x = 3");
  expect(laysOver()).toBe(false);
  replica.check();
});
