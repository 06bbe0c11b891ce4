/** What the answer has beside its status and its text. */
export interface RequestErrorOptions {
  /** A stable code: with one the answer is JSON, without one it is plain text. */
  readonly code?: string | undefined;
  /** Headers of the answer, names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Why it failed, for the operator: the client is not told. */
  readonly cause?: unknown;
}

/** A request that is answered with an error status and a text for people. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly status: number;
  readonly code: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, { code, headers = {}, cause }: RequestErrorOptions = {}) {
    super(message, cause === undefined ? {} : { cause });
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}
