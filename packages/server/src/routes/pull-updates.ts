import type { PageSelector, PullUpdatesRequest } from "@tributary/wire";
import { decodePageSelector, decodePullUpdatesRequest, WireError } from "@tributary/wire";
import type { HttpResponse } from "../http/http-response.js";
import { readBody } from "../http/read-body.js";
import { RequestError } from "../http/request-error.js";
import { type OpenPull, openPull } from "../pages/open-pull.js";
import { createPullBody } from "../pages/pull-body.js";
import type { RouteContext } from "./route-context.js";

/** `POST /pull-updates`: the pages that changed since a revision, as of another one. */
export async function answerPullUpdates({
  request,
  lease,
  slot,
  hold,
  expiresAt = Number.POSITIVE_INFINITY,
  bodyLimits,
}: RouteContext): Promise<HttpResponse> {
  const { database } = lease;
  const body = await readBody(request, bodyLimits);
  const { pull, selector } = parse(body);
  const { clientRevision, serverRevision, longPollTimeoutMs } = pull;
  const target = { clientRevision, serverRevision, longPollTimeoutMs, isPartial: selector !== undefined };
  let opened: OpenPull;
  try {
    opened = await openPull(database, target, { request, slot, expiresAt });
  } catch (error) {
    selector?.dispose();
    throw error;
  }
  const { snapshot, changed } = opened;
  return {
    status: 200,
    headers: { "content-type": "application/protobuf" },
    body: createPullBody(database, snapshot, changed, selector, hold()),
  };
}

function parse(body: Uint8Array): { pull: PullUpdatesRequest; selector: PageSelector | undefined } {
  try {
    const pull = decodePullUpdatesRequest(body);
    if (pull.encoding === "zstd")
      throw new RequestError(400, "zstd page encoding is not supported: ask for raw pages");
    // The query selector is not evaluated: a client that names one is sent more pages than it asked for, which is fine.
    return {
      pull,
      selector: pull.pagesSelector.length === 0 ? undefined : decodePageSelector(pull.pagesSelector),
    };
  } catch (error) {
    if (error instanceof WireError) throw new RequestError(400, `malformed pull request: ${error.message}`);
    throw error;
  }
}
