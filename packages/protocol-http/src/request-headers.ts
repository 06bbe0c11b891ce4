import { SyncError } from "@tributary/core";
import type { HttpSettings } from "./http-protocol-options.js";

/** Headers of one request, and which of their values must not be shown. */
export interface RequestHeaders {
  readonly headers: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
}

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const TOKEN = /^[\x21-\x7e]+$/;
/** A shorter value is no secret, and taking it out of messages would garble them. */
const SHORTEST_SECRET = 8;

/**
 * Asks the host for its headers and its token. Throws `SyncError`: `invalid-option` where a header cannot be sent (checked
 * here because the messages of others repeat the value), `unauthorized` when the host could not give a token.
 */
export async function requestHeaders(
  settings: Pick<HttpSettings, "headers" | "authToken">,
  contentType: string | undefined,
): Promise<RequestHeaders> {
  const own = await customHeaders(settings);
  const token = await authToken(settings);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    if (!NAME.test(name)) throw new SyncError("invalid-option", "headers has a name that is none");
    if (typeof value !== "string" || !VALUE.test(value)) {
      throw new SyncError("invalid-option", `the header ${name} has a value that cannot be sent`);
    }
    headers[name.toLowerCase()] = value;
  }
  if (contentType !== undefined) {
    headers["content-type"] = contentType;
    headers.accept = contentType;
  }
  // Pages do not compress well enough to be worth it, and proxies buffer what they compress.
  headers["accept-encoding"] = "identity";
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  const secrets = [...Object.values(own), ...(token === undefined ? [] : [token])];
  return { headers, secrets: secrets.filter((secret) => secret.length >= SHORTEST_SECRET) };
}

async function customHeaders({
  headers = {},
}: Pick<HttpSettings, "headers">): Promise<Record<string, string>> {
  let own: unknown;
  try {
    own = typeof headers === "function" ? await headers() : headers;
  } catch (error) {
    if (error instanceof SyncError) throw error;
    throw new SyncError("invalid-option", "headers() failed.", { cause: error });
  }
  if (typeof own !== "object" || own === null || Array.isArray(own)) {
    throw new SyncError("invalid-option", "headers is, or gave, something else than names with their values");
  }
  // The values are looked at one by one.
  return own as Record<string, string>;
}

async function authToken({ authToken }: Pick<HttpSettings, "authToken">): Promise<string | undefined> {
  let token: unknown;
  try {
    token = typeof authToken === "function" ? await authToken() : authToken;
  } catch (error) {
    if (error instanceof SyncError) throw error;
    throw new SyncError("unauthorized", "authToken() failed.", { cause: error });
  }
  if (token == null || token === "") return undefined;
  if (typeof token !== "string") {
    throw new SyncError("invalid-option", "authToken is, or gave, something else than a string");
  }
  if (!TOKEN.test(token))
    throw new SyncError("invalid-option", "authToken has characters that a header cannot have");
  return token;
}
