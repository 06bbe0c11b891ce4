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
    const rawBody = rawBodyOf(message);
    this.body = rawBody === undefined ? new NodeBody(message) : wholeBody(rawBody);
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

/** What the host has read of a body already and left with the request, as some do; undefined where it left no bytes. */
export function rawBodyOf(message: IncomingMessage): Uint8Array | undefined {
  return "rawBody" in message && message.rawBody instanceof Uint8Array ? message.rawBody : undefined;
}

function wholeBody(bytes: Uint8Array): NodeRequest["body"] {
  let rest: Uint8Array | undefined = bytes;
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
