import { ProtobufWriter } from "../framing/protobuf-writer.js";
import { encodeUtf8 } from "../framing/utf8.js";
import { WireError } from "../wire-error.js";

/** Used by every encoder, one after the other: none of them calls another while it writes. */
const WRITER = new ProtobufWriter();

/** Encodes a message of protobuf. Throws `WireError` `too-long`. */
export function encodeProtobuf(write: (writer: ProtobufWriter) => void): Uint8Array<ArrayBuffer> {
  return WRITER.encode(write);
}

/** Encodes a text. Throws `WireError` `too-long` where JavaScript has no string of that length. */
export function encodeJson(stringify: () => string): Uint8Array<ArrayBuffer> {
  return encodeUtf8(limitLength(stringify));
}

/** Makes a text. Throws `WireError` `too-long` where JavaScript has no string of that length. */
export function limitLength(stringify: () => string): string {
  try {
    return stringify();
  } catch (error) {
    if (error instanceof RangeError)
      throw new WireError("too-long", "the message is too long", { cause: error });
    throw error;
  }
}
