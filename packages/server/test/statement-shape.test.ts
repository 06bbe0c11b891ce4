import { describe, expect, test } from "vitest";
import { bindArguments } from "../src/sql/bind-arguments.js";
import { shapeOf } from "../src/sql/statement-shape.js";

describe("kind", () => {
  test.each([
    ["insert into t values (1)", "insert"],
    ["REPLACE INTO t VALUES (1)", "insert"],
    ["/* x */ update t set a = 1", "update"],
    ["with x as (select 1) delete from t", "delete"],
    ["with x as (select 1), y(a) as (values (1)) insert into t select * from x", "insert"],
    ["with x as (select 1) select * from x", "other"],
    ["with replace as (select 1) select * from replace", "other"],
    ["; insert into t values (1)", "insert"],
    ["begin immediate", "begin-write"],
    ["begin", "other"],
    ["commit", "end"],
    ["rollback to s", "end"],
    ["explain insert into t values (1)", "other"],
  ])("%s is %s", (sql, kind) => {
    expect(shapeOf(sql).kind).toBe(kind);
  });
});

describe("parameters", () => {
  test.each([
    ["select ?, ?3, :one", [null, null, "?3", ":one"]],
    ["select :a, @a, $a, :a", [":a", "@a", "$a"]],
    ["select ?2, ?, ?1", ["?1", "?2", null]],
    ["select '?', \"?\", -- ?\n ?", [null]],
  ])("of %s", (sql, names) => {
    expect(shapeOf(sql).parameterNames.slice(1)).toEqual(names);
  });

  test("are bound by SQLite's numbers", () => {
    const bind = (sql: string, positional: bigint[]) =>
      bindArguments(shapeOf(sql), { positional, named: [] });
    expect(bind("select ?, ?", [1n, 2n])).toEqual([1n, 2n]);
    expect(bind("select ?2, ?, ?1", [1n, 2n, 3n])).toEqual([[3n], { 1: 1n, 2: 2n }]);
    const many = Array.from({ length: 32_766 }, (_, index) => BigInt(index));
    expect(bind(`select ${many.map(() => "?").join(", ")}`, many)).toEqual([many]);
    expect(() => bind("select ?", [])).toThrow(/no value/);
    expect(() => bind("select ?", [1n, 2n])).toThrow(/too many/);
  });

  test("are bound by name, with or without the prefix", () => {
    const named = [
      { name: "a", value: 1n },
      { name: "$b", value: 2n },
    ];
    expect(bindArguments(shapeOf("select :a, $b"), { positional: [], named })).toEqual([
      [],
      { a: 1n, b: 2n },
    ]);
  });
});

describe("refusal", () => {
  test.each([
    "attach 'x' as y",
    "detach y",
    "vacuum",
    "vacuum into 'x'",
    "pragma journal_mode = delete",
    "pragma journal_mode(off)",
    "explain pragma main.journal_mode = delete",
    "explain query plan vacuum",
    "; vacuum",
    "/**/ ;; explain pragma journal_mode = off",
    'pragma "locking_mode" = exclusive',
    "pragma wal_checkpoint",
    "pragma wal_autocheckpoint = 1",
    "pragma busy_timeout = 5000",
    "pragma synchronous = off",
    "pragma page_size = 512",
    "pragma writable_schema = on",
    "pragma encoding = 'UTF-16'",
    "pragma auto_vacuum = 1",
  ])("%s", (sql) => {
    expect(shapeOf(sql).refusal).toBeDefined();
  });

  test.each([
    "pragma journal_mode",
    "pragma foreign_keys = off",
    "pragma user_version = 3",
    "pragma defer_foreign_keys = on",
    "pragma table_info(t)",
    "pragma page_size",
    "pragma encoding",
    "select 'vacuum'",
  ])("not of %s", (sql) => {
    expect(shapeOf(sql).refusal).toBeUndefined();
  });
});
