import { findBaton, type HranaFormat, joinPipelineResponse, WireError } from "@tributary/wire";
import { HranaRequestError } from "../hrana/hrana-request-error.js";
import { checkJsonContent } from "../http/check-origin.js";
import type { HttpResponse } from "../http/http-response.js";
import { readBody } from "../http/read-body.js";
import { encodedResponse } from "../http/text-response.js";
import type { RouteContext } from "./route-context.js";
import { whenAbandoned } from "./when-abandoned.js";

/** `POST /v2/pipeline`, `/v3/pipeline` and `/v3-protobuf/pipeline`: Hrana over HTTP. */
export async function answerPipeline(context: RouteContext, format: HranaFormat): Promise<HttpResponse> {
  const { request, streams } = context;
  if (format === "json") checkJsonContent(request);
  const body = await readBody(request, context.bodyLimits);
  const baton = batonOf(body, format);
  const entry = await openOrResume(context, baton);
  const hasGone = whenAbandoned(context, () => streams.close(entry));
  try {
    const { results, isClosed } = await entry.stream.run({ body, bodyFormat: format, baton }, format);
    // Nobody has the baton of a client that has gone: its transaction would be in the way of others.
    const isOver = hasGone() || isClosed;
    const next = isOver ? null : streams.suspend(entry);
    if (isOver) streams.close(entry);
    return encodedResponse(joinPipelineResponse(format, { baton: next, base_url: null }, results), format);
  } catch (error) {
    hasGone();
    streams.close(entry);
    throw error;
  }
}

/** The stream that a request goes on with, or one of its own. */
export async function openOrResume(
  { streams, databases, lease, access }: RouteContext,
  baton: string | null,
): ReturnType<RouteContext["streams"]["open"]> {
  const readonly = access === "read";
  if (baton !== null) return streams.resume(baton, lease.name, readonly);
  return streams.open(databases.acquire(lease.name, false), readonly);
}

/** Throws `HranaRequestError`. */
export function batonOf(body: Uint8Array, format: HranaFormat): string | null {
  try {
    return findBaton(body, format) || null;
  } catch (error) {
    if (error instanceof WireError) throw new HranaRequestError(error.message);
    throw error;
  }
}
