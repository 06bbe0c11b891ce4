import type { IncomingMessage, ServerResponse } from "node:http";
import type { HttpRequest, RequestBody } from "./http-request.js";
import { NodeBody } from "./node-body.js";
import { webHeaders } from "./web-headers.js";

/** A request of `node:http`. What is rarely asked for is made when it is. */
export class NodeRequest implements HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: RequestBody & Pick<NodeBody, "discard">;
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  #controller: AbortController | undefined;

  /** `url`: what it is for, which the message may not say in whole. */
  constructor(message: IncomingMessage, response: ServerResponse, url: URL) {
    this.method = message.method ?? "GET";
    this.url = url;
    this.body = "rawBody" in message ? wholeBody(message.rawBody) : new NodeBody(message);
    this.#message = message;
    this.#response = response;
  }

  get signal(): AbortSignal {
    this.#controller ??= abortedWhenCut(this.#response);
    return this.#controller.signal;
  }

  header(name: string): string | undefined {
    return this.#message.headersDistinct[name]?.join(", ");
  }

  toWeb(): Request {
    return new Request(this.url, {
      method: this.method,
      headers: webHeaders(this.#message),
      signal: this.signal,
    });
  }
}

function abortedWhenCut(response: ServerResponse): AbortController {
  const controller = new AbortController();
  const onClose = (): void => {
    if (!response.writableFinished) controller.abort(new Error("the client has gone"));
  };
  if (response.destroyed) onClose();
  else response.once("close", onClose);
  return controller;
}

/** A body that the host has read already, as some do and leave it with the request. */
function wholeBody(bytes: unknown): NodeRequest["body"] {
  let rest = bytes instanceof Uint8Array ? bytes : undefined;
  return {
    next() {
      const piece = rest;
      rest = undefined;
      return piece;
    },
    cancel() {
      rest = undefined;
    },
    discard() {},
  };
}
