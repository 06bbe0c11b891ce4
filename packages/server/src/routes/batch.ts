import { BATCH_CONTENT_TYPE } from "@tributary/wire";
import { checkContent } from "../http/check-origin.js";
import type { HttpResponse } from "../http/http-response.js";
import { readBody } from "../http/read-body.js";
import { bytesResponse } from "../http/text-response.js";
import type { RouteContext } from "./route-context.js";
import { whenAbandoned } from "./when-abandoned.js";

/** `POST /batch`: one batch of the live protocol, on a stream of its own that ends with it. */
export async function answerBatch(context: RouteContext): Promise<HttpResponse> {
  const { request, workers, lease, access } = context;
  checkContent(request, BATCH_CONTENT_TYPE);
  const body = await readBody(request, context.bodyLimits);
  const stream = await workers.open(lease.database, access === "read", () => {});
  lease.onRemoved = () => stream.close();
  const hasGone = whenAbandoned(context, () => stream.close());
  try {
    const results = await stream.runLive({ body, isContinued: false }, true);
    return bytesResponse(BATCH_CONTENT_TYPE, results);
  } finally {
    hasGone();
    lease.onRemoved = undefined;
    stream.close();
  }
}
