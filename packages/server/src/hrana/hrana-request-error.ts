/** What an answer to a failed pipeline has beside its text. */
export interface HranaRequestErrorOptions {
  /** With a code the answer is JSON, without one it is plain text. */
  readonly code?: string;
  /** HTTP status. Default 400. */
  readonly status?: number;
  /** What the operator is told beside it; the client is not. */
  readonly cause?: unknown;
}

/**
 * A pipeline that fails as a whole: the request breaks the protocol, or its stream is gone. If it got hold of its stream
 * that is closed and rolled back; what it committed before stays. A request that cannot be parsed names no stream: the
 * one it was meant for is left to its idle time-out.
 */
export class HranaRequestError extends Error {
  override readonly name = "HranaRequestError";
  readonly code: string | undefined;
  readonly status: number;

  constructor(message: string, { code, status = 400, cause }: HranaRequestErrorOptions = {}) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
    this.status = status;
  }
}
