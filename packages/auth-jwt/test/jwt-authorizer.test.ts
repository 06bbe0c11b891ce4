import { createHmac, sign } from "node:crypto";
import type { AccessDenial, AccessGrant } from "@tributary/server";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type JwtAlgorithm, type JwtAuthorizerOptions, jwtAuthorizer } from "../src/index.js";
import { base64Url, createSigningKey, jwkOf, rawKey, signToken } from "./support/signing-keys.js";

const NOW = 1_700_000_000;
const ed = createSigningKey("EdDSA");
const ec = createSigningKey("ES256");
const rsa = createSigningKey("RS256");
const other = createSigningKey("EdDSA");

function asks(options: Partial<JwtAuthorizerOptions> = {}) {
  const authorize = jwtAuthorizer({ keys: ed.pem + ec.pem + rsa.pem, now: () => NOW * 1_000, ...options });
  return async (
    token: string | undefined,
    database: string | undefined = "acme",
  ): Promise<AccessGrant | AccessDenial> => {
    const answer = await authorize({ token, database, request: new Request("http://localhost/") });
    if (token !== undefined && token.length > 20)
      expect(JSON.stringify(answer)).not.toContain(token.slice(0, 20));
    return answer;
  };
}

const ask = asks();
const denied = (code: string) => ({
  denied: code === "AUTH_FORBIDDEN" ? "forbidden" : "unauthenticated",
  code,
});
const INVALID = denied("AUTH_JWT_INVALID");

describe.each([ed, ec, rsa])("$algorithm", (key) => {
  test("lets in who has a token", async () => {
    const token = await signToken(key, { id: "acme", a: "ro", sub: "device-7", exp: NOW + 60 });
    const grant = { access: "read", client: "device-7", device: "device-7", expiresAt: (NOW + 65) * 1_000 };
    expect(await ask(token)).toEqual(grant);
    expect(await ask(token, "globex")).toMatchObject(denied("AUTH_FORBIDDEN"));
  });

  test("is the key's, not the token's, to choose", async () => {
    for (const alg of [
      "EdDSA",
      "ES256",
      "RS256",
      "RS384",
      "PS256",
      "HS256",
      "none",
      "Ed25519",
      "",
      "eddsa",
    ]) {
      if (alg === key.algorithm) continue;
      const [, payload, signature] = (await signToken(key, { a: "admin" })).split(".");
      expect(await ask(`${base64Url({ alg })}.${payload}.${signature}`)).toMatchObject(INVALID);
    }
  });

  test("is refused where its key is not", async () => {
    const others = [ed, ec, rsa].filter(({ algorithm }) => algorithm !== key.algorithm);
    const askOthers = asks({ keys: others.map(({ pem }) => pem).join("") });
    expect(await askOthers(await signToken(key))).toMatchObject(INVALID);
  });

  test("finds what was changed in a token", async () => {
    const [header, payload, signature] = (await signToken(key, { id: "acme", a: "ro" })).split(".") as [
      string,
      string,
      string,
    ];
    const forged = base64Url({ id: "acme", a: "admin" });
    const flipped = Buffer.from(signature, "base64url");
    flipped[5] = (flipped[5] as number) ^ 1;
    for (const token of [
      `${header}.${forged}.${signature}`,
      `${base64Url({ alg: key.algorithm, typ: "JWT" })}.${payload}.${signature}`,
      `${header}.${payload}.${flipped.toString("base64url")}`,
      `${header}.${payload}.`,
      `${header}.${payload}.${signature.slice(0, -4)}`,
      `${header}.${payload}.${base64Url(Buffer.alloc(64).toString("latin1"))}`,
    ]) {
      expect(await ask(token)).toMatchObject(INVALID);
    }
  });
});

