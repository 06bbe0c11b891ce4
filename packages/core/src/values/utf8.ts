/**
 * UTF-8, written out because core knows no `TextEncoder`. Lone surrogates become U+FFFD, malformed bytes too, as the
 * encoding standard asks.
 */
export function encodeUtf8(text: string): Uint8Array {
  return encodeAscii(text) ?? encodeAny(text);
}

/** One array of the right size: most texts are ASCII, and short ones cost what their arrays cost. */
function encodeAscii(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) return undefined;
    bytes[index] = unit;
  }
  return bytes;
}

function encodeAny(text: string): Uint8Array {
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

/** The text of UTF-8 bytes. */
export function decodeUtf8(bytes: Uint8Array): string {
  const parts: string[] = [];
  let units: number[] = [];
  for (let index = 0; index < bytes.length; ) {
    const lead = bytes[index] as number;
    const expected = sequenceLength(lead);
    let code = lead & (0xff >> (expected + 1));
    let length = 1;
    // One U+FFFD for as much of a sequence as there is: the byte that cannot be part of it begins anew.
    for (; length < expected; length++) {
      const next = bytes[index + length] ?? 0;
      if (!isContinuation(next, length === 1 ? lead : 0)) break;
      code = (code << 6) | (next & 0x3f);
    }
    if (lead < 0x80) code = lead;
    else if (expected === 1 || length < expected) code = 0xfffd;
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

/** 1 for bytes that begin no sequence too. */
function sequenceLength(lead: number): number {
  if (lead < 0xc2 || lead > 0xf4) return 1;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/** Whether a byte goes on with a sequence; right behind the lead some would make an overlong form or no code point. */
function isContinuation(byte: number, lead: number): boolean {
  const smallest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const largest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  return byte >= smallest && byte <= largest;
}
