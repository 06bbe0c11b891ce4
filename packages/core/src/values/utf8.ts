/**
 * UTF-8, written out because core knows no `TextEncoder`. Lone surrogates become U+FFFD, malformed bytes too, as the
 * encoding standard asks.
 */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let length = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) {
      bytes[length++] = unit;
      continue;
    }
    let code = unit;
    if (unit >= 0xd800 && unit <= 0xdfff) {
      const next = text.charCodeAt(index + 1);
      if (unit < 0xdc00 && next >= 0xdc00 && next <= 0xdfff) {
        code = 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00);
        index++;
      } else code = 0xfffd;
    }
    if (code < 0x800) {
      bytes[length++] = 0xc0 | (code >> 6);
    } else {
      if (code < 0x10000) bytes[length++] = 0xe0 | (code >> 12);
      else {
        bytes[length++] = 0xf0 | (code >> 18);
        bytes[length++] = 0x80 | ((code >> 12) & 0x3f);
      }
      bytes[length++] = 0x80 | ((code >> 6) & 0x3f);
    }
    bytes[length++] = 0x80 | (code & 0x3f);
  }
  return bytes.slice(0, length);
}

/** Smallest code point that a sequence of 2, 3 or 4 bytes may stand for; anything lower is an overlong form. */
const SEQUENCE_MINIMUM = [0, 0, 0x80, 0x800, 0x10000];

/** The text of UTF-8 bytes. */
export function decodeUtf8(bytes: Uint8Array): string {
  const parts: string[] = [];
  let units: number[] = [];
  for (let index = 0; index < bytes.length; ) {
    const lead = bytes[index] as number;
    let length = 1;
    let code = 0xfffd;
    if (lead < 0x80) code = lead;
    else {
      const expected = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
      let value = lead & (0xff >> (expected + 1));
      while (length < expected && ((bytes[index + length] ?? 0) & 0xc0) === 0x80) {
        value = (value << 6) | ((bytes[index + length] as number) & 0x3f);
        length++;
      }
      const whole = expected > 1 && length === expected && lead < 0xf5;
      if (
        whole &&
        value >= (SEQUENCE_MINIMUM[expected] as number) &&
        !(value >= 0xd800 && value <= 0xdfff) &&
        value <= 0x10ffff
      ) {
        code = value;
      }
    }
    index += length;
    if (code < 0x10000) units.push(code);
    else units.push(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff));
    if (units.length >= 4096) {
      parts.push(String.fromCharCode(...units));
      units = [];
    }
  }
  parts.push(String.fromCharCode(...units));
  return parts.join("");
}
