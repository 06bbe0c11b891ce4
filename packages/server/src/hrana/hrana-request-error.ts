/**
 * A pipeline that fails as a whole: the request breaks the protocol, or its stream is gone. The stream is closed and
 * rolled back; what it committed before stays.
 */
export class HranaRequestError extends Error {
  override readonly name = "HranaRequestError";
  /** With a code the answer is JSON, without one it is plain text. */
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}