describe("a forged token:", () => {
  const claims = base64Url({ a: "admin" });

  test.each(["none", "None", "NONE", "nOnE"])("alg %s", async (alg) => {
    const header = base64Url({ alg, typ: "JWT" });
    for (const signature of ["", "AAAA"])
      expect(await ask(`${header}.${claims}.${signature}`)).toMatchObject(INVALID);
    expect(await ask(`${header}.${claims}`)).toMatchObject(INVALID);
  });

  test.each(["HS256", "HS384", "HS512"])("%s with a public key as the secret", async (alg) => {
    const text = `${base64Url({ alg })}.${claims}`;
    const secrets = [ed, ec, rsa].flatMap(({ pem, publicKey }) => [
      pem,
      pem.trim(),
      publicKey.export({ type: "spki", format: "der" }),
      JSON.stringify(publicKey.export({ format: "jwk" })),
    ]);
    for (const secret of [...secrets, rawKey(ed), Buffer.from(rawKey(ed), "base64url"), ""]) {
      const signature = createHmac(`sha${alg.slice(2)}`, secret)
        .update(text)
        .digest("base64url");
      expect(await ask(`${text}.${signature}`)).toMatchObject(INVALID);
    }
  });

  test("signed with another key of the same kind", async () => {
    expect(await ask(await signToken(other, { a: "admin" }))).toMatchObject(INVALID);
  });

  test("that brings its own key", async () => {
    for (const header of [
      { jwk: jwkOf(other) },
      { jwk: jwkOf(other), kid: "mine" },
      { jku: "http://127.0.0.1:1/keys" },
      { x5u: "http://127.0.0.1:1/cert", x5c: ["AAAA"] },
      { kid: "../../../../dev/null" },
    ]) {
      expect(await ask(await signToken(other, { a: "admin" }, header))).toMatchObject(INVALID);
    }
  });

  test("with extensions that nobody knows", async () => {
    const header = base64Url({ alg: "EdDSA", crit: ["magic"], magic: true });
    const text = `${header}.${claims}`;
    const signature = sign(null, Buffer.from(text), ed.privateKey).toString("base64url");
    expect(await ask(`${text}.${signature}`)).toMatchObject(INVALID);
  });

  test("whose payload is not encoded", async () => {
    const header = base64Url({ alg: "EdDSA", crit: ["b64"], b64: false });
    const text = `${header}.{"a":"admin"}`;
    const signature = sign(null, Buffer.from(text), ed.privateKey).toString("base64url");
    expect(await ask(`${text}.${signature}`)).toMatchObject(INVALID);
  });

  test("an ES256 signature of nothing but zeros", async () => {
    const text = `${base64Url({ alg: "ES256" })}.${claims}`;
    expect(await ask(`${text}.${Buffer.alloc(64).toString("base64url")}`)).toMatchObject(INVALID);
  });
});

describe("no token:", () => {
  test("not at all", async () => {
    expect(await ask(undefined)).toMatchObject(denied("AUTH_HEADER_NOT_FOUND"));
  });

  test.each([
    "",
    "a",
    "..",
    "a.b.c",
    "....",
    "null.null.null",
    `${base64Url("null")}.${base64Url("{}")}.AAAA`,
    `${base64Url("[]")}.${base64Url("{}")}.AAAA`,
    `${base64Url('"EdDSA"')}.${base64Url("{}")}.AAAA`,
    `${base64Url({ alg: ["EdDSA"] })}.${base64Url("{}")}.AAAA`,
    `${base64Url({ alg: { toString: "EdDSA" } })}.${base64Url("{}")}.AAAA`,
    `${base64Url({})}.${base64Url("{}")}.AAAA`,
    `${base64Url({ alg: "EdDSA" })}.${base64Url("{}")}.A A!`,
    "\u0000\ud800.é.\n",
  ])("%j", async (token) => {
    expect(await ask(token)).toMatchObject(INVALID);
  });

  test.each(["null", "[]", '"text"', "7", "{", "", "\u00ff"])("signed, and %j in it", async (payload) => {
    const text = `${base64Url({ alg: "EdDSA" })}.${base64Url(payload)}`;
    const signature = sign(null, Buffer.from(text), ed.privateKey).toString("base64url");
    expect(await ask(`${text}.${signature}`)).toMatchObject(INVALID);
  });

  test("one of a megabyte, however it is signed", async () => {
    const token = await signToken(ed, { filler: "x".repeat(1_000_000) });
    expect(await ask(token)).toMatchObject({ ...INVALID, message: expect.stringContaining("8192") });
    expect(await ask("x".repeat(1_000_000))).toMatchObject({ message: expect.stringContaining("8192") });
    expect(await ask(await signToken(ed, { filler: "x".repeat(5_000) }))).toEqual({ access: "write" });
  });
});

