import { expect, test } from "vitest";
import { findToken } from "../../src/access/find-token.js";
import { fromWebRequest } from "../../src/http/from-web-request.js";
import { RequestError } from "../../src/http/request-error.js";

function find(...authorization: string[]): string | undefined {
  const headers = new Headers();
  for (const value of authorization) headers.append("authorization", value);
  return findToken(fromWebRequest(new Request("http://localhost/", { headers })));
}

test.each(["Bearer", "bearer", "BEARER", "bEaReR"])("the token follows %s", (scheme) => {
  expect(find(`${scheme} abc.DEF-1_2~+/=`)).toBe("abc.DEF-1_2~+/=");
});

test("white space around a token does not count", () => {
  expect(find("  Bearer \t abc  ")).toBe("abc");
});

test.each([[[]], [[""]], [["Bearer"]], [["Bearer "]], [["bearer  "]]])("%j shows no token", (headers) => {
  expect(find(...headers)).toBeUndefined();
});

test.each(["Basic dXNlcjpwYXNz", "Digest username=x, realm=y", "Bearertoken", "token"])(
  "%j is left to others",
  (header) => {
    expect(find(header)).toBeUndefined();
  },
);

test.each([
  [["Bearer abc def"]],
  [["Bearer abc", "Bearer def"]],
  [["Bearer abc", "Basic def"]],
  [["Bearer abc\u00fc"]],
  [["Bearer abc\u00a0def"]],
])("%j is malformed", (headers) => {
  let thrown: unknown;
  try {
    find(...headers);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(RequestError);
  expect(thrown).toMatchObject({
    status: 401,
    code: "AUTH_HEADER_INVALID",
    headers: { "www-authenticate": "Bearer" },
    message: expect.not.stringContaining("abc"),
  });
});
