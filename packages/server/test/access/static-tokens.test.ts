import { describe, expect, test } from "vitest";
import type { AccessRequest } from "../../src/access/access.js";
import { type StaticToken, staticTokens } from "../../src/access/static-tokens.js";
import { ServerError } from "../../src/server-error.js";

const READER = "reader-0123456789";
const WRITER = "writer-0123456789";
const ADMIN = "admin-00123456789";

const authorize = staticTokens([
  { token: READER, access: "read", databases: ["acme", "globex"], client: "reader" },
  { token: WRITER, access: "write" },
  { token: ADMIN, access: "admin" },
]);

function ask(token: string | undefined, database: string | undefined) {
  return authorize({ token, database, request: new Request("http://localhost/") } satisfies AccessRequest);
}

describe("a token", () => {
  test("gives what it was made for", () => {
    expect(ask(READER, "acme")).toEqual({ access: "read", client: "reader", device: "reader" });
    expect(ask(READER, "globex")).toEqual({ access: "read", client: "reader", device: "reader" });
    expect(ask(WRITER, "anything")).toEqual({ access: "write" });
    expect(ask(WRITER, undefined)).toEqual({ access: "write" });
    expect(ask(ADMIN, undefined)).toEqual({ access: "admin" });
  });

  test.each(["initech", "ACME", "acme ", "", undefined])("of some databases is not for %j", (database) => {
    expect(ask(READER, database)).toMatchObject({ denied: "forbidden", code: "AUTH_FORBIDDEN" });
  });

  test("is needed", () => {
    expect(ask(undefined, "acme")).toMatchObject({
      denied: "unauthenticated",
      code: "AUTH_HEADER_NOT_FOUND",
    });
  });

  test.each([
    "",
    READER.slice(0, -1),
    `${READER}x`,
    READER.toUpperCase(),
    `${READER} `,
    "constructor",
    "x".repeat(10_000_000),
    `${READER}${"\0".repeat(5_000)}`,
  ])("is refused where it is another (%#)", (token) => {
    const denial = ask(token, "acme");
    expect(denial).toMatchObject({ denied: "unauthenticated", code: "AUTH_INVALID" });
    if (token !== "") expect(JSON.stringify(denial)).not.toContain(token);
  });
});

test("no tokens let nobody in", () => {
  const request = new Request("http://localhost/");
  expect(staticTokens([])({ token: READER, database: "acme", request })).toHaveProperty("denied");
});

describe("a list of tokens", () => {
  const mistakesOf = (tokens: unknown): string => {
    try {
      staticTokens(tokens as StaticToken[]);
    } catch (error) {
      expect(error).toBeInstanceOf(ServerError);
      expect((error as ServerError).code).toBe("invalid-option");
      return (error as Error).message;
    }
    return "";
  };

  test.each<[string, unknown, string]>([
    ["an empty token", { token: "", access: "read" }, "16 to 4096"],
    ["a short token", { token: "short-secret-15", access: "read" }, "16 to 4096"],
    ["a long token", { token: "x".repeat(4_097), access: "read" }, "16 to 4096"],
    ["a token with a space", { token: `${READER} `, access: "read" }, "without spaces"],
    ["a token with a line break", { token: `${READER}\n`, access: "read" }, "without spaces"],
    ["a token with an umlaut", { token: `${READER}ü`, access: "read" }, "ASCII"],
    ["no token", { access: "read" }, "16 to 4096"],
    ["no access", { token: READER }, "access must be one of read, write, admin"],
    ["an access there is not", { token: READER, access: "root" }, "access must be one of"],
    ["an access of every object", { token: READER, access: "constructor" }, "access must be one of"],
    ["an empty list of databases", { token: READER, access: "read", databases: [] }, "list of names"],
    ["a single database", { token: READER, access: "read", databases: "acme" }, "list of names"],
    ["a misspelt list of databases", { token: READER, access: "read", database: ["acme"] }, "nothing else"],
    ["an empty client", { token: READER, access: "read", client: "" }, "client must be a name"],
    ["no object", READER, "must be an object"],
    ["null", null, "must be an object"],
  ])("with %s is refused, and not repeated", (_, token, mistake) => {
    const message = mistakesOf([{ token: WRITER, access: "write" }, token]);
    expect(message).toContain(mistake);
    expect(message).toContain("token 2: ");
    expect(message).not.toMatch(/reader-|writer-|short-secret/);
  });

  test("with a token twice is refused, and all mistakes are listed", () => {
    const message = mistakesOf([
      { token: READER, access: "read" },
      { token: READER, access: "admin" },
      { token: "x", access: "read" },
    ]);
    expect(message).toMatch(/^token 2: it is there twice; token 3: it must have 16 to 4096/);
  });

  test("that is none is refused", () => {
    expect(mistakesOf({ token: READER, access: "read" })).toBe("tokens must be an array");
  });
});
