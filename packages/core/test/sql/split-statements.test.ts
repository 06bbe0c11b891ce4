import { describe, expect, test } from "vitest";
import { splitStatements } from "../../src/sql/split-statements.js";

const TRIGGER =
  "CREATE TRIGGER t AFTER INSERT ON a WHEN 1 BEGIN SELECT CASE WHEN 1 THEN 2 END; UPDATE a SET x = CASE 1 WHEN 1 THEN 2 END; END";

const CASES: [name: string, sql: string, statements: string[]][] = [
  ["nothing", " ; ;; -- only a comment", []],
  ["quotes and comments", "SELECT ';' /* ; */ ; -- ;\nSELECT \";\", [;]", ["SELECT ';'", 'SELECT ";", [;]']],
  ["a trigger", `${TRIGGER}; SELECT 1`, [TRIGGER, "SELECT 1"]],
  [
    "a TEMP trigger in lower case at the end",
    TRIGGER.replace("CREATE", "create temp").toLowerCase(),
    [TRIGGER.replace("CREATE", "create temp").toLowerCase()],
  ],
  [
    "an explained trigger",
    `EXPLAIN QUERY PLAN ${TRIGGER}; SELECT 1`,
    [`EXPLAIN QUERY PLAN ${TRIGGER}`, "SELECT 1"],
  ],
  ["END as COMMIT", "BEGIN; SELECT 1; END; SELECT 2", ["BEGIN", "SELECT 1", "END", "SELECT 2"]],
  ["a column named trigger", "CREATE TABLE t(trigger); SELECT 1", ["CREATE TABLE t(trigger)", "SELECT 1"]],
  ["an unterminated string", "SELECT 1; SELECT 'a;b", ["SELECT 1", "SELECT 'a;b"]],
];

describe("splitStatements", () => {
  test.each(CASES)("%s", (_name, sql, statements) => {
    expect(splitStatements(sql)).toEqual(statements);
  });
});
