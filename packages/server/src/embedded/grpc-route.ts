import { frameGrpcMessage, GRPC_OK_TRAILERS, GRPC_STATUS, readGrpcMessage, WireError } from "@tributary/wire";
import type { HttpResponse } from "../http/http-response.js";
import { PulledBody } from "../http/pulled-body.js";
import { readBody } from "../http/read-body.js";
import { RequestError } from "../http/request-error.js";
import type { RouteContext } from "../routes/route-context.js";
import { GrpcError } from "./grpc-error.js";
import { isGrpcCall, withGrpcFailure } from "./grpc-failure.js";

const HEADERS = { "content-type": "application/grpc-web+proto" };

/** One method of a service. */
export interface GrpcMethod {
  /** Longest message that it takes, bytes; undefined: as long as any request. */
  readonly maxMessageBytes: number | undefined;
  /** Gives the message of the answer, or the whole body of it where it is a stream. Rejects with `GrpcError`, `WireError` or any error of a route. */
  readonly answer: (message: Uint8Array, context: RouteContext) => Promise<Uint8Array | PulledBody>;
}

/** The route of a method, over gRPC-web: everything that is wrong with the call itself is an answer with status 200. */
export function grpcRoute({
  answer,
  maxMessageBytes,
}: GrpcMethod): (context: RouteContext) => Promise<HttpResponse> {
  return async (context) => {
    const { request, bodyLimits } = context;
    // Pages of others may send some types without being asked for permission: this is none of them.
    if (!isGrpcCall(request)) throw new RequestError(415, "the content type must be application/grpc-web");
    const maxBytes = Math.min(bodyLimits.maxBytes, maxMessageBytes ?? Number.POSITIVE_INFINITY);
    const body = await readBody(request, { ...bodyLimits, maxBytes });
    try {
      const given = await answer(readGrpcMessage(body), context);
      return given instanceof PulledBody
        ? { status: 200, headers: { ...HEADERS }, body: given }
        : wholeAnswer([frameGrpcMessage(given), GRPC_OK_TRAILERS]);
    } catch (error) {
      if (error instanceof GrpcError) return withGrpcFailure(wholeAnswer([]), error, request);
      if (!(error instanceof WireError)) throw error;
      return withGrpcFailure(
        wholeAnswer([]),
        new GrpcError(GRPC_STATUS.invalidArgument, error.message, error),
        request,
      );
    }
  };
}

function wholeAnswer(parts: readonly Uint8Array[]): HttpResponse {
  const body = Buffer.concat(parts);
  return { status: 200, headers: { ...HEADERS, "content-length": String(body.length) }, body };
}