test("a token that was damaged anywhere says no more than before, and is no failure of the server", async () => {
  const tokens = await Promise.all(
    [ed, ec, rsa].map((key) => signToken(key, { id: "acme", a: "ro" }, { kid: "k" })),
  );
  const damage = fc.record({
    token: fc.constantFrom(...tokens),
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    removed: fc.nat(3),
    added: fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom(".", "..", "A", "-", "=")),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ token, at, removed, added }) => {
      const start = Math.floor(at * token.length);
      const answer = await ask(token.slice(0, start) + added + token.slice(start + removed));
      // The last bits of a signature's base64 mean nothing.
      if ("denied" in answer) expect(answer).toMatchObject(INVALID);
      else expect(answer).toEqual({ access: "read" });
    }),
    { numRuns: 500 },
  );
});

describe("time", () => {
  test.each<[Record<string, unknown>, string | undefined]>([
    [{ exp: NOW + 1 }, undefined],
    [{ exp: NOW - 4 }, undefined],
    [{ exp: NOW - 5 }, "AUTH_JWT_EXPIRED"],
    [{ exp: 0 }, "AUTH_JWT_EXPIRED"],
    [{ exp: -1e300 }, "AUTH_JWT_EXPIRED"],
    [{ nbf: NOW + 5 }, undefined],
    [{ nbf: NOW + 6 }, "AUTH_JWT_IMMATURE"],
    [{ nbf: NOW + 6, exp: NOW - 60 }, "AUTH_JWT_IMMATURE"],
    [{ exp: String(NOW + 60) }, "AUTH_JWT_INVALID"],
    [{ exp: null }, "AUTH_JWT_INVALID"],
    [{ nbf: "now" }, "AUTH_JWT_INVALID"],
  ])("of %j: %s", async (claims, code) => {
    const answer = await ask(await signToken(ed, claims));
    if (code === undefined) expect(answer).toMatchObject({ access: "write" });
    else expect(answer).toMatchObject(denied(code));
  });

  test("has a tolerance that can be set, and a grant lasts as long", async () => {
    const strict = asks({ clockToleranceMs: 0 });
    expect(await strict(await signToken(ed, { exp: NOW }))).toMatchObject(denied("AUTH_JWT_EXPIRED"));
    expect(await strict(await signToken(ed, { nbf: NOW + 1 }))).toMatchObject(denied("AUTH_JWT_IMMATURE"));
    expect(await strict(await signToken(ed, { exp: NOW + 1 }))).toEqual({
      access: "write",
      expiresAt: (NOW + 1) * 1_000,
    });
    const lenient = asks({ clockToleranceMs: 60_000 });
    expect(await lenient(await signToken(ed, { exp: NOW - 59 }))).toEqual({
      access: "write",
      expiresAt: (NOW + 1) * 1_000,
    });
  });

  test("never ends for a token that does not say so, unless it must", async () => {
    expect(await ask(await signToken(ed))).toEqual({ access: "write" });
    const strict = asks({ requireExpiry: true });
    expect(await strict(await signToken(ed))).toMatchObject(INVALID);
    expect(await strict(await signToken(ed, { exp: NOW + 60 }))).toMatchObject({ access: "write" });
  });

  test("is the process's by default", async () => {
    const authorize = jwtAuthorizer({ keys: ed.pem });
    const request = new Request("http://localhost/");
    const seconds = Math.floor(Date.now() / 1_000);
    const askNow = async (exp: number) =>
      authorize({ token: await signToken(ed, { exp }), database: "acme", request });
    expect(await askNow(seconds + 3_600)).toMatchObject({ access: "write" });
    expect(await askNow(seconds - 3_600)).toMatchObject(denied("AUTH_JWT_EXPIRED"));
  });
});

describe("several keys", () => {
  test("of one kind are tried in turn", async () => {
    const askBoth = asks({ keys: other.pem + ed.pem });
    for (const key of [ed, other]) {
      expect(await askBoth(await signToken(key))).toEqual({ access: "write" });
      expect(await askBoth(await signToken(key, { exp: 1 }))).toMatchObject(denied("AUTH_JWT_EXPIRED"));
    }
  });

  test("with names are told apart by them", async () => {
    const keys = { keys: [jwkOf(ed, { kid: "new" }), jwkOf(other, { kid: "old" }), jwkOf(ec)] };
    const askSet = asks({ keys });
    expect(await askSet(await signToken(ed, {}, { kid: "new" }))).toEqual({ access: "write" });
    expect(await askSet(await signToken(other, {}, { kid: "old" }))).toEqual({ access: "write" });
    expect(await askSet(await signToken(other))).toEqual({ access: "write" });
    // A key without a name answers to every name.
    expect(await askSet(await signToken(ec, {}, { kid: "new" }))).toEqual({ access: "write" });
    expect(await askSet(await signToken(ed, {}, { kid: "old" }))).toMatchObject(INVALID);
    expect(await askSet(await signToken(ed, {}, { kid: "unknown" }))).toMatchObject(INVALID);
    for (const kid of [7, null, ["new"], { toString: "new" }]) {
      const text = `${base64Url({ alg: "EdDSA", kid })}.${base64Url({})}`;
      const signature = sign(null, Buffer.from(text), ed.privateKey).toString("base64url");
      expect(await askSet(`${text}.${signature}`)).toMatchObject(INVALID);
    }
  });
});

