import { type MaybePromise, SyncError } from "@tributary/core";

/** Where to connect to: a URL, or what gives one for each channel; null means that sync is paused. */
export type ConnectUrl = string | (() => MaybePromise<string | null>);

/** Schemes of a remote's URL, and what a request to it begins with. */
const SCHEMES: Readonly<Record<string, "http:" | "https:">> = {
  "http:": "http:",
  "ws:": "http:",
  "https:": "https:",
  "wss:": "https:",
  "libsql:": "https:",
  "turso:": "https:",
};

/**
 * Asks for the URL and checks it, as http or https. Rejects with `SyncError`: `paused` for null, `invalid-option` where it
 * is none, and then without repeating it: it may hold a secret.
 */
export async function resolveConnectUrl(url: ConnectUrl): Promise<URL> {
  let given: unknown;
  try {
    given = typeof url === "function" ? await url() : url;
  } catch (error) {
    if (error instanceof SyncError) throw error;
    throw new SyncError("invalid-option", "url() failed.", { cause: error });
  }
  if (given === null) throw new SyncError("paused", "Sync is paused: url() gave null.");
  if (typeof given !== "string") {
    throw new SyncError("invalid-option", "url is, or gave, neither a URL as a string nor null.");
  }
  return parseConnectUrl(given);
}

/** Checks a URL that may be one of WebSocket, and gives it as http or https. Throws `SyncError` `invalid-option`. */
export function parseConnectUrl(text: string): URL {
  const scheme = /^[a-z]+:/i.exec(text)?.[0].toLowerCase() ?? "";
  const known = SCHEMES[scheme];
  // Renamed before parsing: URLs of schemes that the standard does not know are parsed by looser rules.
  const renamed = known === undefined ? text : known + text.slice(scheme.length);
  if (!URL.canParse(renamed)) throw new SyncError("invalid-option", "url is not a valid URL");
  const url = new URL(renamed);
  if (known === undefined) {
    const schemes = Object.keys(SCHEMES).join(", ");
    throw new SyncError("invalid-option", `url must begin with one of ${schemes} not with ${url.protocol}`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new SyncError(
      "invalid-option",
      "url must not hold a user name or a password: use a token or headers",
    );
  }
  url.hash = "";
  return url;
}
