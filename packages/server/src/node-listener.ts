import type { IncomingMessage, ServerResponse } from "node:http";
import { checkPrefix, withoutPrefix } from "./http/mount-prefix.js";
import { NodeRequest, rawBodyOf } from "./http/node-request.js";
import { requestUrl } from "./http/request-url.js";
import { sendResponse } from "./http/send-response.js";
import { tellOfClose } from "./http/tell-of-close.js";
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
  server: Pick<SyncServer, "answer">,
  options: NodeListenerOptions = {},
): NodeListener {
  const { remoteAddress = (request) => request.socket.remoteAddress } = options;
  const prefix = checkPrefix(options.prefix ?? "");
  return async (message, response, next) => {
    const path = withoutPrefix(message.url ?? "/", prefix);
    if (path === undefined) {
      if (next === undefined) refuse(response, 404, `there is nothing here outside of ${prefix}`);
      else next();
      return;
    }
    if (message.readableDidRead && rawBodyOf(message) === undefined) {
      return refuse(
        response,
        500,
        "the body was read already: mount the sync server before whatever parses bodies",
      );
    }
    // The web has no such requests, which `authorize` may want to look at.
    if (message.method === "TRACE") return refuse(response, 405, "there is no TRACE here");
    tellOfClose(response, message.socket);
    const url = requestUrl(message, path);
    if (url === undefined) return refuse(response, 400, "the host or the path is malformed");
    const request = new NodeRequest(message, response, url);
    const answer = await server.answer(request, { remoteAddress: remoteAddress(message) });
    await sendResponse(answer, response);
    request.body.discard();
  };
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain" }).end(text);
}
