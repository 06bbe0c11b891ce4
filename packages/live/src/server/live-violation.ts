/** The client breaks the protocol, or sends more than it may: the channel is closed. */
export class LiveViolation extends Error {
  override readonly name = "LiveViolation";
  readonly code: string;
  readonly status: number;

  constructor(message: string, code = "protocol-error", status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}
