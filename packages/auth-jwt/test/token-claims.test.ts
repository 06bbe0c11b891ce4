import { describe, expect, test } from "vitest";
import { InvalidClaims, readTokenClaims } from "../src/token-claims.js";

/** What a token allows on the databases acme and globex, and on the server as a whole. */
function accessOf(claims: Record<string, unknown>) {
  const access = readTokenClaims(claims);
  return [access.on("acme"), access.on("globex"), access.on(undefined)];
}

const ns = (...names: string[]) => ({ ns: names });

describe("a token allows", () => {
  test.each<[Record<string, unknown>, unknown[]]>([
    [{}, ["write", "write", "write"]],
    [{ exp: 1, sub: "me", gid: "group" }, ["write", "write", "write"]],
    [{ a: "rw" }, ["write", "write", "write"]],
    [{ a: "ro" }, ["read", "read", "read"]],
    [{ a: "roa" }, ["read", "read", "read"]],
    [{ a: "admin" }, ["admin", "admin", "admin"]],
    [{ id: "acme" }, ["write", undefined, undefined]],
    [{ id: "acme", a: "ro" }, ["read", undefined, undefined]],
    [{ id: "acme", a: "roa" }, ["read", undefined, undefined]],
    [{ id: "acme", a: "rw" }, ["write", undefined, undefined]],
    [{ id: "acme", a: "admin" }, ["admin", undefined, undefined]],
    [{ id: "ACME" }, [undefined, undefined, undefined]],
    [{ p: {} }, [undefined, undefined, undefined]],
    [{ p: { ro: ns("acme") } }, ["read", undefined, undefined]],
    [{ p: { roa: ns("acme") } }, ["read", undefined, undefined]],
    [{ p: { rw: ns("acme") } }, ["write", undefined, undefined]],
    [{ p: { rwa: ns("acme") } }, ["write", undefined, undefined]],
    [{ p: { ddl: ns("acme") } }, [undefined, undefined, undefined]],
    [{ p: { ro: ns("acme", "globex"), rw: ns("globex") } }, ["read", "write", undefined]],
    [{ p: { rw: ns("globex"), ro: ns("acme", "globex"), ddl: ns("acme") } }, ["read", "write", undefined]],
    [{ p: { rw: ns("globex"), roa: ns("globex") } }, [undefined, "write", undefined]],
    [
      { p: { ro: { ns: ["acme"], tags: ["blue"] }, rw: { tags: ["acme", "*"] } } },
      ["read", undefined, undefined],
    ],
    [{ p: { ro: {}, rw: ns() } }, [undefined, undefined, undefined]],
    [{ p: { rw: ns("*", "") } }, [undefined, undefined, undefined]],
    // As with sqld, `p` stands alone.
    [{ p: { ro: ns("acme") }, a: "rw" }, ["read", undefined, undefined]],
    [{ p: { ro: ns("acme") }, a: "admin", id: "globex" }, ["read", undefined, undefined]],
    [{ p: { rw: ns("acme") }, a: "ro", id: "acme" }, ["write", undefined, undefined]],
    [{ p: {}, a: "admin" }, [undefined, undefined, undefined]],
  ])("%j: %j", (claims, access) => {
    expect(accessOf(claims)).toEqual(access);
  });

  test("nothing by names that every object has", () => {
    const access = readTokenClaims({ p: { ro: ns("acme") } });
    for (const name of ["constructor", "__proto__", "toString", "size"])
      expect(access.on(name)).toBeUndefined();
  });
});

describe("a token is refused whose claims are of no known shape:", () => {
  test.each<[Record<string, unknown>]>([
    [{ a: "" }],
    [{ a: "RW" }],
    [{ a: "root" }],
    [{ a: null }],
    [{ a: true }],
    [{ a: ["rw"] }],
    [{ a: "constructor" }],
    [{ id: "" }],
    [{ id: null }],
    [{ id: 7 }],
    [{ id: ["acme"] }],
    [{ p: null }],
    [{ p: "rw" }],
    [{ p: true }],
    [{ p: [] }],
    [{ p: ["rw"] }],
    [{ p: { admin: ns("acme") } }],
    [{ p: { RO: ns("acme") } }],
    [{ p: { constructor: ns("acme") } }],
    [JSON.parse('{"p":{"__proto__":{"ns":["acme"]}}}') as Record<string, unknown>],
    [{ p: { rw: null } }],
    [{ p: { rw: "acme" } }],
    [{ p: { rw: ["acme"] } }],
    [{ p: { rw: { ns: "acme" } } }],
    [{ p: { rw: { ns: null } } }],
    [{ p: { rw: { ns: [1] } } }],
    [{ p: { rw: { ns: [["acme"]] } } }],
    [{ p: { rw: { ns: { acme: true } } } }],
    [{ p: { rw: { names: ["acme"] } } }],
    [{ p: { ro: ns("acme"), rw: { tags: 1 } } }],
    [{ p: { ddl: true } }],
    // Nor does one claim make up for another.
    [{ p: { ro: ns("acme") }, a: "root" }],
    [{ p: { ro: ns("acme") }, id: 7 }],
    [{ a: "rw", p: null }],
  ])("%j", (claims) => {
    expect(() => accessOf(claims)).toThrow(InvalidClaims);
  });
});
