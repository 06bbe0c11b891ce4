import { expect, test } from "vitest";
import { createScratchSql } from "../src/create-scratch-sql.js";

test("a scratch database runs SQL, and gives values as the engine has them", () => {
  const scratch = createScratchSql();
  scratch.execute("CREATE TABLE t (a, b); INSERT INTO t VALUES (9007199254740993, x'00ff')");
  const [row] = scratch.query("SELECT a, b FROM t");
  expect(row).toEqual([9007199254740993n, new Uint8Array([0, 255])]);
  expect(row?.[1]?.constructor).toBe(Uint8Array);
});

test("each is empty, and failures are told as those of SQLite", () => {
  createScratchSql().execute("CREATE TABLE t (a)");
  expect(createScratchSql().query("SELECT name FROM sqlite_schema")).toEqual([]);
  expect(() => createScratchSql().execute("CREATE")).toThrowError(
    expect.objectContaining({ code: "sql-failed" }),
  );
});
