import type { IncomingMessage, ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { checkPrefix, withoutPrefix } from "./http/mount-prefix.js";
import type { SyncServer } from "./sync-server.js";

/** Options of `toNodeListener`. */
export interface NodeListenerOptions {
  /**
   * The path below which the server is mounted, such as `/sync`: it is taken off, and requests for any other path are
   * not the server's. Not needed where a framework takes it off already, as Express does for `app.use("/sync", …)`.
   */
  readonly prefix?: string;
  /** Who asks, as limits count it. Default: the address of the other end of the connection, which may be a proxy's. */
  readonly remoteAddress?: (request: IncomingMessage) => string | undefined;
}

/**
 * Answers one request of `node:http`. A request for a path that is not below the prefix is left to `next`, untouched, or
 * answered with 404 where there is none. Never rejects.
 */
export type NodeListener = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: () => void,
) => Promise<void>;

/**
 * A listener for `http.createServer`, and a middleware for frameworks made like Express. It reads the body itself: it
 * belongs before parsers of bodies. Changes nothing global. Throws `ServerError` "invalid-option".
 */
export function toNodeListener(
  server: Pick<SyncServer, "fetch">,
  options: NodeListenerOptions = {},
): NodeListener {
  const { remoteAddress = (request) => request.socket.remoteAddress } = options;
  const prefix = checkPrefix(options.prefix ?? "");
  const answer = getRequestListener(
    async (request, { incoming, outgoing }) => {
      const context = { remoteAddress: remoteAddress(incoming as IncomingMessage) };
      return cutOffOnFailure(await server.fetch(request, context), () => outgoing.destroy());
    },
    { overrideGlobalObjects: false },
  );
  return async (request, response, next) => {
    const whole = request.url ?? "/";
    const path = withoutPrefix(whole, prefix);
    if (path === undefined) {
      if (next === undefined) refuse(response, 404, `there is nothing here outside of ${prefix}`);
      else next();
    } else if (request.readableDidRead && !("rawBody" in request)) {
      refuse(response, 500, "the body was read already: mount the sync server before whatever parses bodies");
    } else {
      // The URL is read before this returns; others who look at the request shall find it as it came.
      request.url = path;
      const answered = answer(request, response);
      request.url = whole;
      await answered;
    }
  };
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain" }).end(text);
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
