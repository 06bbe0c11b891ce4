import type { IncomingMessage, ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { SyncServer } from "./sync-server.js";

/**
 * A listener for `http.createServer`. Changes nothing global and claims every request. The server compares the whole
 * path (`/pull-updates`, `/v2/pipeline`): mounted below a prefix, take that off `request.url` first.
 */
export function toNodeListener(
  server: SyncServer,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return getRequestListener(
    async (request, { outgoing }) => cutOffOnFailure(await server.fetch(request), () => outgoing.destroy()),
    { overrideGlobalObjects: false },
  );
}

/**
 * A body that fails half-way cuts the connection, so that the client sees that it is not whole. Left to the adapter, the
 * failure would be written to the console, and its text into the body.
 */
function cutOffOnFailure(response: Response, cutOff: () => void): Response {
  if (response.body === null) return response;
  const reader = response.body.getReader();
  // A client that has stopped reading asks for nothing any more, and would not find out.
  reader.closed.catch(cutOff);
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch {
          cutOff();
          // The adapter cancels the stream when it sees the connection closed; until then it must not see a failure.
          await new Promise(() => {});
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return new Response(body, response);
}
