import {
  frameGrpcMessage,
  GRPC_OK_TRAILERS,
  GRPC_STATUS,
  grpcFailureHeaders,
  readGrpcMessage,
  WireError,
} from "@tributary/wire";
import { describe, expect, test } from "vitest";

describe("a message of gRPC-web", () => {
  test("has five bytes before it, as the real client sends it", () => {
    // Hello of libsql 0.9.30.
    expect(readGrpcMessage(Uint8Array.of(0, 0, 0, 0, 2, 8, 1))).toEqual(Uint8Array.of(8, 1));
    expect(frameGrpcMessage(Uint8Array.of(8, 1))).toEqual(Uint8Array.of(0, 0, 0, 0, 2, 8, 1));
    const long = new Uint8Array(70_000).fill(7);
    expect([...frameGrpcMessage(long).subarray(0, 5)]).toEqual([0, 0, 1, 0x11, 0x70]);
    expect(readGrpcMessage(frameGrpcMessage(long))).toEqual(long);
    expect(readGrpcMessage(Uint8Array.of(0, 0, 0, 0, 0))).toHaveLength(0);
  });

  test.each([
    ["truncated", [0, 0, 0, 0]],
    ["truncated", [0, 0, 0, 0, 2, 8]],
    ["truncated", [0, 0xff, 0xff, 0xff, 0xff, 8]],
    ["malformed", [0, 0, 0, 0, 1, 8, 1]],
    ["malformed", [2, 0, 0, 0, 1, 8]],
    ["malformed", [0x80, 0, 0, 0, 1, 8]],
    ["unsupported", [1, 0, 0, 0, 1, 8]],
  ] as const)("%s: %j", (code, bytes) => {
    expect(() => readGrpcMessage(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code }));
    expect(() => readGrpcMessage(Uint8Array.from(bytes))).toThrow(WireError);
  });
});

test("trailers end a body that went well", () => {
  expect(new TextDecoder("latin1").decode(GRPC_OK_TRAILERS)).toBe("\u0080\0\0\0\u000fgrpc-status:0\r\n");
});

test("a failure is told in headers, percent-encoded", () => {
  expect(grpcFailureHeaders(GRPC_STATUS.failedPrecondition, "NEED_SNAPSHOT")).toEqual({
    "grpc-status": "9",
    "grpc-message": "NEED_SNAPSHOT",
  });
  expect(grpcFailureHeaders(GRPC_STATUS.internal, "100 % ü\r\n~")["grpc-message"]).toBe(
    "100 %25 %C3%BC%0D%0A~",
  );
});
