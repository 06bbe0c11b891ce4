import { expect, test } from "vitest";
import { parseTokens } from "../../src/access/parse-tokens.js";

const SECRET = "planted-secret-planted";

test("reads lines", () => {
  const text = `# comment\n\n${SECRET} admin\r\n  other-token-other-token\tread acme,beta  \n`;
  expect(parseTokens(text)).toEqual([
    { token: SECRET, access: "admin" },
    { token: "other-token-other-token", access: "read", databases: ["acme", "beta"] },
  ]);
});

test("reads a JSON list", () => {
  const tokens = [
    { token: SECRET, access: "write", databases: ["acme"], client: "phone" },
    { token: "other-token-other-token", access: "admin" },
  ];
  expect(parseTokens(JSON.stringify(tokens, undefined, 2))).toEqual(tokens);
});

test.each([
  ["", /no token/],
  ["# nothing\n", /no token/],
  ["[]", /no token/],
  [`fine-token-fine-token read\n${SECRET}`, /^line 2 must be/],
  [`${SECRET} owner`, /^line 1 must be/],
  [`${SECRET} read a,b c`, /^line 1 must be/],
  [`${SECRET} read a,`, /^line 1 must be/],
  [`["${SECRET}"]`, /^entry 1 must be/],
  [`[{"token":"${SECRET}","access":"read","database":"acme"}]`, /^entry 1 must be/],
  [`[{"token":"${SECRET}","access":"read","databases":[]}]`, /^entry 1 must be/],
  [`[{"token":"${SECRET}"`, /^is not JSON/],
])("refuses %j without repeating it", (text, expected) => {
  const parse = (): unknown => parseTokens(text);
  expect(parse).toThrow(expected);
  expect(parse).not.toThrow(new RegExp(SECRET));
});
