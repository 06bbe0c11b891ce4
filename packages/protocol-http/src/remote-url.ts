import { SyncError } from "@tributary/core";

/** Checks a base URL. Throws `SyncError` `invalid-option`; the message does not repeat the URL: it may hold a secret. */
export function parseRemoteUrl(text: string): URL {
  // Renamed before parsing: URLs of schemes that the standard does not know are parsed by looser rules.
  const renamed = text.replace(/^(?:libsql|turso):/i, "https:");
  if (!URL.canParse(renamed)) throw new SyncError("invalid-option", "url is not a valid URL");
  const url = new URL(renamed);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new SyncError(
      "invalid-option",
      `url must begin with https:, http:, libsql: or turso:, not ${url.protocol}`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new SyncError(
      "invalid-option",
      "url must not hold a user name or a password: use authToken or headers",
    );
  }
  url.hash = "";
  return url;
}

/** The URL of an endpoint: the path of the base is kept before it, the query after it. */
export function endpointUrl(base: URL, path: string): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/+$/, "")}${path}`;
  return url;
}

/** A URL as it may be shown: without what can be secret in it. */
export function describeUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
