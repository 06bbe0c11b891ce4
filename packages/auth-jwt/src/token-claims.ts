import type { Access } from "@tributary/server";

/** Access by the name of a database, and to all of them and the server. */
export interface TokenAccess {
  /** What the token allows on this database, or, where undefined, on the server as a whole; undefined: nothing. */
  on(database: string | undefined): Access | undefined;
}

/** A token that is signed rightly, and says what nobody can be sure of. It must not become one that says nothing. */
export class InvalidClaims extends Error {
  override readonly name = "InvalidClaims";
}

/** Values of `a`. `roa` is sqld's for reading, and attaching too, which there is none of here. */
const ACCESS_OF_A: ReadonlyMap<unknown, Access> = new Map([
  ["ro", "read"],
  ["roa", "read"],
  ["rw", "write"],
  ["admin", "admin"],
]);

/** Members of `p`. `ddl` is sqld's leave to change shared schemas, which there are none of: it allows nothing here. */
const ACCESS_OF_P: ReadonlyMap<string, Access | undefined> = new Map([
  ["ro", "read"],
  ["roa", "read"],
  ["rw", "write"],
  ["rwa", "write"],
  ["ddl", undefined],
]);

/**
 * Reads the claims of sqld's tokens. With `p`, only the databases that it names count, and `a` and `id` do not. Without it
 * `a` says what the token allows, by default writing, and `id` on which database, by default on all. Throws `InvalidClaims`.
 */
export function readTokenClaims(claims: Readonly<Record<string, unknown>>): TokenAccess {
  const { a, id, p } = claims;
  const access = "a" in claims ? ACCESS_OF_A.get(a) : "write";
  if (access === undefined) throw new InvalidClaims('the claim "a" must be "ro", "rw", "roa" or "admin"');
  if ("id" in claims && (typeof id !== "string" || id === "")) {
    throw new InvalidClaims('the claim "id" must be the name of a database');
  }
  if (!("p" in claims))
    return { on: (database) => (id === undefined || id === database ? access : undefined) };
  const listed = readPermissions(p);
  return { on: (database) => (database === undefined ? undefined : listed.get(database)) };
}

function readPermissions(p: unknown): ReadonlyMap<string, Access> {
  const listed = new Map<string, Access>();
  for (const [kind, scopes] of entriesOf(p, '"p"')) {
    if (!ACCESS_OF_P.has(kind))
      throw new InvalidClaims('the claim "p" may have ro, rw, roa, rwa and ddl, and nothing else');
    const access = ACCESS_OF_P.get(kind);
    for (const name of readNames(scopes, `"p.${kind}"`)) {
      if (access !== undefined && listed.get(name) !== "write") listed.set(name, access);
    }
  }
  return listed;
}

/** Databases have no tags here: those of a token are checked for their shape, and allow nothing. */
function readNames(scopes: unknown, place: string): readonly string[] {
  let names: readonly string[] = [];
  for (const [kind, list] of entriesOf(scopes, place)) {
    if (kind !== "ns" && kind !== "tags")
      throw new InvalidClaims(`the claim ${place} may have ns and tags, and nothing else`);
    if (!Array.isArray(list) || !list.every((name) => typeof name === "string")) {
      throw new InvalidClaims(`the claim ${place} must have lists of names`);
    }
    if (kind === "ns") names = list;
  }
  return names;
}

function entriesOf(value: unknown, place: string): [string, unknown][] {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return Object.entries(value);
  throw new InvalidClaims(`the claim ${place} must be an object`);
}
