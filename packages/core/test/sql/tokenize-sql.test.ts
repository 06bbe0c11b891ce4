import { describe, expect, test } from "vitest";
import { tokenizeSql } from "../../src/sql/tokenize-sql.js";

const CASES: [sql: string, tokens: string[]][] = [
  ["select a.b,c", ["word select", "word a", "operator .", "word b", "operator ,", "word c"]],
  [
    "'it''s' x'00ff' X'' \"a\"\"b\" [c d] `e``f`",
    ["string 'it''s'", "blob x'00ff'", "blob X''", 'quoted "a""b"', "quoted [c d]", "quoted `e``f`"],
  ],
  [
    "1 1.5 .5 1e3 1.e-3 0xFF 1_000",
    ["number 1", "number 1.5", "number .5", "number 1e3", "number 1.e-3", "number 0xFF", "number 1_000"],
  ],
  ["? ?12 :a @b $c::d(e)", ["variable ?", "variable ?12", "variable :a", "variable @b", "variable $c::d(e)"]],
  [
    "a->>'b'||c<>d!=e<<f",
    [
      "word a",
      "operator ->>",
      "string 'b'",
      "operator ||",
      "word c",
      "operator <>",
      "word d",
      "operator !=",
      "word e",
      "operator <<",
      "word f",
    ],
  ],
  ["a -- b;\n/* c */ d /* e", ["word a", "word d"]],
  ["größe $x", ["word größe", "variable $x"]],
  ["'open", ["illegal 'open"]],
  ["[open", ["illegal [open"]],
  ["'' 'a'", ["string ''", "string 'a'"]],
  ["x'00' xy", ["blob x'00'", "word xy"]],
  ["a # b", ["word a", "illegal #", "word b"]],
  ["a\0b", ["word a"]],
  ["\uFEFFselect", ["word select"]],
  ["", []],
];

describe("tokenizeSql", () => {
  test.each(CASES)("%s", (sql, tokens) => {
    const got = tokenizeSql(sql);
    expect(got.map((token) => `${token.type} ${token.text}`)).toEqual(tokens);
    for (const token of got) expect(sql.slice(token.start, token.end)).toBe(token.text);
  });

  test("takes an index without an end for illegal as SQLite does, and does not look for its end again and again", () => {
    expect(tokenizeSql("$a(b)c $a(b c $::(d) :e(").map(({ type, text }) => [type, text])).toEqual([
      ["variable", "$a(b)"],
      ["word", "c"],
      ["illegal", "$a(b"],
      ["word", "c"],
      ["illegal", "$::"],
      ["operator", "("],
      ["word", "d"],
      ["operator", ")"],
      ["illegal", ":e("],
    ]);
    // Took minutes.
    expect(tokenizeSql("@a(::".repeat(200_000))).toHaveLength(1);
  });
});
