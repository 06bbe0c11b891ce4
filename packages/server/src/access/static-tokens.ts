import { createHash, timingSafeEqual } from "node:crypto";
import { ServerError } from "../server-error.js";
import { ACCESS_KINDS, type Access, type Authorize } from "./access.js";
import { isSendableToken } from "./find-token.js";

/** A token that somebody was given. */
export interface StaticToken {
  /** 16 to 4096 visible ASCII characters, hard to guess. */
  readonly token: string;
  readonly access: Access;
  /** The databases it is for, and for nothing else: not for the server as a whole. Default: all there are, and the server. */
  readonly databases?: readonly string[];
  /** Who holds it, as limits and reports count it, and the device of an offline replica of libSQL. Default: the remote address, and no device. */
  readonly client?: string;
}

const MIN_LENGTH = 16;
const MAX_LENGTH = 4_096;
const FIELDS = ["token", "access", "databases", "client"];

/**
 * Lets in who shows one of these tokens. They are compared in constant time and kept as digests. Throws `ServerError`
 * "invalid-option", which lists what is wrong by the places of the tokens, counted from one, and repeats none of them.
 */
export function staticTokens(tokens: readonly StaticToken[]): Authorize {
  const mistakes = Array.isArray(tokens) ? mistakesOf(tokens) : ["tokens must be an array"];
  if (mistakes.length > 0) throw new ServerError("invalid-option", mistakes.join("; "));
  const entries = tokens.map(({ token, access, databases, client }) => ({
    digest: digestOf(token),
    databases: databases === undefined ? undefined : new Set(databases),
    grant: client === undefined ? { access } : { access, client, device: client },
  }));
  return ({ token, database }) => {
    if (token === undefined) {
      return {
        denied: "unauthenticated",
        code: "AUTH_HEADER_NOT_FOUND",
        message: "an access token is needed",
      };
    }
    // No early way out of the loop, and digests are equally long: the time taken tells nothing of any token.
    const shown = digestOf(token.length > MAX_LENGTH ? "" : token);
    let found: (typeof entries)[number] | undefined;
    for (const entry of entries) if (timingSafeEqual(entry.digest, shown)) found = entry;
    if (found === undefined) {
      return { denied: "unauthenticated", code: "AUTH_INVALID", message: "the access token is not valid" };
    }
    if (found.databases === undefined || (database !== undefined && found.databases.has(database)))
      return found.grant;
    return { denied: "forbidden", code: "AUTH_FORBIDDEN", message: "the access token is not for this" };
  };
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** Types say what must be there, but tokens are read from files: a misspelt `databases` would open all of them. */
function mistakesOf(tokens: readonly unknown[]): string[] {
  const seen = new Set<string>();
  return tokens.flatMap((entry, index) => {
    const mistakes =
      typeof entry === "object" && entry !== null ? mistakesOfEntry(entry, seen) : ["must be an object"];
    return mistakes.map((mistake) => `token ${index + 1}: ${mistake}`);
  });
}

function mistakesOfEntry(
  entry: { readonly [Field in keyof StaticToken]?: unknown },
  seen: Set<string>,
): string[] {
  const { token, access, databases, client } = entry;
  const mistakes: string[] = [];
  if (!Object.keys(entry).every((field) => FIELDS.includes(field))) {
    mistakes.push(`it may have ${FIELDS.join(", ")} and nothing else`);
  }
  if (
    typeof token !== "string" ||
    token.length < MIN_LENGTH ||
    token.length > MAX_LENGTH ||
    !isSendableToken(token)
  ) {
    mistakes.push(`it must have ${MIN_LENGTH} to ${MAX_LENGTH} visible ASCII characters, without spaces`);
  } else {
    const digest = digestOf(token).toString("hex");
    if (seen.has(digest)) mistakes.push("it is there twice");
    seen.add(digest);
  }
  if (!ACCESS_KINDS.includes(access as Access))
    mistakes.push(`access must be one of ${ACCESS_KINDS.join(", ")}`);
  if (databases !== undefined && !isFilledList(databases)) mistakes.push("databases must be a list of names");
  if (client !== undefined && (typeof client !== "string" || client === ""))
    mistakes.push("client must be a name");
  return mistakes;
}

function isFilledList(value: unknown): boolean {
  return (
    Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === "string" && name !== "")
  );
}
