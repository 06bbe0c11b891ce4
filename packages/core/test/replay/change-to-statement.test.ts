import { describe, expect, test } from "vitest";
import type { TableShape } from "../../src/capture/table-shape.js";
import { changeToStatement } from "../../src/replay/change-to-statement.js";
import type { RowChange } from "../../src/tape/tape-change.js";
import type { SqlRow } from "../../src/values/sql-value.js";

const KEYED: TableShape = {
  table: 'my "t"',
  columns: ["id", "a", "b"],
  key: { type: "columns", columns: ["id"], nullable: false },
};
const NULLABLE: TableShape = {
  ...KEYED,
  table: "n",
  key: { type: "columns", columns: ["id"], nullable: true },
};
const KEYLESS: TableShape = { table: "k", columns: ["a"], key: { type: "rowid", alias: "_rowid_" } };

const insert = (shape: TableShape, after: SqlRow): RowChange => ({
  type: "insert",
  changeId: 1,
  parked: false,
  shape,
  after,
});
const update = (shape: TableShape, before: SqlRow, after: SqlRow): RowChange => ({
  type: "update",
  changeId: 1,
  parked: false,
  shape,
  before,
  after,
});
const remove = (shape: TableShape, before: SqlRow): RowChange => ({
  type: "delete",
  changeId: 1,
  parked: false,
  shape,
  before,
});

describe("insert", () => {
  test("is an upsert on the key", () => {
    expect(changeToStatement(insert(KEYED, [1n, "x", null]))).toEqual({
      sql: 'INSERT INTO "my ""t""" ("id", "a", "b") VALUES (?, ?, ?) ON CONFLICT ("id") DO UPDATE SET "id" = excluded."id", "a" = excluded."a", "b" = excluded."b"',
      params: [1n, "x", null],
    });
  });

  test("of a row without a key takes its rowid if that is free, and overwrites nobody", () => {
    expect(changeToStatement(insert(KEYLESS, [7n, "x"]))).toEqual({
      sql: 'INSERT INTO "k" ("_rowid_", "a") VALUES ((SELECT CASE count(*) WHEN 0 THEN ? END FROM "k" WHERE "_rowid_" = ?), ?)',
      params: [7n, 7n, "x"],
    });
  });

  test("with a NULL in its key is plain: such a key conflicts with nothing", () => {
    expect(changeToStatement(insert(NULLABLE, [null, "x", 1n]))?.sql).toBe(
      'INSERT INTO "n" ("id", "a", "b") VALUES (?, ?, ?)',
    );
    expect(changeToStatement(insert(NULLABLE, ["k", "x", 1n]))?.sql).toContain("ON CONFLICT");
  });

  test("leaves out columns that the target does not have, by name", () => {
    expect(
      changeToStatement(insert(KEYED, [1n, "x", "y"]), { columns: new Set(["b", "id", "new"]) }),
    ).toEqual({
      sql: 'INSERT INTO "my ""t""" ("id", "b") VALUES (?, ?) ON CONFLICT ("id") DO UPDATE SET "id" = excluded."id", "b" = excluded."b"',
      params: [1n, "y"],
    });
  });

  test("writes infinities as literals, which JSON cannot carry", () => {
    expect(
      changeToStatement(insert(KEYED, [1n, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])),
    ).toMatchObject({
      sql: expect.stringContaining("VALUES (?, 9e999, -9e999)"),
      params: [1n],
    });
  });
});

describe("update", () => {
  test("names only the changed columns, and finds the row by the key before", () => {
    expect(changeToStatement(update(KEYED, [1n, "x", 2n], [5n, "x", 3n]))).toEqual({
      sql: 'UPDATE "my ""t""" SET "id" = ?, "b" = ? WHERE "id" = ?',
      params: [5n, 3n, 1n],
    });
  });

  test("tells 1 from 1.0, 0.0 from −0.0, and blobs by content", () => {
    const before: SqlRow = [1n, 1n, new Uint8Array([1, 2])];
    expect(changeToStatement(update(KEYED, before, [1n, 1, new Uint8Array([1, 2])]))?.sql).toContain(
      'SET "a" = ? WHERE',
    );
    expect(changeToStatement(update(KEYED, [1n, 0, null], [1n, -0, null]))?.sql).toContain(
      'SET "a" = ? WHERE',
    );
  });

  test("that changed nothing is no statement", () => {
    expect(changeToStatement(update(KEYED, [1n, "x", null], [1n, "x", null]))).toBeUndefined();
    const gone = { columns: new Set(["id", "b"]) };
    expect(changeToStatement(update(KEYED, [1n, "x", null], [1n, "y", null]), gone)).toBeUndefined();
  });

  test("of a row with a NULL key finds the row most like the one before", () => {
    const statement = changeToStatement(update(NULLABLE, [null, "x", 1n], [null, "y", 1n]));
    expect(statement?.sql).toBe(
      'UPDATE "n" SET "a" = ? WHERE rowid = (SELECT rowid FROM "n" WHERE "id" IS NULL ORDER BY ("id" IS ?) + ("a" IS ?) + ("b" IS ?) DESC LIMIT 1)',
    );
    expect(statement?.params).toEqual(["y", null, "x", 1n]);
  });
});

test("delete goes by key", () => {
  expect(changeToStatement(remove(KEYED, [1n, "x", null]))).toEqual({
    sql: 'DELETE FROM "my ""t""" WHERE "id" = ?',
    params: [1n],
  });
});

test("a row without a key is found by its image first, then by rowid if it is like it", () => {
  expect(changeToStatement(remove(KEYLESS, [9n, "x"]))).toEqual({
    sql: 'DELETE FROM "k" WHERE "_rowid_" = coalesce((SELECT "_rowid_" FROM "k" WHERE "_rowid_" = ? AND "a" IS ?), (SELECT "_rowid_" FROM "k" WHERE "a" IS ? LIMIT 1), (SELECT "_rowid_" FROM "k" WHERE "_rowid_" = ? AND ("a" IS ?)))',
    params: [9n, "x", "x", 9n, "x"],
  });
  expect(changeToStatement(update(KEYLESS, [9n, "x"], [10n, "y"]))?.sql).toMatch(
    /^UPDATE "k" SET "a" = \? WHERE/,
  );
});
