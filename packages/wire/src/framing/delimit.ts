import { varintSize, writeVarint } from "./varint.js";

/** A message with its length before it, as a varint. */
export function delimit(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(varintSize(message.length) + message.length);
  bytes.set(message, writeVarint(bytes, 0, message.length));
  return bytes;
}
