import { ServerError } from "../server-error.js";

/** A prefix of paths as it was given; empty: every path. Throws `ServerError` "invalid-option". */
export function checkPrefix(prefix: string): string {
  if (prefix === "" || /^(\/[\w.~-]+)+$/.test(prefix)) return prefix;
  throw new ServerError(
    "invalid-option",
    `The prefix ${JSON.stringify(prefix)} must be a path such as "/sync", without a slash at its end.`,
  );
}

/** The target of a request below the prefix; undefined if it is elsewhere. */
export function withoutPrefix(target: string, prefix: string): string | undefined {
  if (prefix === "") return target;
  // Proxies may be sent whole URLs.
  const origin = /^https?:\/\/[^/?#]*/i.exec(target)?.[0] ?? "";
  if (!target.startsWith(prefix, origin.length)) return undefined;
  const rest = target.slice(origin.length + prefix.length);
  if (rest === "" || rest.startsWith("?")) return `${origin}/${rest}`;
  return rest.startsWith("/") ? origin + rest : undefined;
}
