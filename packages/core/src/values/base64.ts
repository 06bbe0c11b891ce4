const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const CODES = Uint8Array.from(DIGITS, (digit) => digit.charCodeAt(0));
const PADDING = "=".charCodeAt(0);
const NO_DIGIT = 0xff;
const VALUES = new Uint8Array(128).fill(NO_DIGIT);
CODES.forEach((code, value) => {
  VALUES[code] = value;
});
const CHUNK = 4096;

/** Base64 with padding (RFC 4648, section 4), written out because core knows no `btoa`. */
export function encodeBase64(bytes: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  let end = 0;
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const group = ((bytes[at] as number) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    codes[end++] = CODES[group >>> 18] as number;
    codes[end++] = CODES[(group >>> 12) & 63] as number;
    codes[end++] = left > 1 ? (CODES[(group >>> 6) & 63] as number) : PADDING;
    codes[end++] = left > 2 ? (CODES[group & 63] as number) : PADDING;
  }
  const parts: string[] = [];
  for (let at = 0; at < end; at += CHUNK) parts.push(String.fromCharCode(...codes.subarray(at, at + CHUNK)));
  return parts.join("");
}

/** The bytes of base64; `undefined` for what `encodeBase64` does not write: no padding, other digits, unused bits set. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const digits = text.length - padding;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let group = 0;
  let end = 0;
  for (let at = 0; at < digits; at++) {
    const value = VALUES[text.charCodeAt(at)] ?? NO_DIGIT;
    if (value === NO_DIGIT) return undefined;
    group = ((group << 6) | value) & 0xff_ffff;
    // Whole bytes are known as soon as their last digit is there.
    if (at % 4 !== 0) bytes[end++] = (group >>> (6 - 2 * (at % 4))) & 0xff;
  }
  const unused = padding === 2 ? 0xf : padding === 1 ? 0x3 : 0;
  return (group & unused) === 0 ? bytes : undefined;
}
