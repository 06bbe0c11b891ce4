import { answerCursor } from "./cursor.js";
import { answerPipeline } from "./pipeline.js";
import { answerPullUpdates } from "./pull-updates.js";
import type { RouteContext } from "./route-context.js";

/** What can be asked of a database, by method and path. */
export const DATABASE_ROUTES: ReadonlyMap<string, (context: RouteContext) => Promise<Response>> = new Map([
  ["POST /pull-updates", answerPullUpdates],
  ["POST /v2/pipeline", (context: RouteContext) => answerPipeline(context, "json")],
  ["POST /v3/pipeline", (context: RouteContext) => answerPipeline(context, "json")],
  ["POST /v3-protobuf/pipeline", (context: RouteContext) => answerPipeline(context, "protobuf")],
  ["POST /v3/cursor", (context: RouteContext) => answerCursor(context, "json")],
  ["POST /v3-protobuf/cursor", (context: RouteContext) => answerCursor(context, "protobuf")],
]);

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

/** The path as reports have it: few different ones, whatever is sent. */
export function routeName(pathname: string): string {
  if (KNOWN.has(pathname)) return pathname;
  const match = /^\/admin\/databases\/[^/]*(\/(?:fork|export|verify))?$/.exec(pathname);
  return match === null ? "other" : `/admin/databases/:name${match[1] ?? ""}`;
}
