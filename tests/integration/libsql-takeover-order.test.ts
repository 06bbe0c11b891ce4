import { expect, test } from "vitest";
import { contentsAfter, leave, takesOver } from "../support/libsql-takeover.js";

/** A list whose places are unique, as an app reorders it: past values that nobody has. */
const LIST = `CREATE TABLE items (id INTEGER PRIMARY KEY, list INTEGER REFERENCES lists ON DELETE CASCADE, place INTEGER NOT NULL,
    title TEXT, UNIQUE (list, place));
  INSERT INTO items VALUES (1, 1, 1, 'a'), (2, 1, 2, 'b'), (3, 1, 3, 'c'), (4, 1, 4, 'd')`;
const LISTS = "CREATE TABLE lists (id INTEGER PRIMARY KEY); INSERT INTO lists VALUES (1)";
const TO_FRONT = `UPDATE items SET place = -place; UPDATE items SET place = 1 WHERE id = 4;
  UPDATE items SET place = 1 - place WHERE place < 0`;

test.each([
  ["without foreign keys", LIST.replace("REFERENCES lists ON DELETE CASCADE", "")],
  ["where deleting has consequences", `${LISTS}; ${LIST}`],
])("rows that changed places among each other do, %s", async (_where, schema) => {
  const unpushed = `${TO_FRONT}; DELETE FROM items WHERE id = 2; INSERT INTO items VALUES (5, 1, 3, 'new')`;
  const { remote, path } = await leave({ schema, unpushed });
  await remote.query("UPDATE items SET title = 'theirs' WHERE id = 3");
  const theirs = "UPDATE items SET title = 'theirs' WHERE id = 3";
  const expected = contentsAfter(schema, theirs, unpushed);
  expect(expected.items).toHaveLength(4);
  await takesOver(remote, path, expected);
});
