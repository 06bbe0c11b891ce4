import type { IncomingMessage, ServerResponse } from "node:http";
import { Cancellation, type EndSignal } from "@tributary/live";
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
  #cut: Cancellation | undefined;

  /** `url`: what it is for, which the message may not say in whole. */
  constructor(message: IncomingMessage, response: ServerResponse, url: URL) {
    this.method = message.method ?? "GET";
    this.url = url;
    const rawBody = rawBodyOf(message);
    this.body = rawBody === undefined ? new NodeBody(message) : wholeBody(rawBody);
    this.#message = message;
    this.#response = response;
  }

  get signal(): EndSignal {
    this.#cut ??= endedWhenCut(this.#response);
    return this.#cut;
  }

  header(name: string): string | undefined {
    return this.#message.headersDistinct[name]?.join(", ");
  }

  toWeb(): Request {
    const { signal } = this;
    const controller = new AbortController();
    const onCut = (): void => controller.abort(new Error("the client has gone"));
    if (signal.aborted) onCut();
    else signal.addEventListener("abort", onCut);
    return new Request(this.url, {
      method: this.method,
      headers: webHeaders(this.#message),
      signal: controller.signal,
    });
  }
}

function endedWhenCut(response: ServerResponse): Cancellation {
  const cut = new Cancellation();
  const onClose = (): void => {
    if (!response.writableFinished) cut.abort();
  };
  if (response.destroyed) onClose();
  else response.once("close", onClose);
  return cut;
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
