import { ServerError } from "../server-error.js";

/** Letters of ASCII, because a name is part of a URL, of a host name, and of a path at once. */
const PATTERN = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** First segments of paths that are the server's own: no database is behind them. */
const RESERVED: ReadonlySet<string> = new Set([
  "admin",
  "beta",
  "console",
  "dev",
  "device",
  "dump",
  "export",
  "health",
  "info",
  "metrics",
  "proxy.Proxy",
  "pull-updates",
  "ready",
  "sync",
  "v1",
  "v2",
  "v3",
  "v3-protobuf",
  "version",
  "wal_log.ReplicationLog",
]);

/** What Windows takes for a device, in any directory. A data directory should survive being copied there. */
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])$/;

/** Whether a path that begins with this segment is the server's own. */
export function isReservedSegment(segment: string): boolean {
  return RESERVED.has(segment);
}

/** Whether `checkDatabaseName` would let it through. */
export function isDatabaseName(name: string): boolean {
  return PATTERN.test(name) && !RESERVED.has(name) && !DEVICE.test(name);
}

/** Gives a name back that can be one of a database. Throws `ServerError` "invalid-name". */
export function checkDatabaseName(name: string): string {
  if (isDatabaseName(name)) return name;
  if (PATTERN.test(name))
    throw new ServerError("invalid-name", `the name "${name}" is reserved: choose another`);
  throw new ServerError(
    "invalid-name",
    `${quote(name)} cannot be the name of a database: 1 to 63 of a-z, 0-9, "-" and "_", with a letter or digit first`,
  );
}

/** Whatever was sent, short and in printable characters: it ends up in logs. */
function quote(name: string): string {
  const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  return JSON.stringify(shown).replace(/[^ -~…]/g, "?");
}
