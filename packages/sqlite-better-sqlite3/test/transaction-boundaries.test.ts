import { describe, expect, test } from "vitest";
import { StatementCache } from "../src/statement-cache.js";
import { TransactionBoundaries } from "../src/transaction-boundaries.js";

describe("TransactionBoundaries", () => {
  test("each id once, ascending; a restarted tape starts a new list", () => {
    const boundaries = new TransactionBoundaries();
    for (const id of [0, 2, 2, 5]) boundaries.note(id);
    expect(boundaries.list()).toEqual([2, 5]);
    boundaries.truncate(3);
    expect(boundaries.list()).toEqual([2]);
    boundaries.note(9);
    boundaries.note(1);
    expect(boundaries.list()).toEqual([1]);
  });

  test("stays bounded, keeps the last, and only loses precision", () => {
    const boundaries = new TransactionBoundaries();
    for (let id = 1; id <= 200_000; id++) boundaries.note(id);
    const list = boundaries.list();
    expect(list.length).toBeLessThanOrEqual(65_536);
    expect(list.at(-1)).toBe(200_000);
    expect(list.every((id, index) => index === 0 || id > (list[index - 1] ?? 0))).toBe(true);
  });
});

test("StatementCache forgets what was not used for longest", () => {
  const cache = new StatementCache<string>(2);
  const made: string[] = [];
  const make = (sql: string): string => {
    made.push(sql);
    return sql;
  };
  for (const sql of ["a", "b", "a", "c", "a", "b"]) cache.get(sql, make);
  expect(made).toEqual(["a", "b", "c", "b"]);
});
