import { namespaceOf } from "../embedded/namespace-of.js";
import type { HttpRequest } from "../http/http-request.js";
import type { SyncServerOptions } from "../sync-server-options.js";
import { checkDatabaseName, isReservedSegment } from "./database-name.js";
import { type DevicePath, splitDevice } from "./split-device.js";

/** What a request is for. */
export interface Address {
  /** A checked name; undefined where the server as a whole is meant. */
  readonly database: string | undefined;
  /** The device that the URL names between the database and what is asked of it, as `/device/<name>`. */
  readonly device: string | undefined;
  /** What is asked of it: begins with a slash, percent-encoded as it was sent. */
  readonly pathname: string;
}

/** The name of the only database of a server that serves one file. */
export const SINGLE_DATABASE = "default";

/**
 * Finds the database in a URL: in its host name, `<name>.<domain>`, else in the first segment of its path. With a single
 * file it is always that one, and the whole path counts. Throws `ServerError` "invalid-name".
 */
export function findAddress(
  request: Pick<HttpRequest, "url" | "header">,
  { path, domain }: Pick<SyncServerOptions, "path" | "dataDirectory" | "domain">,
): Address {
  const { hostname, pathname } = request.url;
  if (path !== undefined) return { database: SINGLE_DATABASE, ...readPath(pathname) };
  const label = domain === undefined ? undefined : labelOf(hostname, domain);
  if (label !== undefined) return { database: checkDatabaseName(label), ...readPath(pathname) };
  // The parsed URL has no dot segments left, encoded or not. Other escapes are no part of any name, and refused.
  const end = pathname.indexOf("/", 1);
  const segment = end === -1 ? pathname.slice(1) : pathname.slice(1, end);
  if (pathname === "/" || isReservedSegment(segment))
    return {
      database: isEmbeddedService(segment) ? namespaceOf(request) : undefined,
      device: undefined,
      pathname,
    };
  return { database: checkDatabaseName(segment), ...readPath(end === -1 ? "/" : pathname.slice(end)) };
}

/** Whether it is what embedded replicas ask for: they name a database in a header too. */
function isEmbeddedService(segment: string): boolean {
  return segment === "wal_log.ReplicationLog" || segment === "proxy.Proxy";
}

/** Reads what is behind the database in a path. */
function readPath(path: string): DevicePath {
  const { device, pathname } = splitDevice(withOneSlash(path));
  return { device, pathname: withOneSlash(pathname) };
}

/** What clients ask for. */
const ASKED =
  "v[123]|v3-protobuf|pull-updates|device|info|export|sync|wal_log\\.ReplicationLog|proxy\\.Proxy";
const TWO_SLASHES = new RegExp(`^//(?=(?:${ASKED})(?:/|$))`);

/**
 * libSQL's clients leave out the last segment of a URL that does not end in a slash, Turso's and its offline replicas make
 * two slashes of one: so that one URL does for all, two are one before what these clients ask for. Not before what else
 * there is: a proxy may have rules about it.
 */
function withOneSlash(pathname: string): string {
  return pathname.replace(TWO_SLASHES, "/");
}

/** What stands before the domain in a host name; undefined if it is the domain itself, or another one. */
function labelOf(hostname: string, domain: string): string | undefined {
  // A host name may be written with the root's dot behind it.
  const host = hostname.endsWith(".") ? hostname.slice(0, -1) : hostname;
  return host.endsWith(`.${domain}`) ? host.slice(0, -domain.length - 1) : undefined;
}
