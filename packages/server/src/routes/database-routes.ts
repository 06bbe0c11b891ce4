import { BATCH_PATH } from "@tributary/wire";
import { EMBEDDED_ROUTES } from "../embedded/embedded-routes.js";
import type { HttpResponse } from "../http/http-response.js";
import { RequestError } from "../http/request-error.js";
import { answerBatch } from "./batch.js";
import { answerCursor } from "./cursor.js";
import { answerExport, answerInfo, answerPull, answerPush } from "./offline.js";
import { offlineKind } from "./offline-path.js";
import { answerPipeline } from "./pipeline.js";
import { answerPullUpdates } from "./pull-updates.js";
import type { RouteContext } from "./route-context.js";

type DatabaseRoute = (context: RouteContext) => Promise<HttpResponse>;

/** What can be asked of a database, by method and path. */
const DATABASE_ROUTES: ReadonlyMap<string, DatabaseRoute> = new Map([
  ["POST /pull-updates", answerPullUpdates],
  [`POST ${BATCH_PATH}`, answerBatch],
  ["POST /v2/pipeline", (context: RouteContext) => answerPipeline(context, "json")],
  ["POST /v3/pipeline", (context: RouteContext) => answerPipeline(context, "json")],
  ["POST /v3-protobuf/pipeline", (context: RouteContext) => answerPipeline(context, "protobuf")],
  ["POST /v3/cursor", (context: RouteContext) => answerCursor(context, "json")],
  ["POST /v3-protobuf/cursor", (context: RouteContext) => answerCursor(context, "protobuf")],
  ...EMBEDDED_ROUTES,
]);

/** The same for paths with numbers in them, by method and kind. */
const OFFLINE_ROUTES: ReadonlyMap<string, DatabaseRoute> = new Map([
  ["GET info", answerInfo],
  ["GET export", answerExport],
  ["GET sync", answerPull],
  ["POST sync", answerPush],
]);

/** Who answers a request for a database. Throws `RequestError` 404, 405. */
export function findDatabaseRoute(method: string, pathname: string): DatabaseRoute {
  const kind = offlineKind(pathname);
  const route =
    kind === undefined
      ? DATABASE_ROUTES.get(`${method} ${pathname}`)
      : OFFLINE_ROUTES.get(`${method} ${kind}`);
  if (route !== undefined) return route;
  const hasOtherMethod =
    kind !== undefined || DATABASE_ROUTES.has(`POST ${pathname}`) || GREETED.has(pathname);
  throw new RequestError(hasOtherMethod ? 405 : 404, `there is no ${method} ${pathname} here`);
}

/** Where clients look which versions there are, without a token. */
export const GREETED: ReadonlySet<string> = new Set(
  ["/v2", "/v3", "/v3-protobuf"].flatMap((path) => [path, `${path}/`]),
);

const KNOWN: ReadonlySet<string> = new Set([
  ...[...DATABASE_ROUTES.keys()].map((key) => key.slice("POST ".length)),
  ...GREETED,
  "/health",
  "/ready",
  "/version",
  "/admin/status",
  "/admin/databases",
]);

const OFFLINE_NAMES = { info: "/info", export: "/export/:generation", sync: "/sync/:generation" } as const;

/** The path as reports have it: few different ones, whatever is sent. */
export function routeName(pathname: string): string {
  if (KNOWN.has(pathname)) return pathname;
  const kind = offlineKind(pathname);
  if (kind !== undefined) return OFFLINE_NAMES[kind];
  const match = /^\/admin\/databases\/[^/]*(\/(?:fork|export|verify))?$/.exec(pathname);
  return match === null ? "other" : `/admin/databases/:name${match[1] ?? ""}`;
}
