import { isLoopback, parseListenAddress } from "../listen-address.js";
import { flagOf } from "./option-names.js";
import type { OptionKey, OptionValues } from "./option-table.js";

/**
 * What is wrong with the options beside each other. `given` has those that somebody gave, well or not, and where: what is
 * wrong by itself is not told a second time.
 */
export function checkTogether(values: OptionValues, given: ReadonlyMap<OptionKey, string>): string[] {
  const mistakes: string[] = [];
  const nameOf = (key: OptionKey): string => given.get(key) ?? flagOf(key);
  const needs = (key: OptionKey, needed: OptionKey): void => {
    if (given.has(key) && values[key] !== false && !given.has(needed))
      mistakes.push(`${nameOf(key)} needs ${flagOf(needed)} as well`);
  };
  if (given.has("db") && given.has("data"))
    mistakes.push(`${nameOf("db")} and ${nameOf("data")} are both given: one file, or a directory of many`);
  if (!given.has("db") && !given.has("data"))
    mistakes.push(
      "nothing says what to serve: give --db FILE for one database, or --data DIRECTORY for many",
    );
  if (given.has("db") && !given.has("data")) {
    needs("createOnUse", "data");
    needs("domain", "data");
    needs("libsqlStrictDatabases", "data");
    needs("libsqlEmbeddedDatabases", "data");
  }
  needs("tlsCert", "tlsKey");
  needs("tlsKey", "tlsCert");
  needs("authJwtIssuer", "authJwtKey");
  needs("authJwtAudience", "authJwtKey");
  needs("authJwtRequireExpiry", "authJwtKey");
  if (given.has("authTokenFile") && given.has("authTokens"))
    mistakes.push(`${nameOf("authTokenFile")} and ${nameOf("authTokens")} are both given: give one`);
  const { snapshotRetentionSize, walLimit } = values;
  if (snapshotRetentionSize !== undefined && walLimit !== undefined && snapshotRetentionSize < walLimit)
    mistakes.push(`${nameOf("snapshotRetentionSize")} must be no less than ${nameOf("walLimit")}`);
  const { requestTimeout, headerTimeout } = values;
  if (
    requestTimeout !== undefined &&
    requestTimeout > 0 &&
    headerTimeout !== undefined &&
    requestTimeout < headerTimeout
  )
    mistakes.push(`${nameOf("requestTimeout")} must be no less than ${nameOf("headerTimeout")}, or 0`);
  if (isOpenToOthers(values) && !hasAuth(given) && !given.has("allowAnonymous")) {
    mistakes.push(
      `${nameOf("listen")} ${values.listen} can be reached from other machines, and nothing says who may do what: give ` +
        "--auth-token-file or --auth-jwt-key; or --allow-anonymous write (or read) if everybody may",
    );
  }
  return mistakes;
}

function isOpenToOthers({ listen }: OptionValues): boolean {
  return listen !== undefined && !isLoopback(parseListenAddress(listen).host);
}

function hasAuth(given: ReadonlyMap<OptionKey, string>): boolean {
  return given.has("authTokenFile") || given.has("authTokens") || given.has("authJwtKey");
}
