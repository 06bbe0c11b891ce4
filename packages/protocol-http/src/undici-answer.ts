import type { Dispatcher } from "undici";
import type { RequestEnd, TransportResponse } from "./http-transport.js";

/** So much of a body waits to be read before the connection is held up, in bytes. */
const MOST_WAITING_BYTES = 64 * 1024;

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The answer to one request, as undici's dispatcher brings it: a stream of Node's would cost more than all else that is
 * done about a small answer. What has come is given at once.
 */
export class UndiciAnswer implements Dispatcher.DispatchHandler, TransportResponse {
  /** Settles when the answer has begun to come, or will not come. */
  readonly begun: Promise<TransportResponse>;
  status = 0;
  readonly #unlisten: () => void;
  #headers: Record<string, string | string[] | undefined> = {};
  #controller: Dispatcher.DispatchController | undefined;
  #begin: Waiting<TransportResponse> | undefined;
  readonly #parts: Uint8Array[] = [];
  #waitingBytes = 0;
  #reader: Waiting<Uint8Array | undefined> | undefined;
  /** Nothing more will come; `error`: it was to come. */
  #end: { readonly error: unknown } | undefined;

  /** `end` has not come yet. */
  constructor(end: Pick<RequestEnd, "listen">) {
    this.begun = new Promise((resolve, reject) => {
      this.#begin = { resolve, reject };
    });
    this.#unlisten = end.listen((reason) => {
      // While the request still waits for a connection there is none; it is ended as soon as there is one.
      this.#controller?.abort(reason as Error);
      this.#fail(reason);
    });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#end !== undefined) controller.abort(this.#end.error as Error);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    // Another head follows.
    if (status < 200) return;
    this.status = status;
    this.#headers = headers;
    this.#begin?.resolve(this);
  }

  onResponseData(controller: Dispatcher.DispatchController, part: Uint8Array): void {
    const reader = this.#takeReader();
    if (reader !== undefined) {
      reader.resolve(part);
      return;
    }
    this.#parts.push(part);
    this.#waitingBytes += part.length;
    if (this.#waitingBytes >= MOST_WAITING_BYTES) controller.pause();
  }

  onResponseEnd(): void {
    this.#finish({ error: undefined });
    this.#takeReader()?.resolve(undefined);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  /** HTTP/1.1 may also end a body by closing the connection, which a cut looks just like. */
  get isEndReliable(): boolean {
    return this.header("content-length") !== undefined || this.header("transfer-encoding") !== undefined;
  }

  read(): Promise<Uint8Array | undefined> | Uint8Array | undefined {
    const part = this.#parts.shift();
    if (part !== undefined) {
      this.#waitingBytes -= part.length;
      if (this.#parts.length === 0 && this.#end === undefined) this.#controller?.resume();
      return part;
    }
    if (this.#end === undefined)
      return new Promise((resolve, reject) => {
        this.#reader = { resolve, reject };
      });
    if (this.#end.error !== undefined) throw this.#end.error;
    return undefined;
  }

  discard(): void {
    if (this.#end !== undefined) return;
    const error = new Error("the answer was dropped");
    this.#fail(error);
    this.#controller?.abort(error);
  }

  #fail(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#finish({ error });
    this.#begin?.reject(error);
    this.#takeReader()?.reject(error);
  }

  #finish(end: { readonly error: unknown }): void {
    this.#end = end;
    this.#unlisten();
  }

  #takeReader(): Waiting<Uint8Array | undefined> | undefined {
    const reader = this.#reader;
    this.#reader = undefined;
    return reader;
  }
}
