import { SyncError } from "../errors/sync-error.js";

const BLOCK_IDS = 65_536;

/**
 * The page ids that a download has brought: one bit each, so that a database of 1 GiB costs 32 KiB. Memory is taken as
 * ids come, a block at a time: the size that a remote claims its database has costs nothing.
 */
export class PageMap {
  readonly #blocks: Map<number, Uint8Array> = new Map();
  #size = 0;
  /** All ids below are there. */
  #complete = 0;

  /** Number of pages. */
  get size(): number {
    return this.#size;
  }

  has(pageId: number): boolean {
    const block = this.#blocks.get(blockOf(pageId));
    return block !== undefined && ((block[byteOf(pageId)] as number) & bitOf(pageId)) !== 0;
  }

  /** Adds pages of a database of that size. Fails with `invalid-page-stream` for a page beyond it or added before. */
  addAll(pageIds: Uint32Array, databaseSize: number): void {
    for (const pageId of pageIds) {
      if (pageId >= databaseSize) {
        throw new SyncError(
          "invalid-page-stream",
          `The remote sent the page ${pageId}, but announced ${databaseSize} pages. Nothing was applied.`,
        );
      }
      if (this.has(pageId)) {
        throw new SyncError(
          "invalid-page-stream",
          `The remote sent the page ${pageId} twice. Nothing was applied.`,
        );
      }
      this.#add(pageId);
    }
  }

  /** The first id below `databaseSize` that is missing. Goes on from where it was, so each piece of a download may ask. */
  firstMissing(databaseSize: number): number | undefined {
    while (this.#complete < databaseSize && this.has(this.#complete)) this.#complete++;
    return this.#complete < databaseSize ? this.#complete : undefined;
  }

  #add(pageId: number): void {
    let block = this.#blocks.get(blockOf(pageId));
    if (block === undefined) {
      block = new Uint8Array(BLOCK_IDS / 8);
      this.#blocks.set(blockOf(pageId), block);
    }
    block[byteOf(pageId)] = (block[byteOf(pageId)] as number) | bitOf(pageId);
    this.#size++;
  }
}

function blockOf(pageId: number): number {
  return Math.floor(pageId / BLOCK_IDS);
}

function byteOf(pageId: number): number {
  return (pageId % BLOCK_IDS) >>> 3;
}

function bitOf(pageId: number): number {
  return 1 << (pageId & 7);
}
