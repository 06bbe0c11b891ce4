const BLOCK_IDS = 65_536;

/**
 * Page ids that have been seen, a bit each. Memory is taken as ids come, a block at a time: the size that a remote claims
 * its database has costs nothing.
 */
export class PageIdSet {
  readonly #blocks = new Map<number, Uint8Array>();

  /** Whether the id is new. */
  add(pageId: number): boolean {
    const key = Math.floor(pageId / BLOCK_IDS);
    let block = this.#blocks.get(key);
    if (block === undefined) {
      block = new Uint8Array(BLOCK_IDS / 8);
      this.#blocks.set(key, block);
    }
    const index = (pageId % BLOCK_IDS) >> 3;
    const bit = 1 << (pageId & 7);
    const bits = block[index] as number;
    block[index] = bits | bit;
    return (bits & bit) === 0;
  }
}
