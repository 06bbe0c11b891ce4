import type { StaticToken } from "@tributary/server";
import { z } from "zod";

const ACCESS = z.enum(["read", "write", "admin"]);
const TOKEN = z.strictObject({
  token: z.string(),
  access: ACCESS,
  databases: z.array(z.string()).min(1).optional(),
  client: z.string().min(1).optional(),
});

/**
 * Reads tokens: a JSON list of `{ token, access, databases?, client? }`, or lines of `token access [database,…]`, where
 * empty ones and those that begin with # do not count. Throws `TypeError` with a text for people that names the line or
 * entry and repeats nothing of it.
 */
export function parseTokens(text: string): readonly StaticToken[] {
  const tokens = text.trimStart().startsWith("[") ? parseJson(text) : parseLines(text);
  if (tokens.length === 0) throw new TypeError("holds no token: add a line such as: TOKEN write");
  return tokens;
}

function parseJson(text: string): StaticToken[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    // The parser's own message quotes what it read.
    throw new TypeError("is not JSON, although it begins with [");
  }
  return (list as unknown[]).map((entry, index) => {
    const { success, data } = TOKEN.safeParse(entry);
    if (success) return withoutUndefined(data);
    throw new TypeError(
      `entry ${index + 1} must be {"token": …, "access": "read"|"write"|"admin", "databases"?: [names], "client"?: name}`,
    );
  });
}

function withoutUndefined({ token, access, databases, client }: z.infer<typeof TOKEN>): StaticToken {
  return {
    token,
    access,
    ...(databases === undefined ? {} : { databases }),
    ...(client === undefined ? {} : { client }),
  };
}

function parseLines(text: string): StaticToken[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (/^\s*(#|$)/.test(line)) return [];
    const [token = "", word, names, ...rest] = line.trim().split(/\s+/);
    const access = ACCESS.safeParse(word);
    const databases = names?.split(",");
    if (!access.success || rest.length > 0 || databases?.includes("") === true) {
      throw new TypeError(`line ${index + 1} must be: TOKEN read|write|admin [DATABASE,DATABASE…]`);
    }
    return [{ token, access: access.data, ...(databases === undefined ? {} : { databases }) }];
  });
}
