import { SyncError } from "@tributary/core";

/**
 * Frames on a socket that carries other traffic too: length of the tag (1 byte), tag (UTF-8), kind (1 byte), number of the
 * channel (4 bytes, big-endian), payload. Each end numbers the channels that it opens, from 1 up.
 */
export const FrameKind = {
  /** No payload. */
  open: 1,
  /** A message of the end that has opened the channel, and of the other one. */
  openerData: 2,
  acceptorData: 3,
  /** The payload is the reason, UTF-8. */
  openerClose: 4,
  acceptorClose: 5,
} as const;

export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

/** A frame, taken apart. */
export interface TaggedFrame {
  readonly kind: number;
  readonly number: number;
  /** Part of the frame. */
  readonly payload: Uint8Array;
}

const MAX_TAG_BYTES = 64;
/** Kind and number. */
const HEAD_BYTES = 5;

/** What frames of this tag begin with. Throws `SyncError` `invalid-option`. */
export function tagPrefix(tag: string): Uint8Array {
  const bytes = new TextEncoder().encode(tag);
  if (bytes.length === 0 || bytes.length > MAX_TAG_BYTES) {
    throw new SyncError("invalid-option", `a tag has 1 to ${MAX_TAG_BYTES} bytes, not ${bytes.length}`);
  }
  return Uint8Array.of(bytes.length, ...bytes);
}

/** The bytes are new. */
export function encodeFrame(
  prefix: Uint8Array,
  kind: FrameKind,
  number: number,
  payload: Uint8Array,
): Uint8Array {
  const frame = new Uint8Array(prefix.length + HEAD_BYTES + payload.length);
  frame.set(prefix);
  frame[prefix.length] = kind;
  new DataView(frame.buffer).setUint32(prefix.length + 1, number);
  frame.set(payload, prefix.length + HEAD_BYTES);
  return frame;
}

/** Whether a message begins as frames of this tag do. */
export function hasPrefix(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, index) => bytes[index] === byte);
}

/** Takes a frame apart that has the prefix; `undefined`: it is cut short. */
export function decodeFrame(bytes: Uint8Array, prefix: Uint8Array): TaggedFrame | undefined {
  const start = prefix.length;
  if (bytes.length < start + HEAD_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    kind: view.getUint8(start),
    number: view.getUint32(start + 1),
    payload: bytes.subarray(start + HEAD_BYTES),
  };
}
