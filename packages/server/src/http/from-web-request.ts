import type { HttpRequest, RequestBody } from "./http-request.js";

/** A request that came as the web has it. */
export function fromWebRequest(request: Request): HttpRequest {
  return new WebRequest(request);
}

class WebRequest implements HttpRequest {
  readonly #request: Request;
  readonly method: string;
  readonly url: URL;
  readonly body: RequestBody | undefined;

  constructor(request: Request) {
    this.#request = request;
    this.method = request.method;
    this.url = new URL(request.url);
    this.body = request.body === null ? undefined : new WebBody(request.body, request.signal);
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }

  header(name: string): string | undefined {
    return this.#request.headers.get(name) ?? undefined;
  }

  toWeb(): Request {
    return this.#request;
  }
}

class WebBody implements RequestBody {
  readonly #stream: ReadableStream<Uint8Array>;
  readonly #signal: AbortSignal;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

  constructor(stream: ReadableStream<Uint8Array>, signal: AbortSignal) {
    this.#stream = stream;
    this.#signal = signal;
  }

  next(): Promise<Uint8Array | undefined> {
    const signal = this.#signal;
    if (signal.aborted) return Promise.reject(signal.reason);
    this.#reader ??= this.#stream.getReader();
    const read = this.#reader.read();
    return new Promise((resolve, reject) => {
      // The body need not fail where the request is given up.
      const onAbort = (): void => reject(signal.reason);
      signal.addEventListener("abort", onAbort);
      read
        .then(({ done, value }) => resolve(done ? undefined : value), reject)
        .finally(() => signal.removeEventListener("abort", onAbort));
    });
  }

  cancel(): void {
    this.#reader ??= this.#stream.getReader();
    // Not waited for: a source that never ends its cancelling must not hold up the answer. One that fails was done with.
    this.#reader.cancel().catch(() => {});
  }
}
