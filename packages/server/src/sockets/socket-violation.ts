/** Why a socket is closed, as RFC 6455 has it, where Hrana uses it. */
export const CloseCode = {
  goingAway: 1001,
  /** A text frame where binary ones were agreed on, or the other way round. */
  wrongFrame: 1003,
  /** A message that cannot be read. */
  invalidData: 1007,
  /** A message that is not allowed here. */
  policy: 1008,
  tooBig: 1009,
  internal: 1011,
  tryAgainLater: 1013,
} as const;

/** What a client may not do. The socket is closed for it. */
export class SocketViolation extends Error {
  override readonly name = "SocketViolation";
  readonly closeCode: number;

  constructor(message: string, closeCode: number = CloseCode.policy) {
    super(message);
    this.closeCode = closeCode;
  }
}
