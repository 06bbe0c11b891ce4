import { expect, test } from "vitest";
import { parseCreateIndex } from "../../src/capture/parse-create-index.js";

test("terms and condition of an index", () => {
  expect(
    parseCreateIndex(
      `CREATE UNIQUE INDEX "i(" ON t(lower(a, ')') COLLATE NOCASE DESC, (b+1), c COLLATE "x" , "desc" asc) WHERE c > 1 AND d`,
    ),
  ).toEqual({
    terms: ["lower(a, ')')", "(b+1)", "c", '"desc"'],
    where: "c > 1 AND d",
  });
  expect(parseCreateIndex("CREATE UNIQUE INDEX i ON t(a)")).toEqual({ terms: ["a"], where: undefined });
});
