/**
 * What is wrong with the bytes or the text: `malformed`: not a message of the protocol; `too-long`: longer than the
 * limit; `too-many`: it asks for more than the limit; `truncated`: it ends too early; `unsupported`: a message of the
 * protocol that this version cannot carry.
 */
export type WireErrorCode = "malformed" | "too-long" | "too-many" | "truncated" | "unsupported";

/** The one error of this package: whatever comes in, a decoder gives a value or throws this. */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly code: WireErrorCode;

  constructor(code: WireErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
  }
}
