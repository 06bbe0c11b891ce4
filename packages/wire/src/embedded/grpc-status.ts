import { encodeUtf8 } from "../framing/utf8.js";

/** Codes of gRPC that are used here: https://grpc.io/docs/guides/status-codes. */
export const GRPC_STATUS = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** One of them. */
export type GrpcStatus = (typeof GRPC_STATUS)[keyof typeof GRPC_STATUS];

/** The headers of an answer that is nothing but a failure. The text is percent-encoded, as the protocol wants it. */
export function grpcFailureHeaders(status: GrpcStatus, text: string): Readonly<Record<string, string>> {
  return { "grpc-status": String(status), "grpc-message": percentEncode(text) };
}

/** All bytes but printable ASCII, and the percent sign. */
function percentEncode(text: string): string {
  let encoded = "";
  for (const byte of encodeUtf8(text)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}
