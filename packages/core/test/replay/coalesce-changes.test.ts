import { expect, test } from "vitest";
import type { TableShape } from "../../src/capture/table-shape.js";
import { coalesceChanges } from "../../src/replay/coalesce-changes.js";
import type { TapeChange } from "../../src/tape/tape-change.js";
import type { SqlRow } from "../../src/values/sql-value.js";

const shape: TableShape = {
  table: "t",
  columns: ["id", "a"],
  key: { type: "columns", columns: ["id"], nullable: true },
};
let changeId = 0;
const base = () => ({ changeId: ++changeId, parked: false, shape });
const insert = (after: SqlRow): TapeChange => ({ ...base(), type: "insert", after });
const update = (before: SqlRow, after: SqlRow): TapeChange => ({ ...base(), type: "update", before, after });
const remove = (before: SqlRow): TapeChange => ({ ...base(), type: "delete", before });
const schema = (sql: string): TapeChange => ({ changeId: ++changeId, parked: false, type: "schema", sql });

/** What matters of changes here. */
const brief = (changes: readonly TapeChange[]): unknown[] =>
  changes.map((change) =>
    change.type === "schema"
      ? change.sql
      : [change.type, "before" in change ? change.before : null, "after" in change ? change.after : null],
  );

test.each<[string, TapeChange[], unknown[]]>([
  [
    "an insert mended later",
    [insert([1n, "bad"]), update([1n, "bad"], [1n, "good"])],
    [["insert", null, [1n, "good"]]],
  ],
  ["an insert taken back", [insert([1n, "x"]), remove([1n, "x"])], []],
  [
    "two updates",
    [update([1n, "a"], [1n, "b"]), update([1n, "b"], [1n, "c"])],
    [["update", [1n, "a"], [1n, "c"]]],
  ],
  ["an update, then gone", [update([1n, "a"], [1n, "b"]), remove([1n, "b"])], [["delete", [1n, "a"], null]]],
  ["gone, then back", [remove([1n, "a"]), insert([1n, "z"])], [["insert", null, [1n, "z"]]]],
  [
    "a key that moves",
    [insert([1n, "x"]), update([1n, "x"], [2n, "x"]), update([2n, "x"], [2n, "y"])],
    [["insert", null, [2n, "y"]]],
  ],
  [
    "a key that is free again",
    [update([1n, "x"], [2n, "x"]), insert([1n, "new"])],
    [
      ["update", [1n, "x"], [2n, "x"]],
      ["insert", null, [1n, "new"]],
    ],
  ],
  [
    "keys of other types are other rows",
    [insert([1n, "x"]), update(["1", "a"], ["1", "b"])],
    [
      ["insert", null, [1n, "x"]],
      ["update", ["1", "a"], ["1", "b"]],
    ],
  ],
  [
    "NULL keys name no one row",
    [insert([null, "x"]), update([null, "x"], [null, "y"])],
    [
      ["insert", null, [null, "x"]],
      ["update", [null, "x"], [null, "y"]],
    ],
  ],
  [
    "nothing moves across a schema change",
    [insert([1n, "x"]), schema("ALTER TABLE t ADD COLUMN b"), update([1n, "x"], [1n, "y"])],
    [["insert", null, [1n, "x"]], "ALTER TABLE t ADD COLUMN b", ["update", [1n, "x"], [1n, "y"]]],
  ],
  [
    "an insert taken back and made again",
    [insert([1n, "x"]), remove([1n, "x"]), insert([1n, "y"])],
    [["insert", null, [1n, "y"]]],
  ],
])("%s", (_name, changes, expected) => {
  expect(brief(coalesceChanges(changes))).toEqual(expected);
});
