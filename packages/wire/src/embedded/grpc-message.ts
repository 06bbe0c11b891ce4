import { encodeUtf8 } from "../framing/utf8.js";
import { WireError } from "../wire-error.js";

// gRPC-web, binary: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md. A body is messages, and in answers the
// trailers behind them, each with a byte of flags and its length before it.

const PREFIX_BYTES = 5;
const COMPRESSED = 0x01;
const TRAILERS = 0x80;

/** A message as it stands in a body. */
export function frameGrpcMessage(message: Uint8Array): Uint8Array<ArrayBuffer> {
  return frame(0, message);
}

/** The end of a body whose call went well. */
export const GRPC_OK_TRAILERS: Uint8Array<ArrayBuffer> = frame(TRAILERS, encodeUtf8("grpc-status:0\r\n"));

/** The one message that the body of a request is: a view. Throws `WireError`. */
export function readGrpcMessage(body: Uint8Array): Uint8Array {
  if (body.length < PREFIX_BYTES)
    throw new WireError("truncated", "the body ends inside the prefix of a message");
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const flags = view.getUint8(0);
  if (flags === COMPRESSED) throw new WireError("unsupported", "the message is compressed");
  if (flags !== 0) throw new WireError("malformed", `the message has flags that none can have: ${flags}`);
  const length = view.getUint32(1);
  const found = body.length - PREFIX_BYTES;
  if (found < length) throw new WireError("truncated", `the message is ${length - found} bytes short`);
  if (found > length)
    throw new WireError("malformed", `${found - length} bytes behind the one message there is`);
  return body.subarray(PREFIX_BYTES);
}

function frame(flags: number, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(PREFIX_BYTES + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, flags);
  view.setUint32(1, content.length);
  bytes.set(content, PREFIX_BYTES);
  return bytes;
}
