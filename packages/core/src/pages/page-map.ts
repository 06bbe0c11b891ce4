import { SyncError } from "../errors/sync-error.js";

/** The page ids that a download has brought: one bit each, so that a database of 1 GiB costs 32 KiB. */
export class PageMap {
  #bits: Uint32Array = new Uint32Array(1024);
  #size = 0;

  /** Number of pages. */
  get size(): number {
    return this.#size;
  }

  has(pageId: number): boolean {
    return (((this.#bits[pageId >>> 5] ?? 0) >>> (pageId & 31)) & 1) === 1;
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

  /** The first id below `databaseSize` that is missing. */
  firstMissing(databaseSize: number): number | undefined {
    for (let pageId = 0; pageId < databaseSize; pageId++) {
      if (!this.has(pageId)) return pageId;
    }
    return undefined;
  }

  #add(pageId: number): void {
    const word = pageId >>> 5;
    if (word >= this.#bits.length) {
      const grown = new Uint32Array(Math.max(word + 1, this.#bits.length * 2));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    this.#bits[word] = (this.#bits[word] as number) | (1 << (pageId & 31));
    this.#size++;
  }
}
