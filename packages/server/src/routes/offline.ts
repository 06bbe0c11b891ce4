import { FRAME_SIZE } from "@tributary/core";
import { stringifyPushAnswer } from "@tributary/wire";
import { allows } from "../access/access.js";
import type { HttpResponse } from "../http/http-response.js";
import { readBody } from "../http/read-body.js";
import { RequestError } from "../http/request-error.js";
import { jsonResponse } from "../http/text-response.js";
import { withHeaders } from "../http/with-headers.js";
import { libsqlOptionsOf } from "../libsql-options.js";
import type { MergeOutcome, MergeWork } from "../offline/merge-work.js";
import type { FrameRange } from "../offline/offline-replicas.js";
import { type OfflinePath, parseOfflinePath } from "./offline-path.js";
import type { RouteContext } from "./route-context.js";

/** Trap: two replicas that get one generation from a cache have one branch, and each gets pages that fit the other one. */
const NOT_CACHED = { "cache-control": "no-store" };

/** `GET /info`: the generation that a new replica begins with. */
export async function answerInfo(context: RouteContext): Promise<HttpResponse> {
  const { options, lease, isDeviceInUrl } = context;
  if (!isDeviceInUrl && libsqlOptionsOf(options, lease.name).probe === "embedded") {
    throw new RequestError(
      404,
      "this database is served to embedded replicas: for an offline one, add /device/<name> to the URL",
    );
  }
  const generation = await lease.database.offline.info(deviceOf(context));
  return withHeaders(jsonResponse(200, JSON.stringify({ current_generation: generation })), NOT_CACHED);
}

/** `GET /export/{generation}`: the database as a file, as it was when the generation began. */
export async function answerExport(context: RouteContext): Promise<HttpResponse> {
  const { generation } = pathOf(context, "export", 404);
  // A page could have copies made of a database that it may not read: it does not say where it is from for an image.
  if (context.request.header("sec-fetch-site") === "cross-site")
    throw new RequestError(403, "downloads for pages of others are not allowed");
  const letGo = context.hold();
  try {
    const { offline } = context.lease.database;
    const { length, body } = await offline.openImage(deviceOf(context), generation, letGo);
    return imageResponse(length, body);
  } catch (error) {
    letGo();
    throw error;
  }
}

/**
 * `GET /sync/{generation}/{start}/{end}`: frames, the end exclusive. 400 means that the generation ends here, and nothing else:
 * the client reads its body as such.
 */
export async function answerPull(context: RouteContext): Promise<HttpResponse> {
  const { range, baton } = pathOf(context, "sync", 404);
  if (baton !== undefined) throw new RequestError(404, "nothing is pulled with a baton");
  const pulled = await context.lease.database.offline.pull(range);
  if (pulled.type === "end")
    return withHeaders(jsonResponse(400, JSON.stringify({ generation: pulled.generation })), NOT_CACHED);
  return imageResponse(pulled.body.length, pulled.body);
}

/** `POST /sync/{generation}/{start}/{end}[/{baton}]`: as many frames, the end exclusive. */
export async function answerPush(context: RouteContext): Promise<HttpResponse> {
  const { range, baton } = pathOf(context, "sync", 400);
  if (!allows(context.access, "write"))
    throw new RequestError(403, "whoever pushes needs write access to the database");
  const body = await readFrames(context, range);
  const answer = await context.lease.database.offline.push(range, {
    baton,
    body,
    merge: (work) => merge(context, work),
  });
  return jsonResponse(200, stringifyPushAnswer(answer));
}

async function readFrames({ request, bodyLimits }: RouteContext, range: FrameRange): Promise<Uint8Array> {
  const length = (range.end - range.start) * FRAME_SIZE;
  const mismatch = (found: number): RequestError =>
    new RequestError(
      400,
      `${found} bytes are not the ${range.end - range.start} frames that the path says, of ${FRAME_SIZE} bytes each: ` +
        "pages must have 4096 bytes",
    );
  const announced = request.header("content-length");
  if (announced !== undefined && Number(announced) !== length) throw mismatch(Number(announced));
  const body = await readBody(request, { ...bodyLimits, maxBytes: length });
  if (body.length !== length) throw mismatch(body.length);
  return body;
}

/** On a stream of its own: nothing of what a merge needs is left to anybody else. */
async function merge({ workers, lease }: RouteContext, work: MergeWork): Promise<MergeOutcome> {
  const stream = await workers.open(lease.database, false, () => {});
  lease.onRemoved = () => stream.close();
  try {
    return await stream.merge(work);
  } finally {
    lease.onRemoved = undefined;
    stream.close();
  }
}

/** Whose changes are merged; undefined: strict mode. */
function deviceOf({ options, lease, device }: RouteContext): string | undefined {
  return libsqlOptionsOf(options, lease.name).offline === "strict" ? undefined : device;
}

/** Throws `RequestError` with that status if it is malformed. */
function pathOf<Type extends OfflinePath["type"]>(
  { pathname }: RouteContext,
  type: Type,
  status: number,
): Extract<OfflinePath, { type: Type }> {
  const path = parseOfflinePath(pathname);
  if (typeof path === "string") throw new RequestError(status, path);
  if (path.type !== type) throw new Error(`${pathname} is no path of ${type}`);
  return path as Extract<OfflinePath, { type: Type }>;
}

/** Pages or frames, of so many bytes. */
function imageResponse(length: number, body: NonNullable<HttpResponse["body"]>): HttpResponse {
  const headers = {
    ...NOT_CACHED,
    "content-type": "application/octet-stream",
    "content-length": String(length),
  };
  return { status: 200, headers, body };
}
