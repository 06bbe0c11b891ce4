/** All pages of one state of a database, to be read past SQLite. */
export interface DatabaseImage {
  /** In pages. */
  readonly size: number;
  /**
   * The image of a page of `PAGE_SIZE` bytes, by its one-based number; only for pages that are there. It may be read until
   * the next call, and must not be changed. Throws what reading it throws.
   */
  readPage(pageNumber: number): Uint8Array;
}
