import { WireError } from "../wire-error.js";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** Two characters for every 12 bits. */
const PAIRS: readonly string[] = Array.from(
  { length: 4096 },
  (_, bits) => `${ALPHABET[bits >> 6]}${ALPHABET[bits & 63]}`,
);
/** Value of each character code; 255: not of the alphabet. */
const VALUES: Uint8Array = new Uint8Array(128).fill(255);
for (let index = 0; index < 64; index++) VALUES[ALPHABET.charCodeAt(index)] = index;

/** Base64 in the standard alphabet, without padding. */
export function encodeBase64(bytes: Uint8Array): string {
  const whole = bytes.length - (bytes.length % 3);
  let text = "";
  for (let index = 0; index < whole; index += 3) {
    const first = bytes[index] as number;
    const second = bytes[index + 1] as number;
    const third = bytes[index + 2] as number;
    text += (PAIRS[(first << 4) | (second >> 4)] as string) + (PAIRS[((second & 15) << 8) | third] as string);
  }
  if (bytes.length - whole === 1) text += PAIRS[(bytes[whole] as number) << 4];
  if (bytes.length - whole === 2) {
    const second = bytes[whole + 1] as number;
    text += (PAIRS[((bytes[whole] as number) << 4) | (second >> 4)] as string) + ALPHABET[(second & 15) << 2];
  }
  return text;
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
