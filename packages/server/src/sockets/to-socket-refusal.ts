import { HranaRequestError } from "../hrana/hrana-request-error.js";
import { RequestError } from "../http/request-error.js";
import { ServerError } from "../server-error.js";
import { SocketRefusal } from "./socket-refusal.js";

/** What a client is told of the failure of a stream; undefined where it is told nothing, as that is no fault of the request. */
export function toSocketRefusal(error: unknown): SocketRefusal | undefined {
  if (error instanceof SocketRefusal) return error;
  if (error instanceof HranaRequestError && error.code !== undefined) {
    return new SocketRefusal(error.message, error.code);
  }
  // The codes are those of answers over HTTP.
  if (error instanceof ServerError) return new SocketRefusal(error.message, error.code);
  if (error instanceof RequestError) return new SocketRefusal(error.message, error.code ?? "FORBIDDEN");
  return undefined;
}
