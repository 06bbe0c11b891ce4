import { expect, test } from "vitest";
import { StatementCache } from "../../src/sql/statement-cache.js";

test("forgets what was not used for longest", () => {
  const cache = new StatementCache<string>(2);
  const made: string[] = [];
  const make = (sql: string): string => {
    made.push(sql);
    return sql;
  };
  for (const sql of ["a", "b", "a", "c", "a", "b"]) cache.get(sql, make);
  expect(made).toEqual(["a", "b", "c", "b"]);
});
