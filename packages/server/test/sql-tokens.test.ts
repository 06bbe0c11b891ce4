import { expect, test } from "vitest";
import { splitStatements } from "../src/sql/split-statements.js";
import { sqlTokens } from "../src/sql/sql-tokens.js";

const texts = (sql: string) => [...sqlTokens(sql)].map(({ text }) => text);

test.each([
  ["select 1", ["SELECT", "1"]],
  ["a--x\nb/*;*/c", ["A", "B", "C"]],
  ["'it''s;' \"a\"\"b\" `c` [d;]", ["'it''s;'", '"a""b"', "`c`", "[d;]"]],
  ["x'00' X'' xy", ["x'00'", "X''", "XY"]],
  ["? ?12 :a @b $c $d::e(f)", ["?", "?12", ":a", "@b", "$c", "$d::e(f)"]],
  ["1.5e-3 .5 0x1F", ["1.5e-3", ".5", "0x1F"]],
  ["''", ["''"]],
  ["'' 'a'", ["''", "'a'"]],
  ["'open", ["'open"]],
  ["/* open", []],
])("tokens of %s", (sql, expected) => {
  expect(texts(sql)).toEqual(expected);
});

test.each([
  ["", []],
  [" ; -- x\n;", []],
  ["a; b ;c", ["a", "b", "c"]],
  ["select ';'; select 2", ["select ';'", "select 2"]],
  [
    "create trigger t after insert on a begin insert into b values(1); delete from c; end; select 1;",
    ["create trigger t after insert on a begin insert into b values(1); delete from c; end", "select 1"],
  ],
  [
    "create temp trigger t after insert on a begin select case when 1 then 2 end; end; select 1",
    ["create temp trigger t after insert on a begin select case when 1 then 2 end; end", "select 1"],
  ],
])("statements of %s", (sql, expected) => {
  expect(splitStatements(sql)).toEqual(expected);
});
