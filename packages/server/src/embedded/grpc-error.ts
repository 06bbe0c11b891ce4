import type { GrpcStatus } from "@tributary/wire";

/** A call of gRPC that is answered with a status of its own. */
export class GrpcError extends Error {
  override readonly name = "GrpcError";
  readonly status: GrpcStatus;

  constructor(status: GrpcStatus, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.status = status;
  }
}
