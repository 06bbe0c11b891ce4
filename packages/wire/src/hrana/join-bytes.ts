import { WireError } from "../wire-error.js";

/** Parts one after the other. Throws `WireError` `too-long` where there is no memory of that size. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = allocate(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

function allocate(length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (error) {
    throw new WireError("too-long", `no memory for a message of ${length} bytes`, { cause: error });
  }
}
