import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient } from "@libsql/client";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Access, type AccessRequest, type Authorize, allows } from "../../src/access/access.js";
import { checkAccess } from "../../src/access/check-access.js";
import { openAccess } from "../../src/access/open-access.js";
import { errorResponse } from "../../src/http/error-response.js";
import { fromWebRequest } from "../../src/http/from-web-request.js";
import { RequestError } from "../../src/http/request-error.js";
import { toWebResponse } from "../../src/http/to-web-response.js";

const REQUEST = new Request("http://localhost/v2/pipeline");
const ASKED = fromWebRequest(REQUEST);

interface Check {
  readonly database?: string | undefined;
  readonly needed?: Access;
  readonly token?: string | undefined;
  readonly now?: number;
}

function check(authorize: Authorize, { database = "acme", needed = "read", token, now = 1_000 }: Check = {}) {
  return checkAccess(authorize, ASKED, database, needed, token, () => now);
}

async function refusal(checked: Promise<unknown>): Promise<RequestError> {
  const error: unknown = await checked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(RequestError);
  return error as RequestError;
}

describe("who has access", () => {
  test.each<[Access, Access, boolean]>([
    ["read", "read", true],
    ["read", "write", false],
    ["read", "admin", false],
    ["write", "read", true],
    ["write", "write", true],
    ["write", "admin", false],
    ["admin", "read", true],
    ["admin", "write", true],
    ["admin", "admin", true],
  ])("%s, is let through to %s: %s", async (access, needed, isAllowed) => {
    expect(allows(access, needed)).toBe(isAllowed);
    const checked = check(() => ({ access, client: "me" }), { needed });
    if (isAllowed) expect(await checked).toEqual({ access, client: "me" });
    else {
      const { status, code, message } = await refusal(checked);
      expect([status, code]).toEqual([403, "AUTH_FORBIDDEN"]);
      expect(message).toBe(
        `this needs ${needed} access to the database "acme", and only ${access} access is granted`,
      );
    }
  });

  test("is asked about with everything that is known", async () => {
    const asked: AccessRequest[] = [];
    const authorize: Authorize = async (request) => {
      asked.push(request);
      return { access: "admin" };
    };
    await check(authorize, { token: "secret" });
    await checkAccess(authorize, ASKED, undefined, "admin", undefined);
    await check(authorize, { token: "" });
    expect(asked).toEqual([
      { database: "acme", token: "secret", request: REQUEST },
      { database: undefined, token: undefined, request: REQUEST },
      { database: "acme", token: undefined, request: REQUEST },
    ]);
    expect(asked[0]?.request).toBe(REQUEST);
  });

  test("by default, may write and not administer", async () => {
    expect(await check(openAccess, { needed: "write" })).toEqual({ access: "write" });
    expect((await refusal(check(openAccess, { needed: "admin" }))).status).toBe(403);
  });

  test("loses it when the grant ends", async () => {
    const authorize: Authorize = () => ({ access: "read", expiresAt: 1_000 });
    expect(await check(authorize, { now: 999 })).toMatchObject({ expiresAt: 1_000 });
    for (const now of [1_000, 1_001]) {
      const { status, code, headers } = await refusal(check(authorize, { now }));
      expect([status, code, headers]).toEqual([401, "AUTH_EXPIRED", { "www-authenticate": "Bearer" }]);
    }
    const nonsense: Authorize = () => ({ access: "read", expiresAt: Number.NaN });
    expect((await refusal(check(nonsense))).status).toBe(401);
  });
});

describe("who is denied", () => {
  test("as unknown gets 401", async () => {
    const authorize: Authorize = () => ({ denied: "unauthenticated", code: "AUTH_X", message: "who?" });
    const response = toWebResponse(errorResponse(await refusal(check(authorize))));
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual({ error: "who?", message: "who?", code: "AUTH_X" });
  });

  test("as forbidden gets 403, whatever else the answer says", async () => {
    const authorize = () =>
      ({ denied: "forbidden", code: "AUTH_Y", message: "no", access: "admin" }) as const;
    const response = toWebResponse(errorResponse(await refusal(check(authorize))));
    expect(response.status).toBe(403);
    expect(response.headers.get("www-authenticate")).toBeNull();
    expect(await response.json()).toEqual({ error: "no", message: "no", code: "AUTH_Y" });
  });
});

describe("an authorize that fails", () => {
  const failures: [string, () => unknown, unknown][] = [
    [
      "throws",
      () => {
        throw new Error("db password is hunter2");
      },
      "db password is hunter2",
    ],
    ["rejects", () => Promise.reject(new Error("hunter2")), "hunter2"],
    [
      "throws undefined",
      () => {
        throw undefined;
      },
      undefined,
    ],
    ["gives nothing", () => undefined, "authorize must give a grant or a denial"],
    ["gives null", () => null, "authorize must give a grant or a denial"],
    ["gives true", () => true, "authorize must give a grant or a denial"],
    ["gives text", () => "admin", "authorize must give a grant or a denial"],
    ["gives nothing in an object", () => ({}), "authorize must give a grant or a denial"],
    ["gives an unknown access", () => ({ access: "root" }), "authorize must give a grant or a denial"],
    [
      "gives an access of every object",
      () => ({ access: "toString" }),
      "authorize must give a grant or a denial",
    ],
  ];

  test.each(failures)(
    "because it %s lets nobody in, and the client is not told why",
    async (_, authorize, why) => {
      const error = await refusal(check(authorize as Authorize));
      expect([error.status, error.code]).toEqual([500, "AUTH_FAILED"]);
      expect((error.cause as Error | undefined)?.message).toBe(why);
      expect(errorResponse(error).body).not.toMatch(/hunter2|authorize must/);
    },
  );
});

test("libSQL's client shows the text and the code of a refusal", async () => {
  const error = await refusal(
    check(() => ({ denied: "unauthenticated", code: "AUTH_JWT_EXPIRED", message: "the token has expired" })),
  );
  const http = createServer((_, outgoing) => {
    const { status, headers, body } = errorResponse(error);
    outgoing.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  const client = createClient({ url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` });
  onTestFinished(() => client.close());
  await expect(client.execute("SELECT 1")).rejects.toMatchObject({
    code: "AUTH_JWT_EXPIRED",
    message: expect.stringContaining("the token has expired"),
  });
});
