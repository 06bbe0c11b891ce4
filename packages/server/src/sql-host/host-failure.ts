import { WireError } from "@tributary/wire";
import { HranaRequestError } from "../hrana/hrana-request-error.js";
import { ServerError } from "../server-error.js";
import type { HostFailure } from "./host-messages.js";

/** An error as data, for another process. */
export function toHostFailure(error: unknown): HostFailure {
  if (error instanceof HranaRequestError) {
    return { type: "request", message: error.message, code: error.code, status: error.status };
  }
  if (error instanceof WireError) {
    return { type: "request", message: error.message, code: undefined, status: 400 };
  }
  if (error instanceof ServerError) return { type: "server", message: error.message, code: error.code };
  if (!(error instanceof Error)) return { type: "internal", message: String(error), stack: undefined };
  return { type: "internal", message: error.message, stack: error.stack };
}

/** The error again. */
export function fromHostFailure(failure: HostFailure): Error {
  switch (failure.type) {
    case "request": {
      const { message, code, status } = failure;
      return new HranaRequestError(message, code === undefined ? { status } : { code, status });
    }
    case "server":
      return new ServerError(failure.code, failure.message);
    default: {
      const error = new Error(failure.message);
      if (failure.stack !== undefined) error.stack = failure.stack;
      return error;
    }
  }
}