describe("claims", () => {
  test("of sqld are understood, and others change nothing", async () => {
    const token = await signToken(ed, {
      p: { ro: { ns: ["acme"] }, rw: { ns: ["globex"], tags: ["x"] } },
      gid: "g",
    });
    expect(await ask(token, "acme")).toEqual({ access: "read" });
    expect(await ask(token, "globex")).toEqual({ access: "write" });
    expect(await ask(token, "initech")).toMatchObject(denied("AUTH_FORBIDDEN"));
  });

  test("say who administers the server, and who only a database", async () => {
    const authorize = jwtAuthorizer({ keys: ed.pem, now: () => NOW * 1_000 });
    const askServer = async (claims: Record<string, unknown>) =>
      authorize({
        token: await signToken(ed, claims),
        database: undefined,
        request: new Request("http://localhost/"),
      });
    expect(await askServer({ a: "admin" })).toEqual({ access: "admin" });
    expect(await askServer({ a: "admin", id: "acme" })).toMatchObject({
      ...denied("AUTH_FORBIDDEN"),
      message: "the token is not for the server as a whole",
    });
    expect(await askServer({ a: "admin", p: { rw: { ns: ["acme"] } } })).toMatchObject(
      denied("AUTH_FORBIDDEN"),
    );
  });

  test("of a shape that is not known refuse the token for every database", async () => {
    for (const claims of [{ p: null }, { p: "rw" }, { a: "root" }, { id: 7 }, { sub: 7 }, { sub: "" }]) {
      for (const database of ["acme", "globex"]) {
        expect(await ask(await signToken(ed, claims), database)).toMatchObject(INVALID);
      }
    }
  });

  test("that are there twice: the last one counts", async () => {
    const signed = (payload: string) => {
      const text = `${base64Url({ alg: "EdDSA" })}.${base64Url(payload)}`;
      return `${text}.${sign(null, Buffer.from(text), ed.privateKey).toString("base64url")}`;
    };
    expect(await ask(signed('{"a":"rw","a":"ro"}'))).toEqual({ access: "read" });
    expect(await ask(signed('{"id":"acme","id":"globex"}'))).toMatchObject(denied("AUTH_FORBIDDEN"));
    expect(await ask(signed('{"p":{"rw":{"ns":["acme"]},"rw":{"ns":[]}}}'))).toMatchObject(
      denied("AUTH_FORBIDDEN"),
    );
  });

  test("name the issuer and the audience that are asked for", async () => {
    const askOurs = asks({ issuer: ["https://id.example", "https://old.example"], audience: "sync" });
    const good = { iss: "https://id.example", aud: ["web", "sync"] };
    expect(await askOurs(await signToken(ed, good))).toEqual({ access: "write" });
    expect(await askOurs(await signToken(ed, { ...good, iss: "https://old.example", aud: "sync" }))).toEqual({
      access: "write",
    });
    for (const claims of [
      { ...good, iss: "https://evil.example" },
      { ...good, iss: ["https://id.example"] },
      { ...good, aud: "web" },
      { ...good, aud: "sync2" },
      { iss: good.iss },
      { aud: good.aud },
    ]) {
      expect(await askOurs(await signToken(ed, claims))).toMatchObject(INVALID);
    }
  });
});

test.each<[JwtAlgorithm, JwtAuthorizerOptions["keys"]]>([
  ["EdDSA", rawKey(ed)],
  ["EdDSA", { keys: [jwkOf(ed)] }],
  ["ES256", jwkOf(ec)],
  ["RS256", JSON.stringify({ keys: [jwkOf(rsa)] })],
])("tokens of %s are verified with keys of every form (%#)", async (algorithm, keys) => {
  const key = [ed, ec, rsa].find((candidate) => candidate.algorithm === algorithm) ?? ed;
  expect(await asks({ keys })(await signToken(key))).toEqual({ access: "write" });
});
