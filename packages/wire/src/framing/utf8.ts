// Every platform that this package runs on has these, but the language itself does not know them.
declare const TextEncoder: new () => {
  encode(text: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, target: Uint8Array): { readonly written: number };
};
declare const TextDecoder: new (
  label: "utf-8",
  options: { readonly fatal: true; readonly ignoreBOM: true },
) => { decode(bytes: Uint8Array): string };

import { WireError } from "../wire-error.js";

const ENCODER = new TextEncoder();
// A byte order mark is a character of the text: it is data.
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Below it a loop is faster than the call of the platform. */
const SHORT = 48;

/** Lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return ENCODER.encode(text);
}

/** Writes into bytes that have room for three times the length of the text, and gives how many were written. */
export function writeUtf8(text: string, target: Uint8Array, offset: number): number {
  if (text.length < SHORT) {
    let index = 0;
    while (index < text.length) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) break;
      target[offset + index] = code;
      index++;
    }
    if (index === text.length) return index;
  }
  return ENCODER.encodeInto(text, target.subarray(offset)).written;
}

/** Throws `WireError` `malformed` where the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return DECODER.decode(bytes);
  } catch (error) {
    throw new WireError("malformed", "not UTF-8", { cause: error });
  }
}
