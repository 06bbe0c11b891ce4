import { GRPC_STATUS, type GrpcStatus, grpcFailureHeaders } from "@tributary/wire";
import { toRequestError } from "../http/failure-response.js";
import type { HttpRequest } from "../http/http-request.js";
import type { HttpResponse } from "../http/http-response.js";
import { withHeaders } from "../http/with-headers.js";
import { ServerError } from "../server-error.js";
import { GrpcError } from "./grpc-error.js";

/** The media type of gRPC-web in its binary form, with and without the name of the messages. */
const GRPC_WEB = /^application\/grpc-web(?:\+proto)?\s*(?:;|$)/i;

const STATUS_OF_HTTP: Readonly<Record<number, GrpcStatus>> = {
  400: GRPC_STATUS.invalidArgument,
  401: GRPC_STATUS.unauthenticated,
  403: GRPC_STATUS.permissionDenied,
  404: GRPC_STATUS.unimplemented,
  405: GRPC_STATUS.unimplemented,
  408: GRPC_STATUS.deadlineExceeded,
  409: GRPC_STATUS.failedPrecondition,
  413: GRPC_STATUS.resourceExhausted,
  415: GRPC_STATUS.invalidArgument,
  429: GRPC_STATUS.resourceExhausted,
  503: GRPC_STATUS.unavailable,
};

/** Whether a request is a call of gRPC-web. */
export function isGrpcCall(request: Pick<HttpRequest, "header">): boolean {
  return GRPC_WEB.test(request.header("content-type") ?? "");
}

/**
 * Adds to the answer to a failed call what a client of gRPC reads of it. The HTTP status stays: gRPC's clients do not look at
 * it where there is one of theirs, and proxies and reports know no other.
 */
export function withGrpcFailure(
  response: HttpResponse,
  error: unknown,
  request: Pick<HttpRequest, "url">,
): HttpResponse {
  const { status, message } = toGrpcError(error, isHello(request));
  return withHeaders(response, grpcFailureHeaders(status, message));
}

/** Of its failures the client tells nothing, and tries again for some seconds, but for the one that it knows by its text. */
function isHello({ url }: Pick<HttpRequest, "url">): boolean {
  return url.pathname.endsWith("/wal_log.ReplicationLog/Hello");
}

function toGrpcError(error: unknown, isOfHello: boolean): GrpcError {
  if (error instanceof GrpcError) return error;
  const { status, message, code } = toRequestError(error);
  const isNoName = isOfHello && (status === 404 || code === "invalid-name");
  if (isNoName || (error instanceof ServerError && error.code === "no-such-database"))
    return new GrpcError(GRPC_STATUS.failedPrecondition, "NAMESPACE_DOESNT_EXIST", error);
  return new GrpcError(STATUS_OF_HTTP[status] ?? GRPC_STATUS.internal, message, error);
}
