import { WireError } from "../wire-error.js";
import {
  CONTAINER_SPAN,
  MAX_CONTAINERS,
  NO_OFFSETS_BELOW,
  PLAIN_COOKIE,
  RUN_COOKIE,
} from "./roaring-format.js";

/**
 * The page ids from `from` up to, not including, `to`, as the Roaring bitmap of a pull request. Runs only, so it stays
 * small: some 14 bytes for each 65 536 pages. Throws `WireError` `unsupported` for no range of 32-bit ids.
 */
export function encodePageRange(from: number, to: number): Uint8Array {
  if (
    !Number.isInteger(from) ||
    !Number.isInteger(to) ||
    from < 0 ||
    to < from ||
    to > CONTAINER_SPAN * MAX_CONTAINERS
  ) {
    throw new WireError("unsupported", `no range of page ids: ${from} to ${to}`);
  }
  if (from === to) return emptyBitmap();
  const firstKey = Math.floor(from / CONTAINER_SPAN);
  const count = Math.floor((to - 1) / CONTAINER_SPAN) - firstKey + 1;
  const flagBytes = (count + 7) >> 3;
  const offsetsAt = 4 + flagBytes + 4 * count;
  const containersAt = offsetsAt + (count < NO_OFFSETS_BELOW ? 0 : 4 * count);
  const bytes = new Uint8Array(containersAt + CONTAINER_BYTES * count);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, RUN_COOKIE, true);
  view.setUint16(2, count - 1, true);
  for (let index = 0; index < count; index++) {
    const start = (firstKey + index) * CONTAINER_SPAN;
    const first = Math.max(from - start, 0);
    const last = Math.min(to - start, CONTAINER_SPAN) - 1;
    const container = containersAt + CONTAINER_BYTES * index;
    bytes[4 + (index >> 3)] = (bytes[4 + (index >> 3)] as number) | (1 << (index & 7));
    view.setUint16(4 + flagBytes + 4 * index, firstKey + index, true);
    view.setUint16(4 + flagBytes + 4 * index + 2, last - first, true);
    if (count >= NO_OFFSETS_BELOW) view.setUint32(offsetsAt + 4 * index, container, true);
    view.setUint16(container, 1, true);
    view.setUint16(container + 2, first, true);
    view.setUint16(container + 4, last - first, true);
  }
  return bytes;
}

/** A count of one run, its start, its length less one. */
const CONTAINER_BYTES = 6;

function emptyBitmap(): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(0, PLAIN_COOKIE, true);
  return bytes;
}
