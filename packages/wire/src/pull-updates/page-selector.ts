import { WireError } from "../wire-error.js";
import { decodeContainer, type RoaringContainer } from "./roaring-container.js";
import {
  CONTAINER_SPAN,
  MAX_CONTAINERS,
  NO_OFFSETS_BELOW,
  PLAIN_COOKIE,
  RUN_COOKIE,
} from "./roaring-format.js";

/** A set of page ids. */
export interface PageSelector {
  /** Number of ids in the set. */
  readonly size: number;
  has(pageId: number): boolean;
  /** Ascending. */
  forEach(visit: (pageId: number) => void): void;
  /** Ascending. */
  [Symbol.iterator](): IterableIterator<number>;
  /** The selector is not used any more. Nothing has to be freed now; a caller does not need to know that. */
  dispose(): void;
}

/**
 * Reads the selector of a pull request that names one. Everything is checked here against the bytes that are there, so
 * junk costs no memory; the selector then works on these bytes, which must not be written to. Throws `WireError`.
 */
export function decodePageSelector(bytes: Uint8Array): PageSelector {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8) throw new WireError("truncated", "a page selector ends inside its header");
  const hasRuns = view.getUint16(0, true) === RUN_COOKIE;
  if (!hasRuns && view.getUint32(0, true) !== PLAIN_COOKIE)
    throw new WireError("malformed", "no Roaring bitmap");
  const count = hasRuns ? view.getUint16(2, true) + 1 : view.getUint32(4, true);
  if (count > MAX_CONTAINERS) throw new WireError("malformed", `a Roaring bitmap with ${count} containers`);
  const flagsAt = 4;
  const keysAt = hasRuns ? flagsAt + ((count + 7) >> 3) : 8;
  const hasOffsets = !hasRuns || count >= NO_OFFSETS_BELOW;
  // The containers follow one another in order, so the offsets say nothing new and are passed over.
  let offset = keysAt + (hasOffsets ? 8 : 4) * count;
  if (offset > bytes.length) throw new WireError("truncated", "a page selector ends inside its header");

  const containers: RoaringContainer[] = [];
  const keys = new Uint16Array(count);
  let size = 0;
  for (let index = 0; index < count; index++) {
    const key = view.getUint16(keysAt + 4 * index, true);
    const cardinality = view.getUint16(keysAt + 4 * index + 2, true) + 1;
    if (index > 0 && key <= (keys[index - 1] as number)) {
      throw new WireError("malformed", "the containers of a Roaring bitmap are out of order");
    }
    const isRuns = hasRuns && (((bytes[flagsAt + (index >> 3)] as number) >> (index & 7)) & 1) === 1;
    const container = decodeContainer(view, offset, cardinality, isRuns);
    offset += container.byteLength;
    keys[index] = key;
    containers.push(container);
    size += cardinality;
  }
  if (offset !== bytes.length)
    throw new WireError("malformed", `${bytes.length - offset} bytes after a Roaring bitmap`);
  return new RoaringSelector(keys, containers, size);
}

class RoaringSelector implements PageSelector {
  readonly size: number;
  readonly #keys: Uint16Array;
  readonly #containers: readonly RoaringContainer[];

  constructor(keys: Uint16Array, containers: readonly RoaringContainer[], size: number) {
    this.#keys = keys;
    this.#containers = containers;
    this.size = size;
  }

  has(pageId: number): boolean {
    if (!Number.isInteger(pageId)) return false;
    const key = Math.floor(pageId / CONTAINER_SPAN);
    let low = 0;
    let high = this.#keys.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.#keys[middle] as number;
      if (found === key) return (this.#containers[middle] as RoaringContainer).has(pageId % CONTAINER_SPAN);
      if (found < key) low = middle + 1;
      else high = middle - 1;
    }
    return false;
  }

  forEach(visit: (pageId: number) => void): void {
    for (const pageId of this) visit(pageId);
  }

  *[Symbol.iterator](): IterableIterator<number> {
    for (const [index, container] of this.#containers.entries()) {
      const start = (this.#keys[index] as number) * CONTAINER_SPAN;
      for (const value of container.values()) yield start + value;
    }
  }

  dispose(): void {}
}
