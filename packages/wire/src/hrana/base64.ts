import { decodeUtf8 } from "../framing/utf8.js";
import { WireError } from "../wire-error.js";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** Character code of every six bits. */
const CODES: Uint8Array = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
/** Value of each character code; 255: not of the alphabet. */
const VALUES: Uint8Array = new Uint8Array(128).fill(255);
for (let index = 0; index < 64; index++) VALUES[ALPHABET.charCodeAt(index)] = index;

/**
 * Base64 in the standard alphabet, without padding. Made as bytes: a text that is put together from pieces keeps them all
 * until it is read, which are some hundred megabytes for a blob of ten.
 */
export function encodeBase64(bytes: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil((bytes.length * 4) / 3));
  const whole = bytes.length - (bytes.length % 3);
  let offset = 0;
  for (let index = 0; index < whole; index += 3) {
    const bits =
      ((bytes[index] as number) << 16) | ((bytes[index + 1] as number) << 8) | (bytes[index + 2] as number);
    codes[offset++] = CODES[bits >> 18] as number;
    codes[offset++] = CODES[(bits >> 12) & 63] as number;
    codes[offset++] = CODES[(bits >> 6) & 63] as number;
    codes[offset++] = CODES[bits & 63] as number;
  }
  if (whole < bytes.length) {
    const bits = ((bytes[whole] as number) << 16) | ((bytes[whole + 1] ?? 0) << 8);
    codes[offset++] = CODES[bits >> 18] as number;
    codes[offset++] = CODES[(bits >> 12) & 63] as number;
    if (offset < codes.length) codes[offset] = CODES[(bits >> 6) & 63] as number;
  }
  return decodeUtf8(codes);
}

/** Base64 in the standard alphabet, with padding or without. Throws `WireError` `malformed`. */
export function decodeBase64(text: string): Uint8Array {
  const length = unpaddedLength(text);
  const bytes = new Uint8Array(Math.floor((length * 3) / 4));
  let bits = 0;
  let count = 0;
  let offset = 0;
  for (let index = 0; index < length; index++) {
    const value = VALUES[text.charCodeAt(index)] ?? 255;
    if (value === 255) throw new WireError("malformed", `not base64 at character ${index}`);
    bits = ((bits << 6) | value) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes[offset++] = bits >> count;
  }
  return bytes;
}

/** Whether `decodeBase64` can read it. */
export function isBase64(text: string): boolean {
  return BASE64.test(text) && unpadded(text) !== undefined;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function unpaddedLength(text: string): number {
  const length = unpadded(text);
  if (length === undefined) throw new WireError("malformed", "base64 of an impossible length");
  return length;
}

function unpadded(text: string): number | undefined {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  if (padding > 0 && text.length % 4 !== 0) return undefined;
  const length = text.length - padding;
  return length % 4 === 1 ? undefined : length;
}
